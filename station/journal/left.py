"""What commands of earlier runs put in force for good, as the journal holds it beside its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from pydantic import ValidationError

from station.core.commands import COMMANDS
from station.core.events import Starting, StationMode
from station.core.records import CommandResult, ModeChanged, ModelChanged, PolicyChanged, Record
from station.core.setup import PolicySetup
from station.journal.schema import STANDING_ROWS
from station.journal.stored import HOLD_LIST, MODE, MODEL, POLICY, by_name, settled, unreadable
from station.journal.writer import Journal

_KINDS: Mapping[str, type[Record]] = {
    MODE: ModeChanged,
    POLICY: PolicyChanged,
    MODEL: ModelChanged,
    HOLD_LIST: CommandResult,
}
_SETTLED = frozenset(command.settles for command in COMMANDS.values()) - {""}
_ANSWERS_ASKED = 20_000
_ACCEPTED = f"""
SELECT payload FROM event WHERE type = '{CommandResult.type}' AND instr(payload, CAST('"accepted"' AS BLOB)) > 0
    ORDER BY seq DESC LIMIT ?
"""  # noqa: S608
_STANDING = "SELECT payload FROM standing WHERE name = ?"


def starting(journal: Journal, policy: str, software: str, config_sha256: str, model_sha256: str) -> Starting:
    """What the core hears first: what the daemon runs with, and how earlier runs left the station.

    Args:
        journal: opened.
        policy: the version of the configured one.
        software: the program's version.
        config_sha256: of the configuration.
        model_sha256: of the image model, "" without one.

    Raises:
        JournalError: the journal cannot be read.
    """
    return Starting(
        software,
        config_sha256,
        model_sha256,
        left_open=tuple(journal.open_parcels()),
        trigger_offsets=journal.trigger_offsets(),
        mode=mode_left(journal),
        rules=policy_left(journal, policy),
        issued=issued_left(journal),
    )


def unreadable_left(journal: Journal) -> str:
    """What of that is not as it was written, or cannot be understood, by name; "" if all is well.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = by_name(journal.rows(STANDING_ROWS))
    damaged = {
        *unreadable(rows),
        *_forgotten(journal, rows),
        *(name for name, kind in _KINDS.items() if name in rows and not _told(kind, rows[name])),
    }
    return ", ".join(sorted(damaged))


def _forgotten(journal: Journal, rows: Mapping[str, object]) -> Iterator[str]:
    """What the answers to commands say is in force, and the table does not have: it is as if never commanded."""
    newest: dict[str, bytes] = {}
    for (payload,) in journal.rows(_ACCEPTED, (_ANSWERS_ASKED,)):
        names = settled(payload)
        yield from names - rows.keys()
        for name in names & _SETTLED:
            newest.setdefault(name, payload)
    yield from (name for name, payload in newest.items() if rows.get(name) != payload)


def _told(kind: type[Record], payload: object) -> bool:
    try:
        kind.model_validate_json(payload)  # type: ignore[arg-type]
    except ValidationError:
        return False
    return True


def mode_left(journal: Journal) -> StationMode:
    """The mode in which the station was left; paused, where the journal's word on it cannot be read.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows(_STANDING, (MODE,))
    if not rows:
        return StationMode()
    try:
        told = ModeChanged.model_validate_json(rows[0][0])
    except ValidationError:
        return StationMode(paused=True)
    return StationMode(told.paused, told.dry_run)


def policy_left(journal: Journal, configured: str) -> PolicySetup | None:
    """The policy that was commanded last on top of the configured one of that version, None if there is none.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows(_STANDING, (POLICY,))
    try:
        policy = PolicyChanged.model_validate_json(rows[0][0]).policy if rows else None
    except ValidationError:
        return None
    return policy if policy is not None and policy.version.partition("+")[0] == configured else None


def issued_left(journal: Journal) -> tuple[tuple[str, str], ...]:
    """When the newest command was issued of each kind that puts something in force, as far as the journal knows.

    Raises:
        JournalError: the journal cannot be read.
    """
    found = []
    for name in sorted(_SETTLED):
        for (payload,) in journal.rows(_STANDING, (name,)):
            with suppress(ValidationError):
                found.append((name, CommandResult.model_validate_json(payload).issued_at))
    return tuple(found)


def model_left(journal: Journal, configured: str) -> str:
    """The release of the model that was commanded last over the configured one, "" if none is known to have been.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows(_STANDING, (MODEL,))
    try:
        told = ModelChanged.model_validate_json(rows[0][0]) if rows else None
    except ValidationError:
        return ""
    return told.release if told is not None and told.over == configured else ""

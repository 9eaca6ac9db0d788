"""What commands of earlier runs put in force for good, as the journal holds it beside its events."""

from __future__ import annotations

from pydantic import ValidationError

from station.core.events import StationMode
from station.core.records import CommandResult, ModeChanged, ModelChanged, PolicyChanged
from station.core.setup import PolicySetup
from station.journal.stored import HOLD_LIST, MODE, MODEL, POLICY
from station.journal.writer import Journal

_STANDING = "SELECT payload FROM standing WHERE name = ?"


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


def hold_list_left(journal: Journal) -> str:
    """The SHA-256 of the hold list that was commanded last, "" if none is known to have been.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows(_STANDING, (HOLD_LIST,))
    try:
        return CommandResult.model_validate_json(rows[0][0]).about if rows else ""
    except ValidationError:
        return ""


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

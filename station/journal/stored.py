"""A journaled event as it stands on disk, what it names, and what the file's errors mean to a technician."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from station.core.commands import AS_BEFORE, COMMANDS, ChangeModel, ChangePolicy, DryRun, HoldList, Pause, Resume
from station.core.records import (
    CommandResult,
    FrameInspected,
    ModeChanged,
    ModelChanged,
    ParcelCompleted,
    ParcelRef,
    PolicyChanged,
    ReadingMatched,
    Record,
)


class JournalError(Exception):
    """The journal cannot be used, or a write was not kept; the sentence says what to do. Nothing was deleted."""


class DamagedError(JournalError):
    """A journal's file is not whole, or no journal any more; `what` says how. It may be any, also a backup."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; nothing was deleted: `station journal export --salvage` reads what can be read of it"
        )
        self.what = what


MARK = "-damaged"
"""Behind a journal's name: of a file that says that it was found damaged while it was written."""


class Stored(NamedTuple):
    """One event as journaled: a row of the table, as it is bound and read.

    Attributes:
        seq: gapless from 1.
        id: the incarnation of the journal that wrote it, and `seq`; unique among all stations, for ever.
        time: UTC, ISO-8601 with milliseconds and `Z`.
        mono_ns: the writer's monotonic clock, ns; comparable only within one boot of the PC.
        payload: the record as JSON, the very bytes that were kept.
        chain: its link in the hash chain, 32 bytes.
        clock: how far `time` can be trusted (`ClockQuality.text`); "" for events of before this was kept.
    """

    seq: int
    id: str
    type: str
    version: int
    time: str
    mono_ns: int
    epoch: int
    session: int
    payload: bytes
    chain: bytes = b""
    clock: str = ""

    @property
    def incarnation(self) -> str:
        """Which run of the database wrote it."""
        return self.id.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One run of a database: it wrote the events from `first_seq` up to the next one's."""

    first_seq: int
    id: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What retention took out: numbers, the links ahead and behind, and the `journal-pruned` that tells it."""

    first_seq: int
    last_seq: int
    before: bytes
    after: bytes
    told: int


@cache
def _speaks_of(kind: type[Record]) -> tuple[bool, bool]:
    """Whether records of a type name a parcel, and candidates; asked of each record it costs more than its hash."""
    return "parcel" in kind.model_fields, "candidates" in kind.model_fields


def parcels_of(record: Record) -> Collection[ParcelRef]:
    """Every parcel that a record speaks of."""
    one, several = _speaks_of(type(record))
    if several:
        return dict.fromkeys(getattr(record, "candidates", ()))
    parcel = getattr(record, "parcel", None) if one else None
    return () if parcel is None else (parcel,)


def frames_of(record: Record) -> Collection[str]:
    """Every picture that a record names, by its hash."""
    match record:
        case FrameInspected():
            return (record.frame_id,)
        case ReadingMatched(kind="frame", value=str() as value) if value:
            return (value,)
        case ParcelCompleted():
            return dict.fromkeys(record.frames)
    return ()


MODE = ModeChanged.type
POLICY = PolicyChanged.type
HOLD_LIST = HoldList.settles
MODEL = ModelChanged.type


_SHA256_OF = "sha256 of "


def stands(name: str, payload: bytes) -> tuple[tuple[str, bytes], ...]:
    """The rows of the table `standing` for what a record puts in force: the record, and what it must come to."""
    return (name, payload), (_SHA256_OF + name, hashlib.sha256(payload).digest())


def by_name(rows: Iterable[tuple[Any, ...]]) -> dict[str, object]:
    """The rows of the table `standing`, also where a name is no text any more."""
    return {name.decode("utf-8", "replace"): payload for name, payload in rows}


def unreadable(rows: Mapping[str, object]) -> list[str]:
    """Of the rows of the table `standing` the names of those that are not as they were written.

    One without its hash is of a program that wrote none.
    """
    found = []
    for name, payload in rows.items():
        told = rows.get(_SHA256_OF + name)
        if name.startswith(_SHA256_OF):
            wrong = name.removeprefix(_SHA256_OF) not in rows
        else:
            wrong = not isinstance(payload, bytes) or told not in {None, hashlib.sha256(payload).digest()}
        if wrong:
            found.append(name.removeprefix(_SHA256_OF))
    return sorted(set(found))


_RECORD_OF = {
    Pause.type: MODE,
    Resume.type: MODE,
    DryRun.type: MODE,
    ChangePolicy.type: POLICY,
    ChangeModel.type: MODEL,
}


def standing_of(record: Record) -> str:
    """What a record puts in force for good, by its name in the table `standing`; "" if nothing."""
    match record:
        case ModeChanged():
            return MODE
        case PolicyChanged():
            return POLICY
        case CommandResult(result="accepted"):
            return COMMANDS[record.command_type].settles if record.command_type in COMMANDS else ""
        case ModelChanged():
            return MODEL
    return ""


def settled(payload: bytes) -> frozenset[str]:
    """The rows of the table `standing` that there must be, by an accepted command's answer.

    Not by one without a digest: it is of a program that kept fewer.
    """
    try:
        told = CommandResult.model_validate_json(payload)
    except ValueError:
        return frozenset()
    name = standing_of(told) if told.digest else ""
    if not name:
        return frozenset()
    record = _RECORD_OF.get(told.command_type, "")
    return frozenset({name, record} - {""} if AS_BEFORE not in told.text else {name})


def explain(path: Path, error: Exception) -> JournalError:
    """What SQLite's error means, and what to do."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            sentence = f"journal {path} is locked by another program; close it (`fuser {path}` names it)"
        case apsw.FullError():
            sentence = f"no space left for journal {path}; free some on its disk, nothing of this write was kept"
        case apsw.CorruptError() | UnicodeDecodeError():
            return DamagedError(f"journal {path} is damaged or truncated ({' '.join(str(error).split())})")
        case apsw.NotADBError():
            return DamagedError(f"{path} is not a journal (no SQLite file)")
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            sentence = f"journal {path} may not be written; give this user write access to it and to its folder"
        case apsw.CantOpenError():
            sentence = f"journal {path} cannot be opened; check that its folder exists and that this user may use it"
        case apsw.IOError():
            sentence = f"the disk under journal {path} failed ({error}); nothing of this write was kept; check the disk"
        case _:
            sentence = f"journal {path}: {error}"
    return JournalError(sentence)

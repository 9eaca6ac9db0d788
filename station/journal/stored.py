"""A journaled event as it stands on disk, the file's schema, and what its errors mean to a technician."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

from station.core.records import FrameInspected, ParcelRef, Record

APPLICATION_ID = 0x49_4E_53_50
"""`INSP` in the SQLite header: whose file it is."""

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, time TEXT NOT NULL,
    mono_ns INTEGER NOT NULL, epoch INTEGER NOT NULL, session INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE TABLE parcel_event (
    number INTEGER, epoch INTEGER, seq INTEGER, PRIMARY KEY (number, epoch, seq)) WITHOUT ROWID, STRICT;
CREATE TABLE frame_event (frame_id TEXT, seq INTEGER, PRIMARY KEY (frame_id, seq)) WITHOUT ROWID, STRICT;
CREATE TABLE probe (one INTEGER PRIMARY KEY CHECK (one = 1), mono_ns INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
"""

COLUMNS = "seq, id, type, version, time, mono_ns, epoch, session, payload"


class JournalError(Exception):
    """The journal cannot be used, or a write was not kept; the sentence says what to do. Nothing was deleted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as journaled.

    Attributes:
        seq: gapless from 1.
        id: the journal's UUID and `seq`; unique among all stations.
        time: UTC, ISO-8601 with milliseconds and `Z`.
        mono_ns: the writer's monotonic clock, ns; comparable only within one boot of the PC.
        payload: the record as JSON, the very bytes that were kept.
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


def parcels_of(record: Record) -> Iterator[ParcelRef]:
    """Every parcel that a record speaks of."""
    parcel = getattr(record, "parcel", None)
    if isinstance(parcel, ParcelRef):
        yield parcel
    yield from dict.fromkeys(getattr(record, "candidates", ()))


def frame_of(record: Record) -> str | None:
    """The frame whose inspection a record tells."""
    return record.frame_id if isinstance(record, FrameInspected) else None


def explain(path: Path, error: apsw.Error) -> JournalError:
    """What SQLite's error means, and what to do."""
    keep = f"nothing was deleted; move {path} and {path}-wal aside together, keep them for analysis, and start again"
    match error:
        case apsw.BusyError() | apsw.LockedError():
            sentence = f"journal {path} is locked by another program; close it (`fuser {path}` names it)"
        case apsw.FullError():
            sentence = f"no space left for journal {path}; free some on its disk, nothing of this write was kept"
        case apsw.CorruptError():
            sentence = f"journal {path} is damaged or truncated ({error}); {keep}"
        case apsw.NotADBError():
            sentence = (
                f"{path} is not a journal (no SQLite file); set another path, or move it aside; it was not touched"
            )
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            sentence = f"journal {path} may not be written; give this user write access to it and to its folder"
        case apsw.CantOpenError():
            sentence = f"journal {path} cannot be opened; check that its folder exists and that this user may use it"
        case apsw.IOError():
            sentence = f"the disk under journal {path} failed ({error}); nothing of this write was kept; check the disk"
        case _:
            sentence = f"journal {path}: {error}"
    return JournalError(sentence)

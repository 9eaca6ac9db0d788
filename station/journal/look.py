"""What state a journal's file is in, without writing to it: for `station check`, ahead of a start."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from station.journal.opening import (
    check_file,
    check_mark,
    check_missing,
    check_ours,
    check_station,
    check_tail,
    published_beyond,
    quick_check,
)
from station.journal.places import incarnations
from station.journal.schema import SCHEMA_VERSION
from station.journal.stored import DamagedError, JournalError, explain

BUSY_MS = 500


def look_at(path: Path, station: str) -> str:
    """A sentence on a journal that a start will take.

    Raises:
        JournalError: a start will refuse it, or set it aside; the sentence says what to do.
    """
    try:
        return _looked_at(path, station)
    except DamagedError as error:
        raise JournalError(
            f"{error.what}; nothing was deleted: a start sets it aside whole, begins a new one, and inspects all until"
            " `station resume`; to go on with a backup instead: `station journal aside`, then `restore`"
        ) from error


def _looked_at(path: Path, station: str) -> str:
    if not path.exists():
        check_missing(path)
        return f"{path} is not there yet: the first start begins it"
    check_file(path)
    check_mark(path)
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise explain(path, apsw.ReadOnlyError())
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return _look(db, path, station)
        finally:
            db.close()
    except (apsw.Error, UnicodeDecodeError) as error:
        raise explain(path, error) from error


def _look(db: apsw.Connection, path: Path, station: str) -> str:
    db.set_busy_timeout(BUSY_MS)
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    check_ours(db, path, older=True)
    quick_check(db, path)
    check_station(db, path, station)
    last = int(db.execute("SELECT coalesce(max(seq), 0) FROM event").get)
    version = int(db.pragma("user_version"))
    if version < SCHEMA_VERSION:
        return f"{last} events, of version {version}: the next start brings them to {SCHEMA_VERSION}, and loses nothing"
    runs = incarnations(db)
    check_tail(db, path, runs)
    found = f"{last} events; the newest follow from each other"
    beyond, told = published_beyond(db, path, runs, last)
    if not beyond or told:
        return found
    return f"{found}. {beyond} was published and is not here: the next start is paused until `station resume`"

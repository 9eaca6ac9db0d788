"""Opening the journal for its writer: made anew, refused with a sentence, or whole, ours and of this version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from station.core.records import JournalOpened
from station.journal.chain import genesis
from station.journal.files import sync_folder
from station.journal.lock import FileLock, LockedError
from station.journal.migrate import bring_forward
from station.journal.places import end_of, gaps_between, incarnations, standing
from station.journal.published import CURSOR_FILE, published
from station.journal.schema import APPLICATION_ID, COLUMNS, FOR_COMMANDS, SCHEMA, SCHEMA_VERSION
from station.journal.stored import MARK, DamagedError, Incarnation, JournalError, explain
from station.journal.walk import Walk

BUSY_MS = 100
FULL_CHECK_BYTES = 64 * 2**20
WAL_KEEP_BYTES = 16 * 2**20
TAIL = 1000
HEADER_BYTES = 512
_TOLD = f"""
WITH opening AS (SELECT CAST(payload AS TEXT) AS told FROM incarnation JOIN event ON seq = first_seq
    WHERE type = '{JournalOpened.type}')
SELECT 1 FROM opening WHERE json_valid(told) AND json_extract(told, '$.published_beyond') = ?
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Opened:
    """A journal that may be written: its id, its runs so far, its last number, and that one's link.

    Attributes:
        migrated_from: the version that it was brought forward from now, 0 if it was of this one.
        beyond: the id of an event that was published and is not in it, "" if there is none.
        told: whether one of its runs told of that already.
    """

    db: apsw.Connection
    journal_id: str
    runs: tuple[Incarnation, ...]
    last_seq: int
    chain: bytes
    migrated_from: int
    beyond: str
    told: bool


def take_lock(path: Path) -> FileLock:
    """The lock that a journal's one writer holds.

    Raises:
        JournalError: another process holds it, or it cannot be made.
    """
    try:
        return FileLock(Path(f"{path}.lock"))
    except LockedError as error:
        pid = error.pid
        sentence = f"journal {path} is being written by process {pid}; a station runs once: stop that one first"
        raise JournalError(sentence) from error
    except OSError as error:
        sentence = f"journal {path}: {error.strerror}; make its folder, and let this user write there"
        raise JournalError(sentence) from error


def create(path: Path, station: str, created: str, journal_id: str, vfs: str | None) -> None:
    """Make the file under another name and rename it, so that an empty journal is always one that was cut off."""
    check_missing(path)
    temporary = Path(f"{path}.new")
    temporary.unlink(missing_ok=True)
    db = apsw.Connection(str(temporary), vfs=vfs)
    try:
        db.pragma("synchronous", "full")
        with db:
            db.execute(SCHEMA)
            rows = [("id", journal_id), ("station", station), ("created", created)]
            db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            db.pragma("application_id", APPLICATION_ID)
            db.pragma("user_version", SCHEMA_VERSION)
    finally:
        db.close()
    temporary.rename(path)
    sync_folder(path.parent)


def open_journal(path: Path, station: str, vfs: str | None) -> Opened:
    """Open one that is there; what is wrong with it is found before anything is written.

    Raises:
        JournalError: it is none of ours, of a newer program, of another station, or not whole.
        apsw.Error: SQLite refuses it.
    """
    check_file(path)
    check_mark(path)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    try:
        plan_once(db)
        db.set_busy_timeout(BUSY_MS)
        check_ours(db, path, older=True)
        _check_writable(db, path)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")
        db.pragma("journal_size_limit", WAL_KEEP_BYTES)
        quick_check(db, path)
        db.execute("BEGIN IMMEDIATE; COMMIT")
        meta = check_station(db, path, station)
        migrated = bring_forward(db, path)
        db.execute(FOR_COMMANDS)
        runs = incarnations(db)
        check_tail(db, path, runs)
        last_seq, chain = end_of(db, genesis(meta["id"]))
        beyond, told = published_beyond(db, path, runs, last_seq)
        return Opened(db, meta["id"], tuple(runs), last_seq, chain, migrated, beyond, told)
    except BaseException:
        db.close()
        raise


def published_beyond(db: apsw.Connection, path: Path, runs: Sequence[Incarnation], last_seq: int) -> tuple[str, bool]:
    """The id of an event that was published and is not here, as where an old copy was put back; "" if there is none.

    And whether a run that wrote this journal told of it already, as its first event.
    """
    place = standing(published(path.with_name(CURSOR_FILE)), runs, last_seq).beyond
    beyond = f"{place.incarnation}-{place.seq}" if place else ""
    return beyond, bool(beyond and db.execute(_TOLD, (beyond,)).fetchall())


def plan_once(db: apsw.Connection) -> None:
    """Have SQLite plan each statement once: it would plan those with a `?` in a range anew for every value."""
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def open_to_read(path: Path) -> apsw.Connection:
    """Open a journal that is only read, also by a user who may not write beside it.

    SQLite would make the shared memory of its write-ahead log there. Where there is no log no station writes: the last
    one ended in order, and the file is whole by itself.

    Raises:
        apsw.Error: SQLite refuses it.
    """
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.execute("SELECT 1 FROM sqlite_schema").fetchall()
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        db.close()
        if Path(f"{path}-wal").exists():
            raise
        name = f"file:{quote(str(path.resolve()))}?immutable=1"
        return apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    except BaseException:
        db.close()
        raise
    return db


def _check_writable(db: apsw.Connection, path: Path) -> None:
    if db.readonly("main"):  # SQLite falls back to reading only, without a word
        raise explain(path, apsw.ReadOnlyError())


def check_missing(path: Path) -> None:
    """Refuse to begin a journal beside the log of another.

    Raises:
        DamagedError: one is there.
    """
    if Path(f"{path}-wal").exists():
        raise DamagedError(f"journal {path} is missing, but its log {path}-wal is there")


def check_file(path: Path) -> None:
    """Refuse what is no file at all, or one of no length.

    Raises:
        JournalError: it is.
    """
    if path.is_dir():
        raise JournalError(f"{path} is a folder, not a journal; move it aside; it was not touched")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise JournalError(
            f"journal {path} cannot be opened: {error.strerror}; let this user read and write it"
        ) from error
    if size < HEADER_BYTES:
        how_long = "empty" if size == 0 else f"only {size} bytes long"
        raise DamagedError(f"journal {path} is {how_long}, so it was cut off")


def check_mark(path: Path) -> None:
    """Refuse a journal that an earlier run could not write any more: a start looks at a part of a large one only.

    Raises:
        DamagedError: it is one.
    """
    if Path(f"{path}{MARK}").exists():
        raise DamagedError(f"journal {path} was found damaged while it was written")


def check_ours(db: apsw.Connection, path: Path, *, older: bool = False) -> None:
    """Refuse a file that is no journal, or one of another version; with `older` only of a newer one.

    Raises:
        JournalError: it is.
    """
    if db.pragma("application_id") != APPLICATION_ID:
        raise JournalError(
            f"{path} is a database of another program; set another path for the journal; it was not touched"
        )
    version = int(db.pragma("user_version"))
    sentence = f"journal {path} is of version {version}, this program writes {SCHEMA_VERSION}"
    if version > SCHEMA_VERSION or version < 1:
        raise JournalError(f"{sentence}: install the program that wrote it, or move the file aside to begin a new one")
    if version < SCHEMA_VERSION and not older:
        raise JournalError(f"{sentence}: start the station once, it brings the journal forward and loses nothing")


def check_station(db: apsw.Connection, path: Path, station: str) -> dict[str, str]:
    """What the journal says of itself; refused if it is another station's.

    Raises:
        JournalError: it is.
    """
    meta: dict[str, str] = dict(db.execute("SELECT key, value FROM meta"))
    if not {"id", "created"} <= meta.keys():
        raise explain(path, apsw.CorruptError("it does not say what it is"))
    if meta.get("station") != station:
        sentence = f"journal {path} belongs to station {meta.get('station')!r}, not {station!r}"
        raise JournalError(f"{sentence}: give each station a journal of its own, or name the station as before")
    return meta


def quick_check(db: apsw.Connection, path: Path) -> None:
    """All pages of a small journal; that of a large one takes too long for a start.

    Raises:
        JournalError: it is damaged.
    """
    if db.pragma("page_count") * db.pragma("page_size") <= FULL_CHECK_BYTES:
        verdict = db.execute("PRAGMA quick_check(1)").get
        if verdict != "ok":
            raise explain(path, apsw.CorruptError(str(verdict)))


def check_tail(db: apsw.Connection, path: Path, runs: list[Incarnation]) -> None:
    """The newest thousand events: all there, each following from the one before.

    Raises:
        JournalError: they are not.
    """
    rows: list[Any] = db.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq DESC LIMIT ?", (TAIL,)).fetchall()[::-1]  # noqa: S608
    if not rows:
        return
    gaps = gaps_between(db, rows[0][0], rows[-1][0])
    walk = Walk(None, None, runs)
    for row in rows:
        for fault in walk.take(row, gaps):
            sentence = f"{fault.text}; `station journal verify` looks at all of it"
            raise explain(path, apsw.CorruptError(sentence))

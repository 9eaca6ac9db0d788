"""The journal's one writer: a batch of records is on disk, whole, before `append` returns, or not kept at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw

from station.clock import utc_text
from station.core.events import OpenParcel, ParcelKey
from station.core.records import ParcelCompleted, ParcelEntered, ReadingMatched, Record
from station.core.triggers import TRIGGERS
from station.journal.lock import FileLock, LockedError
from station.journal.stored import (
    APPLICATION_ID,
    COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    JournalError,
    Stored,
    explain,
    frame_of,
    parcels_of,
)

BUSY_MS = 100
FULL_CHECK_BYTES = 64 * 2**20
WAL_KEEP_BYTES = 16 * 2**20
OPEN_AMONG = 100_000
_PARCELS = f"""
WITH parcel AS (SELECT seq, type, time, CAST(payload AS TEXT) AS told FROM event
    WHERE seq > ? AND type IN ('{ParcelEntered.type}', '{ParcelCompleted.type}'))
SELECT type, time, json_extract(told, '$.parcel.epoch'), json_extract(told, '$.parcel.number')
    FROM parcel WHERE json_valid(told) ORDER BY seq
"""  # noqa: S608
_TRIGGERS = f"""
WITH picture AS (SELECT seq, CAST(payload AS TEXT) AS told FROM event WHERE seq > ? AND type = '{ReadingMatched.type}')
SELECT json_extract(told, '$.device'), json_extract(told, '$.trigger'), json_extract(told, '$.plc_trigger'), max(seq)
    FROM picture WHERE json_valid(told)
    AND json_extract(told, '$.plc_trigger') > 0 AND json_extract(told, '$.trigger') > 0
    GROUP BY 1 ORDER BY 1
"""  # noqa: S608


def _new_id() -> str:
    return uuid.uuid4().hex


class Journal:
    """Opened for the life of the daemon; used by one thread at a time.

    A power cut or a failed fsync during `append` can leave the batch on disk though `append` raised or never
    returned; then it is there whole after the next start, and no other event was given its numbers meanwhile.

    Raises:
        JournalError: the file is foreign, newer, truncated, damaged or locked, or another daemon writes it.
    """

    def __init__(
        self,
        path: Path,
        *,
        station: str,
        now_utc: Callable[[], datetime],
        mono_ns: Callable[[], int],
        make_id: Callable[[], str] = _new_id,
        vfs: str | None = None,
    ) -> None:
        self.path = path
        self._now_utc = now_utc
        self._mono_ns = mono_ns
        self._lock = self._take_lock()
        try:
            if not path.exists():
                _create(path, station, self._stamp(), make_id(), vfs)
            self._db, self.journal_id, self.last_seq = _open(path, station, vfs)
        except apsw.Error as error:
            self._lock.close()
            raise explain(path, error) from error
        except BaseException:
            self._lock.close()
            raise

    def append(self, records: Sequence[Record], *, epoch: int, session: int) -> list[Stored]:
        """Keep records in one transaction, synced; they get the next numbers, in their order.

        Raises:
            JournalError: nothing was kept and no number is used up; a later append may succeed.
        """
        if not records:
            return []
        time, mono_ns = self._stamp(), self._mono_ns()
        batch = [
            Stored(
                seq=seq,
                id=f"{self.journal_id}-{seq}",
                type=record.type,
                version=record.version,
                time=time,
                mono_ns=mono_ns,
                epoch=epoch,
                session=session,
                payload=record.model_dump_json().encode(),
            )
            for seq, record in enumerate(records, self.last_seq + 1)
        ]
        self._commit(lambda: self._insert(batch, records))
        self.last_seq = batch[-1].seq
        return batch

    def probe(self) -> None:
        """Prove that a commit reaches the disk, for the heartbeat; not an event, takes no number.

        Raises:
            JournalError: it did not.
        """
        self._commit(lambda: self._db.execute("UPDATE probe SET mono_ns = ?", (self._mono_ns(),)))

    def open_parcels(self) -> list[OpenParcel]:
        """Parcels of the newest 100,000 events that entered and were not completed, oldest first.

        Raises:
            JournalError: it cannot be read.
        """
        try:
            rows = list(self._db.execute(_PARCELS, (self.last_seq - OPEN_AMONG,)))
        except apsw.Error as error:
            raise explain(self.path, error) from error
        found: dict[ParcelKey, OpenParcel] = {}
        for kind, time, epoch, number in rows:
            if isinstance(epoch, int) and isinstance(number, int):
                key = ParcelKey(epoch, number)
                if kind == ParcelEntered.type:
                    found.setdefault(key, OpenParcel(key, time))
                else:
                    found.pop(key, None)
        return list(found.values())

    def trigger_offsets(self) -> tuple[tuple[str, int], ...]:
        """By device, how far its trigger numbers were ahead of the PLC's when a picture last was in step.

        Raises:
            JournalError: it cannot be read.
        """
        try:
            rows = list(self._db.execute(_TRIGGERS, (self.last_seq - OPEN_AMONG,)))
        except apsw.Error as error:
            raise explain(self.path, error) from error
        return tuple((device, (own - plc) % TRIGGERS) for device, own, plc, _ in rows)

    def wal_bytes(self) -> int:
        """Size of the write-ahead log; it grows past a few tens of MB only if a reader holds a snapshot open."""
        try:
            return Path(f"{self.path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it.

        Raises:
            JournalError: the disk refused; all that was appended is kept, the log is folded in at the next start.
        """
        try:
            self._db.close()
        except apsw.Error as error:
            raise explain(self.path, error) from error
        finally:
            self._lock.close()

    def _stamp(self) -> str:
        return utc_text(self._now_utc())

    def _take_lock(self) -> FileLock:
        try:
            return FileLock(Path(f"{self.path}.lock"))
        except LockedError as error:
            pid = error.pid
            sentence = (
                f"journal {self.path} is being written by process {pid}; a station runs once: stop that one first"
            )
            raise JournalError(sentence) from error
        except OSError as error:
            sentence = f"journal {self.path}: {error.strerror}; make its folder, and let this user write there"
            raise JournalError(sentence) from error

    def _insert(self, batch: Sequence[Stored], records: Sequence[Record]) -> None:
        self._many(
            f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(e.seq, e.id, e.type, e.version, e.time, e.mono_ns, e.epoch, e.session, e.payload) for e in batch],
        )
        pairs = list(zip(batch, records, strict=True))
        parcels = [(p.number, p.epoch, e.seq) for e, record in pairs for p in parcels_of(record)]
        self._many("INSERT INTO parcel_event VALUES (?, ?, ?)", parcels)
        frames = [(frame_of(record), e.seq) for e, record in pairs]
        self._many("INSERT INTO frame_event VALUES (?, ?)", [row for row in frames if row[0] is not None])

    def _many(self, sql: str, rows: Sequence[tuple[apsw.SQLiteValue, ...]]) -> None:
        if rows:
            self._db.executemany(sql, rows)

    def _commit(self, write: Callable[[], object]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            write()
            self._db.execute("COMMIT")
        except apsw.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise explain(self.path, error) from error


def _create(path: Path, station: str, created: str, journal_id: str, vfs: str | None) -> None:
    """Make the file under another name and rename it, so that an empty journal is always one that was cut off."""
    if Path(f"{path}-wal").exists():
        raise JournalError(f"{path} is missing but {path}-wal is there: put the journal back, or move the -wal aside")
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


def sync_folder(folder: Path) -> None:
    """Make a rename in it durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _open(path: Path, station: str, vfs: str | None) -> tuple[apsw.Connection, str, int]:
    if path.stat().st_size == 0:
        raise JournalError(
            f"journal {path} is empty, so it was cut off; nothing was deleted: move it aside to begin anew"
        )
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    try:
        db.set_busy_timeout(BUSY_MS)
        check_ours(db, path)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")
        db.pragma("journal_size_limit", WAL_KEEP_BYTES)
        return db, *_verify(db, path, station)
    except BaseException:
        db.close()
        raise


def check_ours(db: apsw.Connection, path: Path) -> None:
    """Refuse a file that is no journal, or one of a newer program.

    Raises:
        JournalError: it is.
    """
    if db.pragma("application_id") != APPLICATION_ID:
        raise JournalError(
            f"{path} is a database of another program; set another path for the journal; it was not touched"
        )
    version = db.pragma("user_version")
    if version != SCHEMA_VERSION:
        sentence = f"journal {path} is of version {version}, this program writes {SCHEMA_VERSION}"
        raise JournalError(f"{sentence}: install the program that wrote it, or move the file aside to begin a new one")


def _verify(db: apsw.Connection, path: Path, station: str) -> tuple[str, int]:
    """Id and last number of a journal that is whole: all pages of a small one, the newest thousand events of any."""
    if db.pragma("page_count") * db.pragma("page_size") <= FULL_CHECK_BYTES:
        verdict = db.execute("PRAGMA quick_check(1)").get
        if verdict != "ok":
            raise explain(path, apsw.CorruptError(str(verdict)))
    db.execute("BEGIN IMMEDIATE; COMMIT")
    meta = dict(db.execute("SELECT key, value FROM meta"))
    if meta.get("station") != station:
        sentence = f"journal {path} belongs to station {meta.get('station')!r}, not {station!r}"
        raise JournalError(f"{sentence}: give each station a journal of its own, or name the station as before")
    newest = "SELECT count(*), min(seq), max(seq) FROM (SELECT seq, payload FROM event ORDER BY seq DESC LIMIT 1000)"
    bounds: tuple[Any, ...] = db.execute(newest).fetchall()[0]
    count, first, last = bounds
    if count and last - first + 1 != count:
        raise explain(path, apsw.CorruptError(f"numbers are missing between {first} and {last}"))
    return meta["id"], last or 0

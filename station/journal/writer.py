"""The journal's one writer: a batch of records is on disk, whole, before `append` returns, or not kept at all."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import apsw
from pydantic_core import PydanticSerializationError

from station.clock import ClockQuality, utc_text
from station.core.events import OpenParcel, ParcelKey
from station.core.records import (
    JournalOpened,
    ParcelCompleted,
    ParcelEntered,
    ReadingMatched,
    Record,
    SessionOpened,
)
from station.core.triggers import TRIGGERS
from station.journal.chain import link
from station.journal.ids import Numbers
from station.journal.opening import create, open_journal, take_lock
from station.journal.schema import COLUMNS, STANDS
from station.journal.stored import (
    MARK,
    DamagedError,
    Incarnation,
    Stored,
    explain,
    frames_of,
    parcels_of,
    standing_of,
    stands,
)

OPEN_AMONG = 100_000
T = TypeVar("T")
_PARCELS = f"""
WITH parcel AS (SELECT seq, type, time, CAST(payload AS TEXT) AS told FROM event
    WHERE seq > ? AND type IN ('{ParcelEntered.type}', '{ParcelCompleted.type}'))
SELECT type, time, json_extract(told, '$.parcel.epoch'), json_extract(told, '$.parcel.number')
    FROM parcel WHERE json_valid(told) ORDER BY seq
"""  # noqa: S608
_RUNS = "SELECT first_seq, id FROM incarnation ORDER BY first_seq"
_TRIGGERS = f"""
WITH picture AS (SELECT seq, CAST(payload AS TEXT) AS told FROM event WHERE seq > ? AND type = '{ReadingMatched.type}')
SELECT json_extract(told, '$.device'), json_extract(told, '$.trigger'), json_extract(told, '$.plc_trigger'), max(seq)
    FROM picture WHERE json_valid(told)
    AND json_extract(told, '$.plc_trigger') > 0 AND json_extract(told, '$.trigger') > 0
    GROUP BY 1 ORDER BY 1
"""  # noqa: S608
_OFFERED = f"""
WITH offer AS (SELECT CAST(payload AS TEXT) AS told FROM event WHERE seq > ? AND type = '{SessionOpened.type}')
SELECT max(json_extract(told, '$.new_epoch')), max(json_extract(told, '$.new_session'))
    FROM offer WHERE json_valid(told)
"""  # noqa: S608


def _payload(record: Record) -> bytes:
    """The record as JSON; in a text that is no Unicode what is none becomes a question mark."""
    try:
        return record.__pydantic_serializer__.to_json(record)
    except PydanticSerializationError:
        return json.dumps(record.model_dump(), ensure_ascii=False).encode("utf-8", "replace")


def _new_id() -> str:
    return uuid.uuid4().hex


class Journal:
    """Opened for the life of the daemon; used by one thread at a time.

    Each opening is a new incarnation, with a name that no other has: an id is never used twice, an old copy that was
    put back included. Its first event, `journal-opened`, is kept with the first batch.

    A power cut or a failed fsync during `append` can leave the batch on disk though `append` raised or never
    returned; then it is there whole after the next start, and no other event was given its numbers meanwhile.

    Attributes:
        journal_id: the journal's own name, from its beginning on.
        incarnation: the name of this run, with which the ids of its events begin.
        last_seq: the newest number.
        published_beyond: the id of an event that was published and is not here, where no run before this one told of
            it; else "".

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
        quality: Callable[[], ClockQuality] = ClockQuality,
    ) -> None:
        self.path = path
        self._quality = quality
        self._now_utc = now_utc
        self._mono_ns = mono_ns
        self._lock = take_lock(path)
        try:
            self.incarnation = make_id()
            if not path.exists():
                create(path, station, self._stamp(), self.incarnation, vfs)
            opened = open_journal(path, station, vfs)
        except (apsw.Error, UnicodeDecodeError) as error:
            self._lock.close()
            raise explain(path, error) from error
        except BaseException:
            self._lock.close()
            raise
        self._db, self.journal_id = opened.db, opened.journal_id
        self._inode = path.stat().st_ino
        self._log_inode = self._inode_of_log()
        self.last_seq, self._chain = opened.last_seq, opened.chain
        self._opening: JournalOpened | None = JournalOpened(
            journal=self.journal_id,
            incarnation=self.incarnation,
            previous=opened.runs[-1].id if opened.runs else "",
            last_seq=self.last_seq,
            chain=self._chain.hex(),
            published_beyond=opened.beyond,
            migrated_from=opened.migrated_from,
        )
        self.published_beyond = "" if opened.told else opened.beyond

    @property
    def next_seq(self) -> int:
        """The number of the next record that is appended."""
        return self.last_seq + (1 if self._opening is None else 2)

    def append(
        self,
        records: Sequence[Record],
        *,
        epoch: int,
        session: int,
        also: Callable[[apsw.Connection], object] | None = None,
    ) -> list[Stored]:
        """Keep records in one transaction, synced; they get the next numbers, in their order.

        Args:
            records: what is kept.
            epoch: the PLC's.
            session: the station's.
            also: done in the same transaction.

        Raises:
            JournalError: nothing was kept and no number is used up; a later append may succeed.
        """
        if not records:
            return []
        time, mono_ns, clock = self._stamp(), self._mono_ns(), self._quality().text()
        ahead = [] if self._opening is None else [self._opening]
        batch, chain = [], self._chain
        for seq, record in enumerate([*ahead, *records], self.last_seq + 1):
            payload = _payload(record)
            row = (
                seq,
                f"{self.incarnation}-{seq}",
                record.type,
                record.version,
                time,
                mono_ns,
                epoch,
                session,
                payload,
            )
            chain = link(chain, *row, clock)
            batch.append(Stored(*row, chain, clock))
        self._commit(lambda: self._insert(batch, [*ahead, *records], also))
        self.last_seq, self._chain, self._opening = batch[-1].seq, chain, None
        return batch[len(ahead) :]

    def probe(self) -> None:
        """Prove that a commit reaches the disk, for the heartbeat; not an event, takes no number.

        Raises:
            JournalError: it did not.
        """
        self._commit(lambda: self._db.execute("UPDATE probe SET mono_ns = ?", (self._mono_ns(),)))

    def in_place(self) -> bool:
        """Whether what is written lies there under its name: a file that was taken away is written on, unseen.

        The log in front of it counts too. Where that is gone alone, `close` folds what stood in it into the file.
        """
        if self._log_inode is None:
            self._log_inode = self._inode_of_log()
        try:
            own = self.path.stat().st_ino == self._inode
        except OSError:
            return False
        return own and self._inode_of_log() == self._log_inode

    def _inode_of_log(self) -> int | None:
        """SQLite takes it away only as the last connection closes."""
        try:
            return Path(f"{self.path}-wal").stat().st_ino
        except OSError:
            return None

    def incarnations(self) -> list[Incarnation]:
        """The runs that wrote it, in order; this one once it has."""
        return [Incarnation(int(seq), str(name)) for seq, name in self.rows(_RUNS)]

    def within(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do work in one transaction of its own, synced.

        Raises:
            JournalError: nothing of it was kept.
        """
        return self._commit(lambda: work(self._db))

    def rows(self, sql: str, values: Sequence[apsw.SQLiteValue] = ()) -> list[Any]:
        """What a query finds.

        Raises:
            JournalError: it cannot be read.
        """
        try:
            return self._db.execute(sql, tuple(values)).fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise explain(self.path, error) from error

    def open_parcels(self) -> list[OpenParcel]:
        """Parcels of the newest 100,000 events that entered and were not completed, oldest first.

        Raises:
            JournalError: it cannot be read.
        """
        rows = self.rows(_PARCELS, (self.last_seq - OPEN_AMONG,))
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
        rows = self.rows(_TRIGGERS, (self.last_seq - OPEN_AMONG,))
        return tuple((device, (own - plc) % TRIGGERS) for device, own, plc, _ in rows)

    def numbers(self) -> Numbers:
        """The highest epoch and session among the newest 100,000 events: held by the PLC, or offered to it.

        Raises:
            JournalError: it cannot be read.
        """
        among = self.last_seq - OPEN_AMONG
        ((epoch, session),) = self.rows("SELECT max(epoch), max(session) FROM event WHERE seq > ?", (among,))
        ((offered_epoch, offered_session),) = self.rows(_OFFERED, (among,))
        return Numbers(max(epoch or 0, offered_epoch or 0), max(session or 0, offered_session or 0))

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

    def _insert(
        self, batch: Sequence[Stored], records: Sequence[Record], also: Callable[[apsw.Connection], object] | None
    ) -> None:
        if self._opening is not None:
            run = (batch[0].seq, self.incarnation, batch[0].time)
            self._db.execute("INSERT INTO incarnation VALUES (?, ?, ?)", run)
        self._many(
            f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            batch,
        )
        pairs = list(zip(batch, records, strict=True))
        parcels = [(p.number, p.epoch, e.seq) for e, record in pairs for p in parcels_of(record)]
        self._many("INSERT INTO parcel_event VALUES (?, ?, ?)", parcels)
        standing = [(name, e.payload) for e, record in pairs if (name := standing_of(record))]
        self._many(STANDS, [row for name, payload in standing for row in stands(name, payload)])
        frames = [(frame, e.seq) for e, record in pairs for frame in frames_of(record)]
        self._many("INSERT INTO frame_event VALUES (?, ?)", frames)
        if also is not None:
            also(self._db)

    def _many(self, sql: str, rows: Sequence[tuple[apsw.SQLiteValue, ...]]) -> None:
        if rows:
            self._db.executemany(sql, rows)

    def _commit(self, write: Callable[[], T]) -> T:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            done = write()
            self._db.execute("COMMIT")
        except apsw.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            trouble = explain(self.path, error)
            if isinstance(trouble, DamagedError):
                with contextlib.suppress(OSError):
                    Path(f"{self.path}{MARK}").touch()
            raise trouble from error
        return done

"""What can still be read of a damaged journal: event by event around what is damaged, and which events are lost."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from station.journal.chain import link
from station.journal.opening import BUSY_MS, check_file, check_ours
from station.journal.schema import COLUMNS
from station.journal.stored import JournalError, Stored, explain

_AT_ONCE = 1000
_SMALLEST = 64
"""An event takes more bytes of the file than that; with it the highest number is guessed where it cannot be read."""
_UNREADABLE = (apsw.Error, UnicodeDecodeError)
_ROWS = f"SELECT {COLUMNS} FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq"  # noqa: S608


@dataclass(slots=True)
class Salvage:
    """Reads a journal that was set aside; the file is only read.

    Attributes:
        lost: first and last of the numbers that could not be read or that were altered, in order, once `events` is at
            its end. What retention took out long ago is among them; so is nothing behind the last that can be read.
    """

    path: Path
    lost: list[tuple[int, int]] = field(default_factory=list)

    def events(self) -> Iterator[Stored]:
        """All that can be read, in order; what does not follow from the event right ahead of it is left out.

        Raises:
            JournalError: nothing can be read at all: its first page is damaged, or it is no journal of this version.
        """
        check_file(self.path)
        try:
            db = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        except apsw.Error as error:
            raise explain(self.path, error) from error
        try:
            yield from self._proved(db)
        finally:
            db.close()

    def _proved(self, db: apsw.Connection) -> Iterator[Stored]:
        highest = self._highest(db)
        next_seq, chain = 1, b""
        for first in range(1, highest + 1, _AT_ONCE):
            for event in _readable(db, first, min(first + _AT_ONCE - 1, highest)):
                if event.seq > next_seq:
                    self._lose(next_seq, event.seq - 1)
                    chain = b""
                if not _sound(event) or not _follows(chain, event):
                    self._lose(event.seq, event.seq)
                else:
                    yield event
                next_seq, chain = event.seq + 1, event.chain

    def _highest(self, db: apsw.Connection) -> int:
        try:
            db.set_busy_timeout(BUSY_MS)
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            check_ours(db, self.path)
        except _UNREADABLE as error:
            text = f"{explain(self.path, error)}; `sqlite3 {self.path} .recover` may still find something"
            raise JournalError(text) from error
        try:
            return int(db.execute("SELECT coalesce(max(seq), 0) FROM event").get)
        except _UNREADABLE:
            return self.path.stat().st_size // _SMALLEST

    def _lose(self, first: int, last: int) -> None:
        if self.lost and self.lost[-1][1] == first - 1:
            first = self.lost.pop()[0]
        self.lost.append((first, last))


def _readable(db: apsw.Connection, first: int, last: int) -> Iterator[Stored]:
    """The events from one number to another, without those in whose way something is damaged."""
    try:
        rows = [Stored(*row) for row in db.execute(_ROWS, (first, last))]
    except _UNREADABLE:
        if first < last:
            middle = (first + last) // 2
            yield from _readable(db, first, middle)
            yield from _readable(db, middle + 1, last)
        return
    yield from rows


def _sound(event: Stored) -> bool:
    """Whether an event is one by its form: nothing proves the first behind what is lost."""
    texts, blobs = (event.id, event.type, event.time, event.clock), (event.payload, event.chain)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(blob, bytes) for blob in blobs):
        return False
    try:
        return isinstance(json.loads(event.payload), dict)
    except ValueError:
        return False


def _follows(chain: bytes, event: Stored) -> bool:
    """Whether it follows from the event right ahead, whose link that is; b"" where that is lost."""
    try:
        return not chain or link(chain, *event[:9], event.clock) == event.chain
    except (struct.error, TypeError):
        return False

"""How far the broker has acknowledged the journal: a file of its own, held by one publisher at a time."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from station.journal import FileLock, Stored
from station.publisher.ports import Message

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), journal TEXT, seq INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS rejected (
    journal TEXT, seq INTEGER, id TEXT, type TEXT, why TEXT, time TEXT, PRIMARY KEY (journal, seq)) STRICT;
CREATE TABLE IF NOT EXISTS device (name TEXT PRIMARY KEY, topic TEXT, payload BLOB) STRICT;
INSERT OR IGNORE INTO cursor VALUES (1, '', 0);
"""


class Cursor:
    """Locked for the life of the object.

    What is on disk may be behind what was acknowledged (behind `seq` until `keep`, and by more after a power cut),
    never ahead of it: then events come twice, which their ids show.

    Attributes:
        journal: UUID of the journal.
        seq: all up to it is acknowledged or rejected.

    Raises:
        LockedError: another publisher holds it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(Path(f"{path}.lock"))
        self._db = apsw.Connection(str(path))
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "normal")
        self._db.execute(SCHEMA)
        row: tuple[str, int] = self._db.execute("SELECT journal, seq FROM cursor").fetchall()[0]  # type: ignore[assignment]
        self.journal, self.seq = row
        self._kept = self.seq

    @property
    def unkept(self) -> int:
        """How many events the file is behind."""
        return self.seq - self._kept

    def begin(self, journal: str, last_seq: int) -> str:
        """Take up a journal; a word if it is not the one of before, or ends before the cursor."""
        before, self.journal = self.journal, journal
        if before and before != journal:
            self._move(0)
            self._db.execute("DELETE FROM device")
            return "another journal than before: published from its beginning"
        if self.seq > last_seq:
            word = f"the journal ends at {last_seq}, before {self.seq} that was published: was an old copy put back?"
            self._move(last_seq)
            return word
        return ""

    def advance(self, seq: int) -> None:
        """All up to `seq` is acknowledged or rejected; on disk with the next `keep`."""
        self.seq = max(self.seq, seq)

    def keep(self) -> None:
        """Write down how far it is."""
        if self.unkept:
            self._move(self.seq)

    def reject(self, event: Stored, why: str, time: str) -> None:
        """Flag an event that the broker will never accept."""
        row = (self.journal, event.seq, event.id, event.type, why, time)
        self._db.execute("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?)", row)

    def rejected(self) -> list[tuple[int, str]]:
        """Numbers of this journal that were flagged, and why."""
        return list(self._db.execute("SELECT seq, why FROM rejected WHERE journal = ? ORDER BY seq", (self.journal,)))

    def keep_device(self, name: str, message: Message) -> None:
        """Remember the newest word on a device, to say it again to a broker that forgot."""
        self._db.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?)", (name, message.topic, message.payload))

    def devices(self) -> list[Message]:
        """The newest word on each device."""
        rows = self._db.execute("SELECT topic, payload FROM device ORDER BY name")
        return [Message(topic, payload, retain=True) for topic, payload in rows]

    def close(self) -> None:
        """Let go of it as a killed process does: what was not kept is not written."""
        self._db.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _move(self, seq: int) -> None:
        self._db.execute("UPDATE cursor SET journal = ?, seq = ?", (self.journal, seq))
        self.seq = self._kept = seq

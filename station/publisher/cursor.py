"""How far the broker has acknowledged the journal: a file of its own, held by one publisher at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, pairwise
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import apsw

from station.journal import FileLock, Incarnation, JournalError, Place, Stored, standing
from station.publisher.ports import Message

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), journal TEXT, seq INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS rejected (
    journal TEXT, seq INTEGER, id TEXT, type TEXT, why TEXT, time TEXT, PRIMARY KEY (journal, seq)) STRICT;
CREATE TABLE IF NOT EXISTS device (name TEXT PRIMARY KEY, topic TEXT, payload BLOB) STRICT;
INSERT OR IGNORE INTO cursor VALUES (1, '', 0);
CREATE TABLE IF NOT EXISTS reached (
    place INTEGER PRIMARY KEY, incarnation TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
INSERT INTO reached (incarnation, seq, chain)
    SELECT journal, seq, x'' FROM cursor WHERE seq > 0 AND NOT EXISTS (SELECT 1 FROM reached);
"""
"""`cursor` is of the first version, when a journal had one incarnation for ever; it is kept up for whoever reads it."""


class Published(Protocol):
    """What the cursor asks of the journal."""

    def incarnations(self) -> Sequence[Incarnation]:
        """The runs that wrote it, in order."""

    def last_seq(self) -> int:
        """The newest number."""

    def place_of(self, seq: int) -> Place | None:
        """An event by its run; None if it is not there."""


class Cursor:
    """Locked for the life of the object.

    What is on disk may be behind what was acknowledged (behind `seq` until `keep`, and by more after a power cut),
    never ahead of it: then events come twice, which their ids show. What cannot be written (a full disk) is kept in
    memory, and written with the next `keep` that can.

    Attributes:
        seq: all up to it is acknowledged or rejected.
        fault: why the last thing could not be written, "" if it was.

    Raises:
        LockedError: another publisher holds it.
        apsw.Error: it is damaged, or may not be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(Path(f"{path}.lock"))
        try:
            self._db = apsw.Connection(str(path))
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "normal")
            self._db.execute(SCHEMA)
            self.seq = self._kept = int(self._db.execute("SELECT seq FROM cursor").get)
        except BaseException:
            self._lock.close()
            raise
        self._journal: Published | None = None
        self.fault = ""
        self._wipe = self._moved = False
        self._flags: list[tuple[str, int, str, str, str, str]] = []
        self._words: dict[str, Message | None] = {}

    @property
    def unkept(self) -> int:
        """How many events the file is behind."""
        return self.seq - self._kept

    def begin(self, journal: Published) -> str:
        """Take up a journal behind what of it is published; a word if it is not the one that was published last.

        Raises:
            apsw.Error: the cursor cannot be read.
            JournalError: the journal cannot.
        """
        self._journal = journal
        stand = standing(self.reached(), journal.incarnations(), journal.last_seq())
        changed = self._changed(stand.seq)
        self.seq = self._kept = stand.seq
        self._wipe, self._moved = stand.strange, True
        self.keep()
        if stand.beyond is None:
            return changed
        beyond = f"{stand.beyond.incarnation}-{stand.beyond.seq}"
        if stand.strange:
            return f"another journal than that of {beyond}, which was published: published from its beginning"
        sentence = f"event {beyond} was published and is not in the journal: was an old copy put back?"
        return f"{sentence} It is published from {stand.seq} on, under new ids"

    def reached(self) -> list[Place]:
        """By run of the journal how far it is published, the newest last."""
        rows = self._db.execute("SELECT incarnation, seq, chain FROM reached ORDER BY place")
        return [Place(*row) for row in rows]

    def advance(self, seq: int) -> None:
        """All up to `seq` is acknowledged or rejected; on disk with the next `keep`."""
        self.seq = max(self.seq, seq)

    def keep(self) -> None:
        """Write down how far it is, and all that could not be written before."""
        if not (self.unkept or self._moved or self._flags or self._words):
            return
        try:
            with self._db:
                self._write()
        except (apsw.Error, JournalError) as error:
            self.fault = str(error.__context__ if isinstance(error.__context__, apsw.Error) else error)
            return
        self._wipe = self._moved = False
        self._flags.clear()
        self._words.clear()
        self._kept, self.fault = self.seq, ""

    def reject(self, event: Stored, why: str, time: str) -> None:
        """Flag an event that the broker will never accept."""
        self._flags.append((event.incarnation, event.seq, event.id, event.type, why, time))
        self.keep()

    def rejected(self) -> list[tuple[int, str]]:
        """Numbers of this journal that were flagged, and why."""
        if self._journal is None:
            return []
        known = {run.id for run in self._journal.incarnations()}
        rows = self._db.execute("SELECT journal, seq, why FROM rejected").fetchall()
        found = {int(seq): str(why) for journal, seq, why in rows if journal in known}  # type: ignore[arg-type]
        return sorted((found | {seq: why for _, seq, _, _, why, _ in self._flags}).items())

    def keep_device(self, name: str, message: Message) -> None:
        """Remember the newest word on a device, to say it again to a broker that forgot."""
        self._words[name] = message
        self.keep()

    def forget_device(self, name: str) -> None:
        """The station has it no more, and the broker has taken its word away."""
        self._words[name] = None
        self.keep()

    def devices(self) -> list[Message]:
        """The newest word on each device."""
        rows = [] if self._wipe else self._db.execute("SELECT name, topic, payload FROM device").fetchall()
        kept = {str(name): Message(str(topic), bytes(payload), retain=True) for name, topic, payload in rows}  # type: ignore[arg-type]
        return [message for _, message in sorted((kept | self._words).items()) if message is not None]

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

    def _write(self) -> None:
        if self._wipe:
            self._db.execute("DELETE FROM device")
        if self._moved:
            self._db.execute("UPDATE cursor SET seq = ?", (self.seq,))
        self._db.executemany("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?)", self._flags)
        for name, word in self._words.items():
            self._db.execute("DELETE FROM device WHERE name = ?", (name,))
            if word is not None:
                self._db.execute("INSERT INTO device VALUES (?, ?, ?)", (name, word.topic, word.payload))
        if not self.unkept or self._journal is None or (at := self._journal.place_of(self.seq)) is None:
            return
        self._db.executemany(
            "INSERT INTO reached (incarnation, seq, chain) VALUES (?, ?, ?)"
            " ON CONFLICT (incarnation) DO UPDATE SET seq = excluded.seq, chain = excluded.chain",
            self._ends(at),
        )
        self._db.execute("UPDATE cursor SET journal = ?, seq = ?", (at.incarnation, at.seq))

    def _ends(self, at: Place) -> list[tuple[str, int, bytes]]:
        """The run that the cursor stands in, and those that it has passed since it was last kept."""
        runs = list(self._journal.incarnations()) if self._journal is not None else []
        places = [(at.incarnation, at.seq, at.chain)]
        for run, behind in pairwise(runs):
            if self._kept < behind.first_seq - 1 <= self.seq and self._journal is not None:
                end = self._journal.place_of(behind.first_seq - 1)
                places.insert(-1, (run.id, behind.first_seq - 1, end.chain if end else b""))
        return list({place[0]: place for place in places}.values())

    def _changed(self, seq: int) -> str:
        """A word if the event at which the cursor stands is not the one that was published."""
        at = self._journal.place_of(seq) if self._journal is not None else None
        known = {place.incarnation: place for place in self.reached()}
        if at is None or at.incarnation not in known:
            return ""
        before = known[at.incarnation]
        if before.seq != seq or not before.chain or before.chain == at.chain:
            return ""
        return f"event {seq} is not the one that was published: the journal was changed; run `station journal verify`"


def put_aside(path: Path) -> Path:
    """Keep a damaged cursor, with its write-ahead log, under a name that is free; the name."""
    number = next(n for n in count(1) if not Path(f"{path}.damaged-{n}").exists())
    aside = Path(f"{path}.damaged-{number}")
    for suffix in ("-wal", "-shm"):
        beside = Path(f"{path}{suffix}")
        if beside.exists():
            beside.rename(f"{aside}{suffix}")
    path.rename(aside)
    return aside

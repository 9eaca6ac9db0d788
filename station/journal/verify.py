"""Looks at a whole journal: each event follows from the one before, nothing is missing, and the pictures are theirs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from station.core.records import CommandResult
from station.journal.chain import genesis
from station.journal.digest import gaps_sha256
from station.journal.opening import check_file, check_ours, open_to_read
from station.journal.pictures import PictureStore
from station.journal.places import end_of, gaps_between, incarnations, standing
from station.journal.published import published
from station.journal.retention import named_in
from station.journal.schema import COLUMNS, STANDING_ROWS
from station.journal.stored import MODE, MODEL, POLICY, Gap, JournalError, by_name, explain, settled, unreadable
from station.journal.walk import Fault, Walk

AT_ONCE = 5000
_NAMING = "SELECT payload FROM frame_event JOIN event USING (seq) WHERE frame_id = ?"
_NO_PARCEL = """
SELECT value ->> 2 FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM parcel_event
    WHERE number = value ->> 0 AND epoch = value ->> 1 AND seq = value ->> 2)
"""
_NO_FRAME = """
SELECT value ->> 1 FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM frame_event
    WHERE frame_id = value ->> 0 AND seq = value ->> 1)
"""
BUSY_MS = 2000
Progress = Callable[[int], object]


@dataclass(slots=True)
class Verdict:
    """What was looked at, and what is wrong.

    Attributes:
        head: the last number and its link: what to note elsewhere, and to compare with later.
        pruned: events that retention took out, as was told.
        not_compared: of the noted links those whose events retention took out.
    """

    events: int = 0
    pictures: int = 0
    pruned: int = 0
    head: tuple[int, str] = (0, "")
    not_compared: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def verify(
    path: Path,
    *,
    pictures: PictureStore | None = None,
    cursor: Path | None = None,
    heads: dict[int, str] | None = None,
    progress: Progress = int,
) -> Verdict:
    """Walk along the whole chain, a short transaction at a time, beside a writer too.

    Args:
        path: the journal.
        pictures: look at the bytes of all pictures that are named as well.
        cursor: the publisher's, which knows what the journal must hold; None where it may hold less, as a backup does.
        heads: links by number, as noted earlier elsewhere: from a verdict, or from `journal-opened` at a subscriber.
        progress: told the number of the last event looked at, now and then.

    Raises:
        JournalError: it cannot be read at all, or is none of ours.
    """
    check_file(path)
    try:
        db = open_to_read(path)
        try:
            db.set_busy_timeout(BUSY_MS)
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            check_ours(db, path)
            return _Look(db, path, cursor, dict(heads or {}), progress).all(pictures)
        finally:
            db.close()
    except (apsw.Error, UnicodeDecodeError) as error:
        raise explain(path, error) from error


class _Look:
    def __init__(
        self, db: apsw.Connection, path: Path, cursor: Path | None, heads: dict[int, str], progress: Progress
    ) -> None:
        self._db = db
        self._path = path
        self._cursor = cursor
        self._heads = heads
        self._progress = progress
        self._told: dict[int, str] = {}
        self._commanded: dict[str, bytes] = {}
        self._standing: dict[str, object] = {}
        self.verdict = Verdict()

    def all(self, pictures: PictureStore | None) -> Verdict:
        verdict = self.verdict
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        if "id" not in meta:
            raise JournalError(f"journal {self._path} does not say what it is: it is damaged")
        start = genesis(str(meta["id"]))
        self._chain(start)
        seq, chain = end_of(self._db, start)
        verdict.head = seq, chain.hex()
        verdict.faults += self._gaps()
        verdict.faults += self._end(seq)
        verdict.faults += self._in_force(seq)
        if pictures is not None:
            verdict.faults += self._pictures(pictures)
        verdict.faults.sort(key=lambda fault: fault.seq)
        return verdict

    def _chain(self, start: bytes) -> None:
        walk = Walk(start, 1, incarnations(self._db))
        while rows := self._chunk((walk.next_seq or 1) - 1):
            gaps = gaps_between(self._db, walk.next_seq or 1, rows[-1][0])
            unlisted = self._unlisted(rows)
            self._db.execute("COMMIT")
            for row in rows:
                found = list(walk.take(row, gaps))
                if row[0] in unlisted and not found:
                    found = [Fault(row[0], f"event {row[0]} is not found by the parcels and pictures that it names")]
                self.verdict.faults += found
                if (noted := self._heads.pop(row[0], None)) is not None and noted != row[9].hex():
                    self.verdict.faults.append(Fault(row[0], f"event {row[0]} is not the one whose link was noted"))
                if row[2] == "journal-pruned":
                    self._told[row[0]] = _digest_told(row[8])
                elif row[2] in {MODE, POLICY, MODEL}:
                    self._commanded[row[2]] = row[8]
                elif row[2] == CommandResult.type:
                    self._commanded |= dict.fromkeys(settled(row[8]) - {MODE, POLICY, MODEL}, row[8])
            self.verdict.events += len(rows)
            self._progress(rows[-1][0])
        if self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'standing'").get is not None:
            self._standing = by_name(self._db.execute(STANDING_ROWS).fetchall())
        self._db.execute("COMMIT")

    def _chunk(self, after: int) -> list[Any]:
        """The next rows; a transaction is open then."""
        self._db.execute("BEGIN")
        sql = f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
        return self._db.execute(sql, (after, AT_ONCE)).fetchall()

    def _unlisted(self, rows: Sequence[Any]) -> set[int]:
        """Of events those which the tables do not list by what they name: retention and the sweep would miss them."""
        parcels: list[tuple[int, int, int]] = []
        frames: list[tuple[str, int]] = []
        for seq, kind, payload in ((row[0], row[2], row[8]) for row in rows if _names(row[8])):
            named = named_in(kind, payload)
            parcels += [(*parcel, seq) for parcel in named.parcels]
            frames += [(frame, seq) for frame in named.frames]
        missing: list[Any] = self._db.execute(_NO_PARCEL, (json.dumps(parcels),)).fetchall()
        missing += self._db.execute(_NO_FRAME, (json.dumps(frames),)).fetchall()
        return {int(seq) for (seq,) in missing}

    def _gaps(self) -> Iterator[Fault]:
        """What was taken out is what each `journal-pruned` told."""
        rows = gaps_between(self._db, 0, 2**62)
        by_told: dict[int, list[Gap]] = {}
        for gap in rows:
            by_told.setdefault(gap.told, []).append(gap)
        self.verdict.pruned = sum(gap.last_seq - gap.first_seq + 1 for gap in rows)
        for told, gaps in by_told.items():
            if self._told.get(told) != gaps_sha256(gaps):
                first, last = gaps[0].first_seq, gaps[-1].last_seq
                yield Fault(
                    first, f"events were taken out between {first} and {last}, and event {told} does not tell so"
                )

    def _end(self, last: int) -> Iterator[Fault]:
        """Nothing that was published or noted lies behind the end."""
        stand = standing(published(self._cursor) if self._cursor else [], incarnations(self._db), last)
        if stand.beyond is not None and not stand.strange:
            beyond = f"{stand.beyond.incarnation}-{stand.beyond.seq}"
            sentence = f"was published and is not here: cut off behind {stand.seq}, or an older copy was put back"
            yield Fault(stand.seq + 1, f"event {beyond} {sentence}")
        for seq in self._heads:
            if gaps_between(self._db, seq, seq):
                self.verdict.not_compared.append(seq)
            else:
                yield Fault(seq, f"event {seq}, whose link was noted, is not here")

    def _in_force(self, last: int) -> Iterator[Fault]:
        """What a start would take for commanded last is what the events say."""
        names = unreadable(self._standing)
        names += [name for name, payload in self._commanded.items() if self._standing.get(name) != payload]
        for name in sorted(set(names)):
            yield Fault(last, f"what the journal keeps for the next start ({name}) is not what was commanded last")

    def _pictures(self, store: PictureStore) -> Iterator[Fault]:
        last = ""
        while rows := self._db.execute(
            "SELECT frame_id, min(seq) FROM frame_event WHERE frame_id > ? GROUP BY 1 ORDER BY 1 LIMIT ?", (last, 500)
        ).fetchall():
            for frame, seq in rows:
                self.verdict.pictures += 1
                path = store.path_of(str(frame))
                if path is None and not self._told_not_kept(str(frame)):
                    yield Fault(int(seq), f"picture {frame}, named by event {seq}, is missing")  # type: ignore[arg-type]
                elif path is not None and _sha256(path) != frame:
                    yield Fault(int(seq), f"picture {path}, named by event {seq}, was changed")  # type: ignore[arg-type]
            last = str(rows[-1][0])

    def _told_not_kept(self, frame: str) -> bool:
        """An event that names the picture says that there was no room for it."""
        rows = self._db.execute(_NAMING, (frame,))
        return any(_says_not_kept(payload, frame) for (payload,) in rows if isinstance(payload, bytes))


def _names(payload: object) -> bool:
    """Whether it may name a parcel or a picture: most events do neither, and reading them takes its time."""
    return isinstance(payload, bytes) and (b'"parcel"' in payload or b'"candidates"' in payload or b'"frame' in payload)


def _says_not_kept(payload: bytes, frame: str) -> bool:
    try:
        told = json.loads(payload)
        return told.get("kept") is False or frame in told.get("frames_not_kept", ())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def _digest_told(payload: bytes) -> str:
    try:
        return str(json.loads(payload)["gaps_sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

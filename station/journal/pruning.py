"""Takes out of the journal what the site's rules let go: a little at a time, told ahead, never what is not published.

A pass looks at a window of events from the oldest on; a `journal-pruned` tells what of it will go, together with the
links at the ends of each gap, so that the chain can be verified across it; then the events go, in small transactions.
Killed in between, the next run goes on. A picture goes when no event names it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import apsw

from station.core.records import JournalPruned, ParcelCompleted
from station.journal.chain import genesis
from station.journal.digest import gaps_sha256
from station.journal.pictures import PictureStore
from station.journal.retention import AWAY, LANDMARKS, RESOLVED, Rules, TrustedClock, named_in, runs_of
from station.journal.stored import Gap
from station.journal.writer import Journal

WINDOW = 2000
AT_ONCE = 200
NEWEST_KEPT = 10_000
IDLE_NS = 10_000_000_000

_ENDS = f"""
SELECT type, payload FROM parcel_event JOIN event USING (seq)
    WHERE number = ? AND parcel_event.epoch = ? AND type IN ('{ParcelCompleted.type}', '{RESOLVED}')
"""  # noqa: S608
_TIMED = "SELECT seq, time, mono_ns FROM event"
_NEVER = 2**62
_LINK = "SELECT chain FROM event WHERE seq = ? UNION ALL SELECT after FROM gap WHERE last_seq = ?"

Cause = Literal["age", "size", "age-of-finds", "size-of-finds"]


@dataclass(slots=True)
class Bounds:
    """Sizes of the work, smaller in tests."""

    window: int = WINDOW
    at_once: int = AT_ONCE
    newest_kept: int = NEWEST_KEPT


@dataclass(slots=True)
class Pruner:
    """Asked for a `step` between turns, by the thread that appends.

    Attributes:
        published: how far the journal is published; nothing behind that goes.
        trouble: why the journal takes more room than the rules allow, "" if it does not.
    """

    journal: Journal
    pictures: PictureStore
    rules: Rules
    published: Callable[[], int]
    bounds: Bounds = field(default_factory=Bounds)
    clock: TrustedClock = field(default_factory=TrustedClock)
    trouble: str = ""
    _low: int | None = None
    _window: list[tuple[int, bytes, bool]] = field(default_factory=list)
    _end: int = 0
    _cause: Cause = "age"
    _leaving: list[tuple[int, int]] = field(default_factory=list)
    _finds: dict[tuple[int, int], bool] = field(default_factory=dict)
    _idle_until_ns: int = 0

    def step(self, mono_ns: int, utc: datetime, *, epoch: int, session: int) -> bool:
        """Do a little, a few ms; False if there is nothing to do for a while.

        Raises:
            JournalError: the disk refused; it is tried again.
        """
        trusted = self.clock.trusted(mono_ns, utc)
        if self._low is None:
            self._resume()
        if self._leaving:
            self._remove()
            return True
        if self._window:
            self._look(epoch, session)
            return True
        if mono_ns < self._idle_until_ns:
            return False
        if self._begin(utc if trusted else None) or self._old_finds(utc if trusted else None, epoch, session):
            self.trouble = ""
            return True
        self._idle_until_ns = mono_ns + IDLE_NS
        over = f"journal and pictures take {self._over() / 1e9:.2f} GB more than retention.max_gb"
        left = "what is left is new, or not published yet: look at the broker, allow more, or make room"
        self.trouble = f"{over}; {left}" if self._over() else ""
        return False

    def _resume(self) -> None:
        """Where a run before stopped: what it had told and not taken out yet goes first."""
        last = "SELECT coalesce(max(last_seq), 0) FROM gap"
        left = (
            "SELECT first_seq, last_seq FROM gap WHERE told = (SELECT max(told) FROM gap) AND EXISTS"
            " (SELECT 1 FROM event WHERE seq BETWEEN first_seq AND last_seq)"
        )
        self._low = int(self._rows(last)[0][0]) + 1
        self._leaving = [(int(first), int(end)) for first, end in self._rows(left)]

    # --- what may go ---------------------------------------------------------------------------------------------

    def _begin(self, utc: datetime | None) -> bool:
        """Begin a window, if the whole of it may be looked at."""
        low = self._low or 1
        end = low + self.bounds.window - 1
        last = min(self.published(), self.journal.last_seq - self.bounds.newest_kept)
        over = self._over()
        if end > last:
            return False
        if not over and not self._older(end, self.rules.days, utc):
            return False
        self._cause = "size" if over and not self._older(end, self.rules.days, utc) else "age"
        self._window, self._end = [(low - 1, self._link_at(low - 1), False)], end
        self._finds.clear()
        return True

    def _old_finds(self, utc: datetime | None, epoch: int, session: int) -> bool:
        """Let go what was kept longer, up to the end of the last pass that is old enough; all up to there goes."""
        over = self._over()
        if self.rules.finds_days is None and not over:
            return False
        passes = self._rows("SELECT min(first_seq), max(last_seq), count(*) FROM gap GROUP BY told ORDER BY 2")
        if passes and passes[0][0] == 1 and passes[0][2] == 1:  # what such a pass left
            passes = passes[1:]
        ends = [int(end) for _, end, _ in passes if int(end) <= self.published()]
        old = [end for end in ends if self._older(end, self.rules.finds_days, utc)]
        cause: Cause = "age-of-finds" if old else "size-of-finds"
        ends = old or (ends[:1] if over else [])
        if not ends:
            return False
        end, told = ends[-1], self.journal.next_seq
        gap = Gap(1, end, genesis(self.journal.journal_id), self._link_at(end), told)
        self._tell(end, 0, [gap], cause, epoch, session, first=1)
        self._leaving = [(1, end)]
        return True

    def _older(self, seq: int, days: float | None, utc: datetime | None) -> bool:
        if days is None or utc is None:
            return False
        at = self._moment(seq)
        return at is not None and at < utc - timedelta(days=days)

    def _moment(self, seq: int) -> datetime | None:
        """When the first event from there on was, by the last word of its run, and of the next one, on the time.

        A clock that was far behind and was put right while the station ran, or by the next start, made its events old
        at once. One that lies days ahead of the run before it tells that this one's was wrong, or that the PC was off
        as long; then they stay by so much longer.
        """
        rows = self._rows(f"{_TIMED} WHERE seq >= ? ORDER BY seq LIMIT 1", seq)
        if not rows:
            return None
        first, at, ran_ns = rows[0]
        begins = self._rows("SELECT min(first_seq) FROM incarnation WHERE first_seq > ?", first)[0][0]
        _, last, until_ns = self._rows(f"{_TIMED} WHERE seq < ? ORDER BY seq DESC LIMIT 1", begins or _NEVER)[0]
        ended = _utc(last)
        moment = max(_utc(at), ended - timedelta(microseconds=(until_ns - ran_ns) // 1000))
        follows = self._rows(f"{_TIMED} WHERE seq >= ? ORDER BY seq LIMIT 1", begins) if begins else []
        if follows and _utc(follows[0][1]) - ended > AWAY:
            moment = max(moment, _utc(follows[0][1]))
        return moment

    def _over(self) -> int:
        """Bytes above what all may take."""
        if self.rules.max_bytes is None:
            return 0
        sizes = "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)"
        pages, size = self._rows(f"{sizes}, page_size FROM pragma_page_size")[0]
        return max(0, int(pages) * int(size) + self.pictures.bytes_kept - self.rules.max_bytes)

    def _look(self, epoch: int, session: int) -> None:
        """Look at some more of the window; tell what goes when all of it is seen."""
        sql = "SELECT seq, type, payload, chain FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        rows = self._rows(sql, self._window[-1][0], self._end, self.bounds.at_once)
        self._window += [(int(seq), chain, not self._stays(kind, payload)) for seq, kind, payload, chain in rows]
        if rows and rows[-1][0] < self._end:
            return
        before, *links = self._window
        gaps = runs_of(links, before[1], self.journal.next_seq)
        self._window, self._low = [], self._end + 1
        if gaps:
            kept = sum(not goes for _, _, goes in links)
            self._tell(self._end, kept, gaps, self._cause, epoch, session, first=before[0] + 1)
            self._leaving = [(gap.first_seq, gap.last_seq) for gap in gaps]

    def _stays(self, kind: str, payload: bytes) -> bool:
        if kind in LANDMARKS:
            return True
        named = named_in(kind, payload)
        return named.find or any(self._is_find(parcel) for parcel in named.parcels)

    def _is_find(self, parcel: tuple[int, int]) -> bool:
        if parcel not in self._finds:
            self._finds[parcel] = any(named_in(*row).find for row in self._rows(_ENDS, *parcel))
        return self._finds[parcel]

    # --- telling it, and taking it out ---------------------------------------------------------------------------

    def _tell(
        self, last: int, kept: int, gaps: Sequence[Gap], cause: Cause, epoch: int, session: int, *, first: int
    ) -> None:
        digest = gaps_sha256(gaps)
        record = JournalPruned(
            first_seq=first, last_seq=last, kept=kept, gaps=len(gaps), gaps_sha256=digest, cause=cause
        )

        def keep_gaps(db: apsw.Connection) -> None:
            if first == 1:
                db.execute("DELETE FROM gap WHERE first_seq <= ?", (last,))
            rows = [(g.first_seq, g.last_seq, g.before, g.after, g.told) for g in gaps]
            db.executemany("INSERT INTO gap VALUES (?, ?, ?, ?, ?)", rows)

        self.journal.append([record], epoch=epoch, session=session, also=keep_gaps)

    def _remove(self) -> None:
        """Take out some events, and then the pictures that nothing names any more.

        Raises:
            OSError: of a picture that could not be removed; the others are.
        """
        first, last = self._leaving[0]
        frames: set[str] = set()
        room = self.bounds.at_once

        def take_out(db: apsw.Connection) -> int:
            sql = "SELECT seq, type, payload FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
            rows: list[Any] = db.execute(sql, (first, last, room)).fetchall()
            for seq, kind, payload in rows:
                named = named_in(kind, payload)
                keys = [(*parcel, seq) for parcel in named.parcels]
                db.executemany("DELETE FROM parcel_event WHERE number = ? AND epoch = ? AND seq = ?", keys)
                db.executemany(
                    "DELETE FROM frame_event WHERE frame_id = ? AND seq = ?", [(f, seq) for f in named.frames]
                )
                frames.update(named.frames)
            if rows:
                db.execute("DELETE FROM event WHERE seq BETWEEN ? AND ?", (rows[0][0], rows[-1][0]))
            return len(rows)

        if self.journal.within(take_out) < room:
            self._leaving.pop(0)
        refused: OSError | None = None
        for frame in frames:
            if not self._rows("SELECT 1 FROM frame_event WHERE frame_id = ? LIMIT 1", frame):
                try:
                    self.pictures.remove(frame)
                except OSError as error:
                    refused = error
        if refused is not None:
            raise refused

    def _link_at(self, seq: int) -> bytes:
        """The link of an event, or of the end of a gap; that ahead of the first event for 0."""
        rows = self._rows(_LINK, seq, seq)
        return rows[0][0] if rows else genesis(self.journal.journal_id)

    def _rows(self, sql: str, *values: apsw.SQLiteValue) -> list[Any]:
        return self.journal.rows(sql, values)


def _utc(text: object) -> datetime:
    """A time as it stands in the journal; of a damaged one nothing is old."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)

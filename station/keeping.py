"""Retention in the daemon: the rules carried out between turns, and a word if they cannot be, or if the log is held."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from station.clock import Clock, kernel_quality
from station.config import RetentionConfig
from station.core.events import Condition
from station.core.line import Line
from station.journal import CURSOR_FILE, Journal, JournalError, PictureStore, Reader, published, standing
from station.journal.backup import restored_up_to
from station.journal.orphans import sweep, sweep_unfinished, told_elsewhere
from station.journal.pruning import Pruner
from station.journal.retention import Rules, TrustedClock

log = logging.getLogger(__name__)
EVERY_NS = 100_000_000
ASK_NS = 5_000_000_000
HELD_BYTES = 64 * 2**20
"""A write-ahead log that nobody holds up is a quarter of it; it must be back at half before it is called well again."""


class Keeping:
    """One little step now and then, by the thread of the turns, when nothing waits."""

    def __init__(
        self, config: RetentionConfig, journal: Journal, pictures: PictureStore, *, publishes: bool, clock: Clock
    ) -> None:
        rules = Rules(config.days, config.finds_days, int(config.max_gb * 1e9) if config.max_gb else None)
        awaited = (
            publishes or journal.path.with_name(CURSOR_FILE).exists()
        )  # also where the broker is taken out a while
        limit = Published(journal, clock) if awaited else lambda: journal.last_seq
        self._pruner = Pruner(journal, pictures, rules, limit, clock=TrustedClock(_newest(journal), _unsynchronised))
        self._clock = clock
        self._next_ns = 0
        self._said = ""
        self._journal_path = journal.path
        self._pictures = pictures
        elsewhere = told_elsewhere(journal.path.parent, journal.incarnations(), journal.last_seq)
        self._sweeps = not elsewhere and restored_up_to(journal) is None
        self._begun = clock.utc()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="pictures", daemon=True)

    def start(self) -> None:
        """Look at all pictures, by a thread of its own: it takes seconds where there are many."""
        self._thread.start()

    def stop(self) -> None:
        """End after the picture in hand; how much they take is not needed any more."""
        self._ending.set()
        self._thread.join(timeout=1.0)

    def step(self, line: Line, out: Callable[[Condition], None]) -> None:
        """Do a little; `out` is told when the rules cannot be kept, and when they can again."""
        now_ns = self._clock.mono_ns()
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + EVERY_NS
        try:
            self._pruner.step(now_ns, self._clock.utc(), epoch=line.plc.epoch, session=line.plc.session)
        except JournalError as error:
            self._next_ns = now_ns + ASK_NS
            log.warning("journal: nothing could be removed: %s", error)
        except OSError as error:
            self._next_ns = now_ns + ASK_NS
            log.warning("pictures: %s cannot be removed: %s", error.filename, error.strerror)
        trouble = self._pruner.trouble
        if bool(trouble) != bool(self._said):
            out(Condition("journal", "size", standing=bool(trouble), text=trouble))
        self._said = trouble

    def _look(self) -> None:
        """Take away what a kill left, then see how much the rest takes."""
        try:
            removed = sweep_unfinished(self._pictures, self._begun)
            if self._sweeps:
                with closing(Reader(self._journal_path)) as reader:
                    removed += sweep(self._pictures, reader, self._begun, lambda: not self._ending.is_set())
            if removed:
                log.info("pictures: %d removed that a kill left without an event", removed)
        except JournalError as error:
            log.warning("pictures: %s", error)
        except OSError as error:
            log.warning("pictures: %s cannot be removed: %s", error.filename, error.strerror)
        self._pictures.measure()


class HeldLog:
    """The write-ahead log of the journal, which grows as long as somebody reads from one moment of it."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._held = False
        self._ask_ns = 0

    def step(self, out: Callable[[Condition], None]) -> None:
        """Look now and then; `out` is told when it is held, and when it no longer is."""
        now_ns = self._clock.mono_ns()
        if now_ns < self._ask_ns:
            return
        self._ask_ns = now_ns + ASK_NS
        size = self._journal.wal_bytes()
        held = size > (HELD_BYTES // 2 if self._held else HELD_BYTES)
        if held != self._held:
            self._held = held
            out(Condition("journal", "held", standing=held, text=f"{size / 1e6:.0f} MB in {self._journal.path}-wal"))


def _newest(journal: Journal) -> datetime | None:
    """The time of the newest event that an earlier run left."""
    rows = journal.rows("SELECT time FROM event ORDER BY seq DESC LIMIT 1")
    try:
        return datetime.fromisoformat(rows[0][0]) if rows else None
    except (ValueError, TypeError):
        return None


def _unsynchronised() -> bool:
    return kernel_quality().state == "unsynchronised"


class Published:
    """How far the journal is published, as the cursor on disk says; asked at most every five seconds."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._path: Path = journal.path.with_name(CURSOR_FILE)
        self._clock = clock
        self._asked_ns = -ASK_NS
        self._seq = 0

    def __call__(self) -> int:
        """The last number of which it is certain."""
        now_ns = self._clock.mono_ns()
        if now_ns - self._asked_ns >= ASK_NS:
            self._asked_ns = now_ns
            self._seq = standing(published(self._path), self._journal.incarnations(), self._journal.last_seq).seq
        return self._seq

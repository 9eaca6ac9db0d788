"""The publisher's life: lock, journal, connection after connection, and an end that says what became of the station."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from types import FrameType

from station.clock import now_ns, now_utc, utc_text
from station.journal import JournalError, LockedError, Reader, Stored
from station.publisher.cursor import Cursor
from station.publisher.feed import Feed
from station.publisher.link import Link, LinkError
from station.publisher.messages import State, state_message
from station.publisher.settings import PublisherSettings
from station.publisher.verdict import Verdict

TURN_S = 0.02
STEP_S = 0.05
LOCK_WAIT_S = 3.0
DRAIN_S = 1.0
KILL_S = 1.9
PULSE_NS = 2_000_000_000
ALARM = "publisher"
REJECTED = "rejected"


@dataclass(slots=True)
class Ending:
    """Why the publisher must end: the daemon's pipe closed, or a signal came; and by when."""

    pipe: threading.Event = field(default_factory=threading.Event)
    signalled: bool = False
    deadline_ns: int = 0

    def watch(self) -> None:
        """Watch standard input, the daemon's pipe, and SIGTERM; SIGALRM kills a process that a call holds."""
        threading.Thread(target=self._read_pipe, name="daemon's pipe", daemon=True).start()
        signal.signal(signal.SIGTERM, self._signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def begun(self) -> bool:
        """Whether the end has begun; from then on there is a second."""
        over = self.signalled or self.pipe.is_set()
        if over and not self.deadline_ns:
            self.deadline_ns = now_ns() + int(DRAIN_S * 1e9)
            signal.setitimer(signal.ITIMER_REAL, KILL_S)
        return over

    def due(self) -> bool:
        """Whether the second is over."""
        return self.begun() and now_ns() >= self.deadline_ns

    def _read_pipe(self) -> None:
        while os.read(0, 4096):
            pass
        self.pipe.set()

    def _signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signalled = True
        signal.setitimer(signal.ITIMER_REAL, KILL_S)


class Teller:
    """What the daemon is told, a JSON line each; it makes alarms of them.

    A condition is told when it is first known, also if all is well (a publisher before may have raised it), and when
    it changes.
    """

    def __init__(self) -> None:
        self._told: dict[str, str | None] = {}

    def tell(self, subject: str, text: str | None) -> None:
        """The condition on `subject` stands with that text, or with None is over."""
        standing, before = text is not None, self._told.get(subject)
        same = text == before or ((before is not None) == standing and subject != REJECTED)
        if same and subject in self._told:
            return
        self._told[subject] = text
        line = {"alarm": ALARM, "subject": subject, "standing": standing, "text": text or ""}
        try:
            print(json.dumps(line), flush=True)  # noqa: T201
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


class Service:
    """One publisher."""

    def __init__(self, settings: PublisherSettings, ending: Ending, teller: Teller) -> None:
        self._settings = settings
        self._ending = ending
        self._teller = teller
        self._verdict = Verdict()

    def run(self) -> int:
        """Publish until told to end; the exit code, 3 if another publisher holds the cursor."""
        cursor = self._take_cursor()
        if cursor is None:
            return 3
        with cursor:
            reader = self._open_journal()
            if reader is None:
                return 0
            if word := cursor.begin(reader.meta.id, reader.last_seq()):
                self._teller.tell("journal", word)
            while not self._ending.due() and not self._connection(reader, cursor):
                self._pause()
            reader.close()
        return 0

    def _pause(self) -> None:
        """Until the next attempt, in steps that see a signal; at the end only for a moment."""
        until_ns = now_ns() + int(self._verdict.wait_s() * 1e9)
        self._nap()
        while now_ns() < until_ns and not self._ending.begun():
            self._nap()

    def _nap(self) -> None:
        if self._ending.pipe.is_set():
            threading.Event().wait(STEP_S)
        else:
            self._ending.pipe.wait(STEP_S)

    def _take_cursor(self) -> Cursor | None:
        """The cursor, once a publisher that is about to end has let go of it."""
        until_ns = now_ns() + int(LOCK_WAIT_S * 1e9)
        while True:
            try:
                return Cursor(self._settings.data / "cursor.db")
            except LockedError as error:
                if now_ns() > until_ns or self._ending.begun():
                    self._teller.tell("lock", f"process {error.pid} already publishes this journal; end it first")
                    return None
            self._nap()

    def _open_journal(self) -> Reader | None:
        while not self._ending.begun():
            try:
                return Reader(self._settings.data / "journal.db")
            except JournalError as error:
                self._teller.tell("journal", str(error))
            self._nap()
        return None

    def _connection(self, reader: Reader, cursor: Cursor) -> bool:
        """Live through one connection; True when all is said at the end."""
        will = state_message(self._settings, "offline", utc_text(now_utc()), reader.last_seq())
        try:
            link = Link(self._settings, will)
        except LinkError as error:
            self._verdict.no_connection()
            self._teller.tell("broker", str(error))
            return False
        try:
            return self._accepted(link) and self._feed(link, reader, cursor)
        except LinkError as error:
            self._verdict.no_connection()
            self._teller.tell("broker", str(error))
            return False
        finally:
            link.close(in_order=False)

    def _accepted(self, link: Link) -> bool:
        until_ns = now_ns() + self._settings.keepalive_s * 1_000_000_000
        while not link.ready:
            link.turn(TURN_S)
            if now_ns() > until_ns or self._ending.due():
                raise LinkError("the broker took the connection and says nothing")
        self._teller.tell("broker", None)
        return True

    def _feed(self, link: Link, reader: Reader, cursor: Cursor) -> bool:
        feed = Feed(
            self._settings,
            reader,
            cursor,
            link,
            careful_until=self._verdict.careful_until,
            rejected=self._rejecting(cursor),
        )
        try:
            while not self._ending.due():
                feed.say_state(self._state(reader), final=self._ending.begun())
                feed.pump()
                self._verdict.acknowledged(cursor.seq)
                if self._ending.begun() and feed.settled():
                    break
                if feed.head is not None and feed.open_s > 3 * self._settings.keepalive_s:
                    self._over(feed, reader, cursor, silent=True)
                    return False
                link.turn(TURN_S)
                if feed.lived_s > 3 * self._settings.keepalive_s:
                    self._teller.tell("client-id", None)
        except LinkError as error:
            self._teller.tell("broker", str(error))
            self._over(feed, reader, cursor, silent=False)
            return False
        link.close(in_order=feed.told)
        return True

    def _over(self, feed: Feed, reader: Reader, cursor: Cursor, *, silent: bool) -> None:
        lost = self._verdict.ended(
            head=feed.head,
            newest=feed.newest,
            sound=feed.sound,
            lived_s=feed.lived_s,
            open_s=feed.open_s,
            silent=silent,
        )
        if lost is not None:
            event = reader.after(lost - 1, 1)[0]
            self._rejecting(cursor)(event, "the broker never acknowledges it: too large for it, or not permitted")
            cursor.advance(lost)
        if self._verdict.flapping:
            sentence = f"the broker ends each connection soon; does another client use the id {self._settings.client}?"
            self._teller.tell("client-id", sentence)

    def _rejecting(self, cursor: Cursor) -> Rejecting:
        return Rejecting(cursor, self._teller)

    def _state(self, reader: Reader) -> State:
        """What holds of the station: its daemon commits several times a second while it lives."""
        if not self._ending.begun():
            return "online" if 0 <= now_ns() - reader.pulse_ns() < PULSE_NS else "stale"
        newest = reader.tail(1)
        stopped = self._ending.signalled or (newest and newest[0].type == "station-stopped")
        return "offline" if stopped else "stale"


@dataclass(frozen=True, slots=True)
class Rejecting:
    """Flags an event for ever, and tells the daemon."""

    cursor: Cursor
    teller: Teller

    def __call__(self, event: Stored, why: str) -> None:
        """Flag it."""
        self.cursor.reject(event, why, utc_text(now_utc()))
        self.teller.tell(REJECTED, f"event {event.seq} ({event.type}) is not published: {why}")

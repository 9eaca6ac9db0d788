"""The publisher's life: lock, journal, connection after connection, and an end that says what became of the station.

It never waits by itself: it is a generator that says where it would wait and for how long at most. The process waits
(`process.py`); a storm moves its clock on.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import apsw

from station.clock import Clock, utc_text
from station.journal import CURSOR_FILE, JournalError, Reader, Stored
from station.publisher.commands import Commands
from station.publisher.control import control_of
from station.publisher.cursor import Cursor
from station.publisher.ending import Ending
from station.publisher.feed import Feed, Rejected
from station.publisher.messages import Envelopes, State, state_message
from station.publisher.ports import Link, LinkError, MakeLink
from station.publisher.settings import PublisherSettings
from station.publisher.shelf import Newest, Shelf
from station.publisher.taking import open_journal, take_cursor
from station.publisher.teller import REJECTED, Teller
from station.publisher.tls import blame
from station.publisher.verdict import Verdict
from station.publisher.waits import STEP, TURN, Wait

PULSE_NS = 2_000_000_000
UNREAD_S = 2.0
QUIET_NS, FIRST_QUIET_NS = 600_000_000_000, 20_000_000_000
"""How long a word is not said to a broker that does not take it; at first, where it only hung up at one."""
HANG_UPS = 3
"""Connections in a row that ended at a word on a device before that is taken for their cause."""
FEW, BEHIND_NS, ABSENT_NS = 500, 600_000_000_000, 1_000_000_000
"""A backlog of more, for longer than that, while the broker takes events, is told; a pause is no connection."""
WARN_AHEAD, WARN_EVERY_S = timedelta(days=14), 3600.0


Steps = Generator[Wait, float | None, int]
"""Yields where it would wait. Sent to it: how long it shall itself still wait in `Link.turn`; None for not at all."""


def _ask_the_journal() -> int:
    return sys.maxsize


@dataclass(frozen=True, slots=True)
class World:
    """What one publisher is made with; `newest` as in `Shelf`, by default the journal is asked at each step."""

    clock: Clock
    make_link: MakeLink
    newest: Newest = _ask_the_journal


class Service:
    """One publisher."""

    def __init__(self, settings: PublisherSettings, world: World, ending: Ending, teller: Teller) -> None:
        self._settings = settings
        self._world = world
        self._clock = world.clock
        self._ending = ending
        self._teller = teller
        self._verdict = Verdict()
        self._beyond: int | None = None
        self._stand: str | None = None
        self._unread = self._unkept = False
        self._quiet_until_ns = {"state": 0, "device/#": 0}
        self._hung_up = 0
        self._pulse_ns: int | None = None
        self._level_ns: int | None = None
        self._seen_ns: int | None = None

    def live(self) -> Steps:
        """Publish until told to end; the exit code, 3 if another publisher holds the cursor.

        Closing the generator is what a kill does to the process: files and connection are let go, and nothing more is
        said or written.
        """
        cursor = yield from take_cursor(self._settings, self._clock, self._ending, self._teller)
        if cursor is None:
            return 3
        with cursor:
            while (reader := (yield from open_journal(self._settings, self._ending, self._teller))) is not None:
                with closing(reader):
                    if (yield from self._published(cursor, reader)):
                        return 0
                yield from self._pause(UNREAD_S)
        return 0

    def _published(self, cursor: Cursor, reader: Reader) -> Generator[Wait, float | None, bool]:
        """Publish until the end; False where the journal or the cursor cannot be read: then it is opened anew."""
        try:
            self._stand = cursor.begin(reader) or None
            if not self._unread:
                self._teller.tell("journal", self._stand)
            envelopes = Envelopes(self._settings)
            shelf = Shelf(self._settings, self._clock, reader, cursor, envelopes, self._world.newest)
            while not self._ending.due() and not (yield from self._connection(shelf)):
                yield from self._pause()
        except JournalError as error:
            self._unread = True
            self._teller.tell("journal", str(error))
        except apsw.Error as error:
            self._tell_cursor(str(error))
        else:
            return True
        self._verdict.no_connection()
        return False

    def _tell_cursor(self, fault: str) -> None:
        """Publishing goes on; what was acknowledged meanwhile comes again if the publisher ends before it is kept."""
        if fault:
            path = self._settings.data / CURSOR_FILE
            sentence = (
                f"{path} cannot be written ({fault}): make room, and let this user write it. Events are published"
            )
            self._teller.tell("cursor", sentence)
        elif self._unkept:
            self._teller.tell("cursor", None)
        self._unkept = bool(fault)

    def _pause(self, least_s: float = 0.0) -> Generator[Wait, float | None]:
        """Until the next attempt, in steps that see a signal; at the end only for a moment."""
        until_ns = self._clock.mono_ns() + int(max(least_s, self._verdict.wait_s()) * 1e9)
        yield STEP
        while self._clock.mono_ns() < until_ns and not self._ending.begun():
            yield STEP

    def _connection(self, shelf: Shelf) -> Generator[Wait, float | None, bool]:
        """Live through one connection; True when all is said at the end."""
        will = state_message(self._settings, "offline", utc_text(self._clock.utc()), shelf.reader.last_seq())
        link: Link | None = None
        try:
            link = self._world.make_link(will)
            yield from self._accepted(link)
            return (yield from self._feed(link, shelf))
        except LinkError as error:
            self._verdict.no_connection()
            self._tell_broker(str(error))
            return False
        finally:
            if link is not None:
                link.close(in_order=False)

    def _accepted(self, link: Link) -> Generator[Wait, float | None]:
        until_ns = self._clock.mono_ns() + self._settings.keepalive_s * 1_000_000_000
        while not link.ready:
            link.turn((yield TURN) or 0.0)
            if self._clock.mono_ns() > until_ns or self._ending.due():
                raise LinkError("the broker took the connection and says nothing")
        if not self._verdict.refuses:
            self._teller.tell("broker", None)
        self._warn(link)

    def _warn(self, link: Link) -> None:
        """A certificate that ends is renewed by a person, who wants to know of it in time."""
        if link.ends is None:
            return
        at, whose = link.ends
        left = at - self._clock.utc()
        if left > WARN_AHEAD:
            self._teller.tell("certificate", None)
            return
        days = f"{left.days} day(s)" if left.days else "less than a day"
        when = f"ends in {days}, at" if left > timedelta(0) else "ended at"
        sentence = f"{whose} {when} {utc_text(at)}; this PC's clock says {utc_text(self._clock.utc())}"
        self._teller.tell("certificate", f"{sentence}. Renew it: behind that no event reaches the broker")

    def _tell_broker(self, why: str) -> None:
        self._teller.tell("broker", why + blame(self._settings, self._clock.utc()), anew=True)

    def _feed(self, link: Link, shelf: Shelf) -> Generator[Wait, float | None, bool]:
        def flag(event: Stored, why: str) -> None:
            shelf.cursor.reject(event, why, utc_text(self._clock.utc()))
            sentence = f"event {event.seq} ({event.type}) is not published: {why}"
            self._teller.tell(REJECTED, sentence, anew=True)

        feed = Feed(shelf, link, self._verdict.care, control=self._control(shelf), rejected=flag)
        if self._clock.mono_ns() < self._quiet_until_ns["state"]:
            feed.state.keep_silent()
        feed.words.keep_quiet(self._quiet_until_ns["device/#"])
        try:
            ours = yield from self._pump(feed, link, shelf)
        except LinkError as error:
            feed.take()
            shelf.cursor.keep()
            self._over(feed, shelf, flag, why=feed.refusal or str(error), ours=bool(feed.refusal))
            return False
        shelf.cursor.keep()
        if ours:
            self._over(feed, shelf, flag, why=feed.refusal or "it acknowledges none, and is alive", ours=True)
            return False
        link.close(in_order=feed.state.told)
        return True

    def _pump(self, feed: Feed, link: Link, shelf: Shelf) -> Generator[Wait, float | None, bool]:
        """Feed a connection until all is said at the end, or True: the broker is silent, or refuses what is sent."""
        patience_s = 3 * self._settings.keepalive_s
        commands = Commands(shelf, self._teller)
        warned_s = 0.0
        while not self._ending.due():
            ending = self._ending.begun()
            feed.state.say(self._state(shelf.reader, ending=ending), final=ending)
            feed.pump()
            commands.take(link)
            self._progress(feed, shelf)
            if ending and feed.settled():
                return False
            if feed.waits and (feed.refusal or feed.open_s > patience_s):
                return True
            link.turn((yield TURN) or 0.0)
            if feed.lived_s > patience_s:
                self._teller.tell("client-id", None)
            if feed.lived_s > warned_s + WARN_EVERY_S:
                warned_s = feed.lived_s
                self._warn(link)
        return False

    def _progress(self, feed: Feed, shelf: Shelf) -> None:
        self._verdict.acknowledged(shelf.cursor.seq, feed.accepted)
        if not self._verdict.refuses:
            self._teller.tell("broker", None)
        self._tell_cursor(shelf.cursor.fault)
        self._tell_behind(feed, shelf)
        if self._unread and feed.lived_s > UNREAD_S:
            self._unread = False
            self._teller.tell("journal", self._stand)
        if feed.state.answered and not feed.state.mute:
            self._teller.tell("state", None)
        if feed.words.said and not feed.words.refusal:
            self._hung_up = 0
            self._teller.tell("devices", None)
        self._unheard("state", feed.state.mute)
        self._unheard("device/#", feed.words.refusal)

    def _tell_behind(self, feed: Feed, shelf: Shelf) -> None:
        """A broker that takes events, and fewer than the line makes, or one in a while: they come ever later.

        Only time with a connection counts: while there is none, that is told.
        """
        now_ns, waiting = self._clock.mono_ns(), (feed.state.last or 0) - shelf.cursor.seq
        if self._seen_ns is not None and self._level_ns is not None and now_ns - self._seen_ns > ABSENT_NS:
            self._level_ns += now_ns - self._seen_ns
        self._seen_ns = now_ns
        if waiting <= FEW or self._level_ns is None:
            self._level_ns = now_ns
            self._teller.tell("behind", None)
        elif now_ns - self._level_ns >= BEHIND_NS:
            minutes = (now_ns - self._level_ns) // 60_000_000_000
            sentence = f"for {minutes} minutes more than {FEW} events have waited for the broker, {waiting} do now"
            sentence += (
                "; if it does not end: is one refused again and again (`rejected`)? Is the broker or the way slow?"
            )
            self._teller.tell("behind", sentence)

    def _control(self, shelf: Shelf) -> Stored | None:
        return control_of(shelf.reader, shelf.cursor, self._beyond) if self._verdict.care.controls else None

    def _unheard(self, topic: Literal["state", "device/#"], why: str, quiet_ns: int = QUIET_NS) -> None:
        """A broker may also hang up at what it does not take: to this one it is not said for a while."""
        if not why:
            return
        self._quiet_until_ns[topic] = self._clock.mono_ns() + quiet_ns
        sentence = f"the broker does not take {self._settings.topic}/{topic}: {why}; correct its access rules"
        self._teller.tell("state" if topic == "state" else "devices", f"{sentence}. Events are published")

    def _over(self, feed: Feed, shelf: Shelf, flag: Rejected, *, why: str, ours: bool) -> None:
        self._beyond = feed.beyond or self._beyond
        self._unheard("state", feed.state.mute)
        self._unheard("device/#", feed.words.refusal)
        if feed.words.open and not feed.waits:
            self._hung_up += 1
            if (more := self._hung_up - HANG_UPS) >= 0:
                quiet_ns = min(FIRST_QUIET_NS << min(more, 10), QUIET_NS)
                self._unheard("device/#", "it ends the connection at such a message", quiet_ns)
        lost = self._verdict.ended(feed.end(ours=ours))
        if self._verdict.refuses:
            sentence = f"the broker takes this client and accepts no events: {why}; they are kept and tried again."
            sentence += f" See its access rules for {self._settings.topic}/event/#, its quotas, and whether it is well"
            self._teller.tell("broker", sentence, anew=True)
        elif not ours:
            self._tell_broker(why)
        if lost is not None:
            event = shelf.reader.after(lost - 1, 1)[0]
            flag(event, f"the broker accepts others, and not this one: {why}")
            shelf.cursor.advance(lost)
            shelf.cursor.keep()
        if self._verdict.flapping:
            sentence = f"the broker ends each connection soon; does another client use the id {self._settings.client}?"
            self._teller.tell("client-id", sentence)

    def _state(self, reader: Reader, *, ending: bool) -> State:
        """What holds of the station: its daemon commits several times a second while it lives."""
        if not ending:
            return "online" if self._beats(reader) else "stale"
        newest = reader.tail(1)
        stopped = self._ending.signalled or (newest and newest[0].type == "station-stopped")
        return "offline" if stopped else "stale"

    def _beats(self, reader: Reader) -> bool:
        """Whether the last commit is recent; one that was seen and still is recent is not asked for again."""
        now_ns = self._clock.mono_ns()
        if self._pulse_ns is None or not 0 <= now_ns - self._pulse_ns < PULSE_NS:
            self._pulse_ns = reader.pulse_ns()
        return 0 <= now_ns - self._pulse_ns < PULSE_NS

"""The journal's events onto one connection, in order, a window of them unacknowledged; then the cursor moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.clock import Clock, utc_text
from station.journal import Reader, Stored
from station.publisher.cursor import Cursor
from station.publisher.messages import Envelopes, State, device_message, state_message
from station.publisher.ports import Link
from station.publisher.settings import PublisherSettings
from station.publisher.window import Window

KEEP_NS = 500_000_000
KEEP_EVENTS = 20

Rejected = Callable[[Stored, str], None]
Newest = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the publisher works on, from its start to its end.

    Attributes:
        newest: a cheap guess at the journal's newest number, so that it is not read for nothing. Only when to look
            rests on it; a guess that is too low costs a keep-alive interval.
    """

    settings: PublisherSettings
    clock: Clock
    reader: Reader
    cursor: Cursor
    envelopes: Envelopes
    newest: Newest


class Feed:
    """Made anew for each connection: it begins behind the cursor, so what was open is sent again, and in order.

    Nothing goes before the broker has acknowledged the state, no event within `quiet_s`, and those up to
    `careful_until` one at a time.

    Attributes:
        sound: the broker has acknowledged the state.
        head: the first event on its way.
        newest: the last event that was sent.
    """

    def __init__(self, shelf: Shelf, link: Link, *, careful_until: int, quiet_s: float, rejected: Rejected) -> None:
        self._shelf = shelf
        self._link = link
        self._careful_until = careful_until
        self._quiet_s = quiet_s
        self._rejected = rejected
        self._now = shelf.clock.mono_ns
        self._interval_ns = shelf.settings.keepalive_s * 1_000_000_000
        self._window = Window()
        self._begun_ns = self._head_ns = self._kept_ns = self._now()
        self._state: tuple[State, int] | None = None
        self._state_id = self._answered = self._state_ns = 0
        self.sound = False
        self.head: int | None = None
        self.newest = shelf.cursor.seq

    @property
    def open_s(self) -> float:
        """How long the head has been on its way."""
        return (self._now() - self._head_ns) / 1e9

    @property
    def lived_s(self) -> float:
        """How long this connection has lasted."""
        return (self._now() - self._begun_ns) / 1e9

    def say_state(self, state: State, *, final: bool) -> None:
        """Retain the station's state when it changed, and every keep-alive interval with the newest number.

        The `final` one is said again until it names the newest number.
        """
        due = self._now() - self._state_ns > self._interval_ns
        if not (due or final) and self._state is not None and self._state[0] == state:
            return
        last = self._shelf.reader.last_seq()
        if not due and self._state == (state, last):
            return
        if self._state is None:
            for message in self._shelf.cursor.devices():
                self._link.send(message)
        word = state_message(self._shelf.settings, state, utc_text(self._shelf.clock.utc()), last)
        self._state_id = self._link.send(word)
        self._state, self._state_ns = (state, last), self._now()

    def pump(self) -> None:
        """Take acknowledgements, move the cursor, and send what the window has room for."""
        self.take()
        if self.sound and self.lived_s >= self._quiet_s:
            self._fill()
        if self._window.head != self.head:
            self.head, self._head_ns = self._window.head, self._now()
        unkept = self._shelf.cursor.unkept
        if unkept and (unkept >= KEEP_EVENTS or self._now() - self._kept_ns > KEEP_NS):
            self._shelf.cursor.keep()
            self._kept_ns = self._now()

    def take(self) -> None:
        """Take acknowledgements, and move the cursor over what is acknowledged without a gap."""
        acked = self._link.acked
        for message_id in acked:
            self._window.acknowledged(message_id)
            if message_id == self._state_id:
                self.sound, self._answered = True, message_id
        acked.clear()
        if (reached := self._window.reached()) is not None:
            self._shelf.cursor.advance(reached)

    def settled(self) -> bool:
        """Whether all that the journal holds is acknowledged, and the state that names its end."""
        last = self._shelf.reader.last_seq()
        return self.told and self._shelf.cursor.seq >= last and self._state is not None and self._state[1] == last

    @property
    def told(self) -> bool:
        """Whether the broker acknowledged the newest state."""
        return self.sound and self._answered == self._state_id

    def _fill(self) -> None:
        shelf = self._shelf
        if self._state is None or max(shelf.newest(), self._state[1]) <= self.newest:
            return
        limit = shelf.settings.window if shelf.cursor.seq >= self._careful_until else 1
        if len(self._window) >= limit:
            return
        for event in shelf.reader.after(self.newest, limit - len(self._window)):
            self._send(event)

    def _send(self, event: Stored) -> None:
        shelf = self._shelf
        self.newest = event.seq
        message = shelf.envelopes.event(event)
        limit = shelf.settings.max_event_bytes
        if len(message.payload) > limit:
            self._window.left_out(event.seq)
            self._rejected(event, f"{len(message.payload)} bytes, more than max_event_bytes {limit}")
        else:
            self._window.sent(self._link.send(message), event.seq)
        if event.type == "device-changed":
            name, word = device_message(event, shelf.settings)
            shelf.cursor.keep_device(name, word)
            self._link.send(word)

"""The journal's events onto one connection, in order, a window of them unacknowledged; then the cursor moves."""

from __future__ import annotations

from collections.abc import Callable

from station.clock import now_ns, now_utc, utc_text
from station.journal import Reader, Stored
from station.publisher.cursor import Cursor
from station.publisher.link import Link
from station.publisher.messages import State, device_message, event_message, state_message
from station.publisher.settings import PublisherSettings
from station.publisher.window import Window

Rejected = Callable[[Stored, str], None]


class Feed:
    """Made anew for each connection: it begins behind the cursor, so what was open is sent again, and in order.

    Nothing goes before the broker has acknowledged the state, and up to `careful_until` one event at a time.
    """

    def __init__(
        self,
        settings: PublisherSettings,
        reader: Reader,
        cursor: Cursor,
        link: Link,
        *,
        careful_until: int,
        rejected: Rejected,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._cursor = cursor
        self._link = link
        self._careful_until = careful_until
        self._rejected = rejected
        self._window = Window()
        self._next = cursor.seq
        self._begun_ns = now_ns()
        self._head: tuple[int | None, int] = (None, now_ns())
        self._state: tuple[State, int] | None = None
        self._state_id = self._answered = 0
        self._state_ns = 0
        self.sound = False

    @property
    def head(self) -> int | None:
        """The first event on its way."""
        return self._head[0]

    @property
    def newest(self) -> int:
        """The last event that was sent."""
        return self._next

    @property
    def open_s(self) -> float:
        """How long the head has been on its way."""
        return (now_ns() - self._head[1]) / 1e9

    @property
    def lived_s(self) -> float:
        """How long this connection has lasted."""
        return (now_ns() - self._begun_ns) / 1e9

    def say_state(self, state: State, *, final: bool) -> None:
        """Retain the station's state when it changed, and every keep-alive interval with the newest number.

        The `final` one is said again until it names the newest number.
        """
        last = self._reader.last_seq()
        due = now_ns() - self._state_ns > self._settings.keepalive_s * 1_000_000_000
        if self._state is not None and self._state[0] == state and not (due or (final and self._state[1] != last)):
            return
        if self._state is None:
            for message in self._cursor.devices():
                self._link.send(message)
        self._state_id = self._link.send(state_message(self._settings, state, utc_text(now_utc()), last))
        self._state, self._state_ns = (state, last), now_ns()

    def pump(self) -> None:
        """Take acknowledgements, move the cursor, and send what the window has room for."""
        for message_id in self._link.acked:
            self._window.acknowledged(message_id)
            if message_id == self._state_id:
                self.sound, self._answered = True, message_id
        self._link.acked.clear()
        if (reached := self._window.reached()) is not None:
            self._cursor.advance(reached)
        if self.sound:
            self._fill()
        if self._window.head != self._head[0]:
            self._head = (self._window.head, now_ns())

    def settled(self) -> bool:
        """Whether all that the journal holds is acknowledged, and the state that names its end."""
        last = self._reader.last_seq()
        return self.told and self._cursor.seq >= last and self._state is not None and self._state[1] == last

    @property
    def told(self) -> bool:
        """Whether the broker acknowledged the newest state."""
        return self.sound and self._answered == self._state_id

    def _fill(self) -> None:
        limit = self._settings.window if self._cursor.seq >= self._careful_until else 1
        if len(self._window) >= limit:
            return
        for event in self._reader.after(self._next, limit - len(self._window)):
            self._next = event.seq
            message = event_message(event, self._settings)
            if len(message.payload) > self._settings.max_event_bytes:
                self._window.left_out(event.seq)
                why = f"{len(message.payload)} bytes, more than max_event_bytes {self._settings.max_event_bytes}"
                self._rejected(event, why)
            else:
                self._window.sent(self._link.send(message), event.seq)
            if event.type == "device-changed":
                name, word = device_message(event, self._settings)
                self._cursor.keep_device(name, word)
                self._link.send(word)

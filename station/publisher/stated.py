"""The station's state on one connection: retained at the broker, and the first thing that it is to answer."""

from __future__ import annotations

from station.clock import utc_text
from station.publisher.messages import State, state_message
from station.publisher.ports import Link
from station.publisher.shelf import Shelf


class Stated:
    """Says the state when it changes, and every keep-alive interval with the journal's newest number.

    Attributes:
        sound: the broker has answered it on this connection, or it is not said: nothing else goes before that.
        mute: why the broker does not take it, "" if it does.
        last: the journal's newest number when it was said last; None before that.
    """

    def __init__(self, shelf: Shelf, link: Link) -> None:
        self.sound = False
        self.mute = ""
        self.last: int | None = None
        self._shelf = shelf
        self._link = link
        self._interval_ns = shelf.settings.keepalive_s * 1_000_000_000
        self._silent = False
        self._state: State | None = None
        self._message_id = self._answered = self._said_ns = 0

    @property
    def answered(self) -> bool:
        """Whether the broker answered one of this connection."""
        return bool(self._answered)

    @property
    def told(self) -> bool:
        """Whether the broker answered the newest."""
        return self.sound and self._answered == self._message_id

    def keep_silent(self) -> None:
        """Do not say it on this connection, and wait for no answer to it."""
        self.sound = self._silent = True

    def say(self, state: State, *, final: bool) -> None:
        """Say it if that is due. The `final` one is said again until it names the journal's newest number."""
        now_ns = self._shelf.clock.mono_ns()
        due = now_ns - self._said_ns > self._interval_ns
        if not (due or final) and self._state == state:
            return
        last = self._shelf.reader.last_seq()
        if not due and (self._state, self.last) == (state, last):
            return
        if not self._silent:
            word = state_message(self._shelf.settings, state, utc_text(self._shelf.clock.utc()), last)
            self._message_id = self._link.send(word)
        self._state, self.last, self._said_ns = state, last, now_ns

    def takes(self, message_id: int, refusal: str = "") -> bool:
        """Take what the broker answered, if that was to the newest state; whether it was."""
        if message_id != self._message_id:
            return False
        self.sound, self._answered, self.mute = True, message_id, refusal
        return True

"""The retained words on devices: never a condition for events, and never on their way beside one.

So if the broker ends a connection at a word, that is seen, and it was none of the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from station.publisher.ports import Link, Message

PATIENCE_NS = 2_000_000_000
ANSWER_NS = 1_000_000_000


class Words:
    """The newest word on each device that is still to be said on one connection.

    Attributes:
        refusal: why the broker does not take one, "" if it does.
        said: all that were sent are taken, or refused.
    """

    def __init__(self, link: Link, known: Iterable[Message], now: Callable[[], int]) -> None:
        self.refusal = ""
        self._link = link
        self._now = now
        self._waiting = {message.topic: message for message in known}
        self._since_ns = self._said_ns = now()
        self._open: dict[int, Message] = {}
        self._quiet_until_ns = 0
        self.said = False

    @property
    def open(self) -> bool:
        """Whether some are on their way and may soon be answered."""
        return bool(self._open) and self._now() - self._said_ns < ANSWER_NS

    @property
    def waiting(self) -> bool:
        """Whether there are any to be said, or to be answered."""
        return (bool(self._waiting) and not self._quiet) or self.open

    @property
    def _quiet(self) -> bool:
        return self._now() < self._quiet_until_ns

    def put(self, word: Message) -> None:
        """A newer word on a device."""
        if not self._waiting:
            self._since_ns = self._now()
        self._waiting[word.topic] = word

    def keep_quiet(self, until_ns: int) -> None:
        """Say nothing before then (monotonic ns); a connection may outlast that."""
        self._quiet_until_ns = until_ns

    def due(self, *, idle: bool) -> bool:
        """Whether they are to be said now: when there is no event to be sent, or they have waited long."""
        return bool(self._waiting) and not self._quiet and (idle or self._now() - self._since_ns > PATIENCE_NS)

    def say(self) -> None:
        """Say all."""
        self._open = {self._link.send(message): message for message in self._waiting.values()}
        self._waiting.clear()
        self._said_ns = self._now()

    def answered(self, message_id: int, refusal: str = "") -> Message | None:
        """The broker took it, or refuses it; which word that was, None for other messages' ids."""
        word = self._open.pop(message_id, None)
        if word is not None:
            self.refusal = refusal or self.refusal
            self.said = not self._open
        return word

"""What one publisher works on, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from station.clock import Clock
from station.core.records import DeviceChanged
from station.journal import Reader, Stored
from station.publisher.cursor import Cursor
from station.publisher.messages import Envelopes, device_message
from station.publisher.ports import Message
from station.publisher.settings import PublisherSettings

Newest = Callable[[], int]
_LOOKED_BACK = 1_000_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """Settings, clock, journal and cursor, and the words on devices that are kept with it.

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

    def words(self, last: int) -> list[Message]:
        """The words on devices to be said on a new connection; on one that the station no longer has, that it is gone.

        An empty retained message takes away the one that the broker keeps. They are of the journal's end, `last`, and
        not of the place that is published: a backlog of hours would be as many hours of what no longer holds.
        """
        said = [word if self._has(word.topic) else replace(word, payload=b"") for word in self.cursor.devices()]
        newer = self.newer_words(max(self.cursor.seq, last - _LOOKED_BACK), last)
        return list({word.topic: word for word in (*said, *newer)}.values())

    def newer_words(self, after: int, last: int) -> list[Message]:
        """The words on devices that events behind `after` and up to `last` give, in their order."""
        made = (device_message(event, self.settings) for event in self.reader.between(after, last, DeviceChanged.type))
        return [word for _, word in filter(None, made) if self._has(word.topic)]

    def word(self, event: Stored) -> Message | None:
        """The word that a `device-changed` event gives, remembered; None if it gives none."""
        made = device_message(event, self.settings)
        if made is None or not self._has(made[1].topic):
            return None
        self.cursor.keep_device(*made)
        return made[1]

    def _has(self, topic: str) -> bool:
        names = self.settings.devices
        return names is None or topic.rpartition("/")[2] in names

"""What one publisher works on, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from station.clock import Clock
from station.journal import Reader, Stored
from station.publisher.cursor import Cursor
from station.publisher.messages import Envelopes, device_message
from station.publisher.ports import Message
from station.publisher.settings import PublisherSettings

Newest = Callable[[], int]


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

    def words(self) -> list[Message]:
        """The words on devices to be said on a new connection; on one that the station no longer has, that it is gone.

        An empty retained message takes away the one that the broker keeps.
        """
        return [word if self._has(word.topic) else replace(word, payload=b"") for word in self.cursor.devices()]

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

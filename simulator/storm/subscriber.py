"""What `docs/mqtt.md` promises a subscriber, checked on what arrives. Pure; knows nothing of the publisher's code."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from pydantic_core import from_json

Name = Literal["not-an-event", "unknown", "id-differs", "disorder", "double-differs", "gap"]
_WORD = 1 << 63
_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and by which event."""

    name: Name
    id: str
    text: str


@dataclass(slots=True)
class _Journal:
    """What arrived of one journal: a digest of each first arrival by number, and numbers that were skipped."""

    digests: array[int] = field(default_factory=lambda: array("q", [0]))
    skipped: set[int] = field(default_factory=set)

    @property
    def newest(self) -> int:
        return len(self.digests) - 1


class SubscriberCheck:
    """Takes each event that arrives, doubles too.

    Args:
        known: whether an id is on disk in the station's journal, asked as it arrives.

    Attributes:
        arrivals: how many messages came; doubles: how many of them repeated an event.
        bytes: a digest of all that arrived, in that order.
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        self.arrivals = 0
        self.bytes = sha256()
        self.doubles = 0
        self._known = known
        self._journals: dict[str, _Journal] = {}
        self._violations: list[Violation] = []

    def take(self, topic: str, payload: bytes) -> None:
        """An event arrived."""
        self.arrivals += 1
        self.bytes.update(payload)
        try:
            event = from_json(payload)
            identity, number = str(event["id"]), int(event["sequence"])
        except (ValueError, KeyError, TypeError) as error:
            self._broken("not-an-event", topic, f"{error!r} in {payload[:200]!r}")
            return
        journal, _, suffix = identity.rpartition("-")
        if suffix != str(number) or number < 1:
            self._broken("id-differs", identity, f"its sequence is {number}")
            return
        if not self._known(identity):
            self._broken("unknown", identity, "it arrived and is not in the journal")
        self._place(self._journals.setdefault(journal, _Journal()), identity, number, hash(payload) % _WORD)

    def newest(self, journal: str) -> int:
        """The highest number that arrived of a journal, 0 if none."""
        return self._journals[journal].newest if journal in self._journals else 0

    def verdict(self, newest: Mapping[str, int], excused: Collection[str] = ()) -> list[Violation]:
        """What was broken, now that all up to the `newest` number of each journal should be here.

        Args:
            newest: by journal, the last number on disk.
            excused: ids that may be missing or late: what the broker acknowledged and lost, or would never accept.
        """
        gaps = [
            Violation("gap", f"{journal}-{number}", "it never arrived")
            for journal, last in newest.items()
            for number in self._missing(journal, last)
            if f"{journal}-{number}" not in excused
        ]
        late = [v for v in self._violations if not (v.name == "disorder" and v.id in excused)]
        return [*late, *gaps]

    def _place(self, journal: _Journal, identity: str, number: int, digest: int) -> None:
        if number > journal.newest:
            journal.skipped.update(range(journal.newest + 1, number))
            journal.digests.extend([0] * (number - journal.newest - 1))
            journal.digests.append(digest)
        elif number in journal.skipped:
            journal.skipped.remove(number)
            journal.digests[number] = digest
            self._broken("disorder", identity, f"it first came after {journal.newest}")
        else:
            self.doubles += 1
            if journal.digests[number] != digest:
                self._broken("double-differs", identity, "it came again with other bytes")

    def _missing(self, journal: str, last: int) -> list[int]:
        seen = self._journals.get(journal, _Journal())
        return sorted(seen.skipped | set(range(seen.newest + 1, last + 1)))

    def _broken(self, name: Name, identity: str, text: str) -> None:
        if len(self._violations) < _AT_MOST:
            self._violations.append(Violation(name, identity, text))


def event_id(payload: bytes) -> str:
    """The id of an event, as a subscriber reads it."""
    return str(from_json(payload)["id"])

"""What `docs/mqtt.md` promises a subscriber, checked on what arrives. Pure; knows nothing of the publisher's code."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from pydantic_core import from_json

Name = Literal["not-an-event", "unknown", "id-differs", "disorder", "double-differs", "gap", "untold"]
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
    """What arrived of one incarnation: its first number, digests of first arrivals from there, numbers skipped.

    Attributes:
        previous: the one before it, once its `journal-opened` is here.
        over: another has begun behind it.
    """

    first: int
    previous: str | None = None
    over: bool = False
    digests: array[int] = field(default_factory=lambda: array("q"))
    skipped: set[int] = field(default_factory=set)

    @property
    def newest(self) -> int:
        return self.first + len(self.digests) - 1


class SubscriberCheck:
    """Takes each event that arrives, doubles too.

    Args:
        known: whether an id is on disk in the station's journal, asked as it arrives.

    Attributes:
        arrivals: how many messages came; doubles: how many of them repeated an event.
        told: incarnations whose `journal-opened` shows that what was before is not all in the journal any more.
        bytes: a digest of all that arrived, in that order.
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        self.arrivals = 0
        self.bytes = sha256()
        self.doubles = 0
        self.told: set[str] = set()
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
        self._place(self._journals.setdefault(journal, _Journal(number)), identity, number, hash(payload) % _WORD)
        if str(event.get("type", "")).endswith(".journal-opened"):
            self._opened(journal, event["data"])

    def newest(self, journal: str) -> int:
        """The highest number that arrived of a journal, 0 if none."""
        return self._journals[journal].newest if journal in self._journals else 0

    def verdict(
        self,
        newest: Mapping[str, int],
        excused: Collection[str] = (),
        first: Mapping[str, int] | None = None,
        must_tell: Collection[str] = (),
    ) -> list[Violation]:
        """What was broken, now that all up to the `newest` number of each incarnation should be here.

        Args:
            newest: by incarnation, the last number on disk.
            first: by incarnation, its first number where it is not 1.
            excused: ids that may be missing or late: what the broker acknowledged and lost, or would never accept.
            must_tell: incarnations that began on an old copy of the journal, behind events that had arrived.
        """
        gaps = [
            Violation("gap", f"{journal}-{number}", "it never arrived")
            for journal, last in newest.items()
            for number in self._missing(journal, (first or {}).get(journal, 1), last)
            if f"{journal}-{number}" not in excused
        ]
        late = [v for v in self._violations if not (v.name == "disorder" and v.id in excused)]
        openings = {
            run: f"{run}-{(first or {}).get(run, 1)}" for run in must_tell if newest.get(run) and run not in self.told
        }
        untold = [
            Violation("untold", identity, "nothing in it shows that an old copy was put back")
            for identity in openings.values()
            if identity not in excused
        ]
        return [*late, *gaps, *untold]

    def _opened(self, journal: str, data: Mapping[str, Any]) -> None:
        """By the table in docs/mqtt.md; what came behind `previous` before this one, comes no more."""
        previous, last = str(data["previous"]), int(data["last_seq"])
        here = self._journals[journal]
        if here.previous is not None:
            return
        others = self._journals.keys() - {journal}
        before = self._journals.get(previous)
        rolled_back = before.over or before.newest > last if before else bool(others)
        if rolled_back or data.get("published_beyond"):
            self.told.add(journal)
        here.previous = previous
        if previous:
            self._journals.setdefault(previous, _Journal(1))
            for run in others | {previous}:
                if self._follows(run, previous):
                    self._journals[run].over = True

    def _follows(self, run: str, previous: str) -> bool:
        """True for `previous` itself and all that came behind it."""
        while run != previous:
            known = self._journals.get(run)
            if known is None or not known.previous:
                return False
            run = known.previous
        return True

    def _place(self, journal: _Journal, identity: str, number: int, digest: int) -> None:
        if number < journal.first:
            ahead = journal.first - number
            journal.digests = array("q", [0] * ahead) + journal.digests
            journal.skipped.update(range(number, journal.first))
            journal.first = number
        if number > journal.newest:
            if journal.over:
                self._broken("disorder", identity, "it first came after the incarnation behind it had begun")
            journal.skipped.update(range(journal.newest + 1, number))
            journal.digests.extend([0] * (number - journal.newest - 1))
            journal.digests.append(digest)
        elif number in journal.skipped:
            journal.skipped.remove(number)
            journal.digests[number - journal.first] = digest
            self._broken("disorder", identity, f"it first came after {journal.newest}")
        else:
            self.doubles += 1
            if journal.digests[number - journal.first] != digest:
                self._broken("double-differs", identity, "it came again with other bytes")

    def _missing(self, journal: str, first: int, last: int) -> list[int]:
        seen = self._journals.get(journal, _Journal(first))
        return sorted(seen.skipped | set(range(first, seen.first)) | set(range(seen.newest + 1, last + 1)))

    def _broken(self, name: Name, identity: str, text: str) -> None:
        if len(self._violations) < _AT_MOST:
            self._violations.append(Violation(name, identity, text))


def event_id(payload: bytes) -> str:
    """The id of an event, as a subscriber reads it."""
    return str(from_json(payload)["id"])

"""Where parcels were on the belt and when, from the edges that the PLC gave their number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from station.core.events import ParcelKey
from station.core.parcel import Parcel
from station.core.records import EdgesRead, ParcelEntered, ParcelRef
from station.core.setup import Geometry

_WORD = 1 << 32
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Passage:
    """An eye that saw the parcel: counts (unwrapped) and ms of its leading and trailing edge, None if not seen."""

    eye: int
    lead: tuple[int, float] | None
    trail: tuple[int, float] | None


@dataclass(slots=True)
class Track:
    """One parcel's way: its entry, and its edges by eye; times are ms of the PC's monotonic clock."""

    ref: ParcelRef
    entry: int
    leads: dict[int, tuple[int, float]] = field(default_factory=dict)
    trails: dict[int, tuple[int, float]] = field(default_factory=dict)

    def parcel(self, eyes: int) -> Parcel:
        """The same for the core, to reckon windows by."""
        leads = {0: self.entry, **{eye: count for eye, (count, _) in self.leads.items() if eye < eyes}}
        trails = {eye: count for eye, (count, _) in self.trails.items() if eye < eyes}
        return Parcel(ParcelKey(self.ref.epoch, self.ref.number), 0, leads, trails)

    def passages(self) -> list[Passage]:
        """All eyes that saw it, in order."""
        eyes = sorted({*self.leads, *self.trails})
        return [Passage(eye, self.leads.get(eye), self.trails.get(eye)) for eye in eyes]


class Times:
    """From counts to ms, by all edges around; beyond them at the belt's full speed."""

    def __init__(self, points: Iterable[tuple[int, float]], geometry: Geometry) -> None:
        self._points = sorted(set(points))
        self._rate = geometry.counts_per_ms
        if not self._points or self._rate <= 0:
            raise ValueError("no edge of it is in the journal")

    def ms(self, count: float) -> float:
        """When the belt was at `count`."""
        index = bisect_right(self._points, (count, float("inf")))
        before = self._points[max(0, index - 1)]
        after = self._points[min(index, len(self._points) - 1)]
        if before[0] < count < after[0]:
            return before[1] + (count - before[0]) / (after[0] - before[0]) * (after[1] - before[1])
        near = before if count >= before[0] else after
        return near[1] + (count - near[0]) / self._rate


@dataclass(frozen=True, slots=True)
class Tracks:
    """Tracks by number, objects without one as the passage of one eye each, and every edge as count and ms."""

    numbered: dict[int, Track]
    strangers: list[Passage]
    points: list[tuple[int, float]]


def tracks(edges: Sequence[tuple[EdgesRead, int]], entries: Sequence[ParcelEntered]) -> Tracks:
    """What the edges tell; `edges` with the monotonic ns of their commit.

    The PLC's clock is laid on the PC's by the edge that was journaled soonest after it was latched.
    """
    found = {entry.parcel.number: Track(entry.parcel, entry.count) for entry in entries}
    rows = [(row, ns) for record, ns in edges for row in record.edges]
    if not found or not rows:
        return Tracks(found, [], [])
    latest, near = max(row[4] for row, _ in rows), entries[0].count
    times = [latest + _signed(row[4] - latest) for row, _ in rows]
    offset = min(ns / _NS_PER_MS - time for (_, ns), time in zip(rows, times, strict=True))
    points: list[tuple[int, float]] = []
    strangers: list[Passage] = []
    for ((_, eye, broken, count, _, number, _), _), time in zip(rows, times, strict=True):
        point = (near + _signed(count - near), time + offset)
        points.append(point)
        if number in found:
            (found[number].leads if broken else found[number].trails).setdefault(eye, point)
        elif number == 0 and broken:
            strangers.append(Passage(eye, point, None))
        elif number == 0 and strangers and strangers[-1].eye == eye and strangers[-1].trail is None:
            strangers[-1] = Passage(eye, strangers[-1].lead, point)
    return Tracks(found, strangers, points)


def _signed(difference: int) -> int:
    """A difference of two 32-bit counters, the short way round."""
    short = difference % _WORD
    return short if short < _WORD // 2 else short - _WORD

"""Parcels that slip on a belt of constant speed, what eyes and devices make of them, and when the PLC is read. Pure.

Lengths are mm, one encoder count is one mm, times are ms of true time. Each parcel leads or lags the belt by a share
that is drawn anew at each eye, within the stated slip.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TypeVar

from station.core.events import Direction
from station.core.setup import DeviceSetup, LineSetup

SHORTEST_MM, LONGEST_MM = 150.0, 600.0
GAP_MM, MORE_GAP_MM = 150.0, 250.0
NOREADS, DOUBLES = 0.05, 0.01

NS_PER_MS = 1_000_000
POLL_MS = 20.0
TRANSIT_MS = (0.1, 1.0)
DRIFT = 50e-6
PC_AHEAD_NS, PLC_AHEAD_MS = 7_000_000_000, 123_456

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Latching:
    """How the PLC sees an edge: by an interrupt within `error_ms` either way, or at the next scan.

    Attributes:
        scan_ms: the PLC's cycle, in which it answers polls.
    """

    error_ms: float
    scan_ms: float
    by_scan: bool

    def latched_ms(self, true_ms: float, random: Random) -> float:
        """Of which moment it keeps the count."""
        if self.by_scan:
            return self.next_scan_ms(true_ms)
        return true_ms + random.uniform(-self.error_ms, self.error_ms)

    def next_scan_ms(self, after_ms: float) -> float:
        """The first scan at or after a moment."""
        return math.ceil(after_ms / self.scan_ms) * self.scan_ms


def by_interrupt(error_ms: float) -> Latching:
    """Edges latched by interrupt inputs of a fast PLC."""
    return Latching(error_ms, scan_ms=5.0, by_scan=False)


def by_scan(scan_ms: float) -> Latching:
    """Edges seen by an ordinary program."""
    return Latching(scan_ms, scan_ms, by_scan=True)


def pc_ns(true_ms: float) -> int:
    """What the PC's clock shows."""
    return int(true_ms * NS_PER_MS) + PC_AHEAD_NS


@dataclass(frozen=True, slots=True)
class TrueParcel:
    """Where a parcel really is: `entry` is the belt's count as its leading edge is at the infeed eye."""

    number: int
    entry: float
    length_mm: float
    eyes_mm: tuple[float, ...]
    slips: tuple[float, ...]

    def count_at(self, lead_mm: float) -> float:
        """The belt's count as its leading edge is at a place."""
        at = self.entry
        ends = (*self.eyes_mm[1:], math.inf)
        for begin, end, slip in zip(self.eyes_mm, ends, self.slips, strict=True):
            if lead_mm <= begin:
                break
            at += (min(lead_mm, end) - begin) / (1 + slip)
        return at


@dataclass(frozen=True, slots=True)
class TrueEdge:
    """An edge as the PLC keeps it, and when its program knows of it."""

    seen_ms: float
    eye: int
    direction: Direction
    count: int
    number: int


@dataclass(frozen=True, slots=True)
class TrueReading:
    """What a device sends, when it reaches the PC, and of which parcel it was taken."""

    arrives_ms: float
    device: str
    number: int
    read: bool


@dataclass(frozen=True, slots=True)
class Poll:
    """The PLC was read: all edges up to its sample, readings that came meanwhile in any order, and the sample."""

    edges: list[TrueEdge]
    readings: list[TrueReading]
    after_ns: int
    before_ns: int
    plc_ms: int
    count: int


class Traffic:
    """A feed of parcels of a seed."""

    def __init__(self, setup: LineSetup, latching: Latching, random: Random) -> None:
        self._setup = setup
        self._latching = latching
        self._random = random
        self._rate = setup.geometry.counts_per_ms
        self._edges: list[tuple[float, int, TrueEdge]] = []
        self._readings: list[tuple[float, int, TrueReading]] = []
        self._serial = count()

    def polls(self, parcels: int) -> Iterator[Poll]:
        """The whole feed, poll after poll."""
        coming, random = self.parcels(parcels), self._random
        parcel, request_ms = next(coming, None), 0.0
        while parcel or self._edges or self._readings:
            sample_ms = self._latching.next_scan_ms(request_ms + random.uniform(*TRANSIT_MS))
            answer_ms = sample_ms + random.uniform(*TRANSIT_MS)
            while parcel and parcel.entry / self._rate <= answer_ms:
                self._send(parcel)
                parcel = next(coming, None)
            came = list(_due(self._readings, answer_ms))
            random.shuffle(came)
            yield Poll(
                edges=list(_due(self._edges, sample_ms)),
                readings=came,
                after_ns=pc_ns(request_ms),
                before_ns=pc_ns(answer_ms),
                plc_ms=int(sample_ms * (1 + DRIFT)) + PLC_AHEAD_MS,
                count=int(sample_ms * self._rate),
            )
            request_ms = max(request_ms + POLL_MS, answer_ms)

    def _send(self, parcel: TrueParcel) -> None:
        for edge in self.edges(parcel):
            heappush(self._edges, (edge.seen_ms, next(self._serial), edge))
        for reading in self.readings(parcel):
            heappush(self._readings, (reading.arrives_ms, next(self._serial), reading))

    def parcels(self, many: int) -> Iterator[TrueParcel]:
        """So many of them, in the order of their entry."""
        eyes, random, slip = self._setup.geometry.eyes_mm, self._random, self._setup.geometry.slip
        entry = 1000.0
        for number in range(1, many + 1):
            slips = tuple(random.uniform(-slip, slip) for _ in eyes)
            parcel = TrueParcel(number, entry, random.uniform(SHORTEST_MM, LONGEST_MM), eyes, slips)
            yield parcel
            entry = parcel.count_at(parcel.length_mm + GAP_MM + random.expovariate(1 / MORE_GAP_MM))

    def edges(self, parcel: TrueParcel) -> Iterator[TrueEdge]:
        """Both of its edges at each eye."""
        for eye, place in enumerate(self._setup.geometry.eyes_mm):
            for direction, lead in ((Direction.BROKEN, place), (Direction.FREED, place + parcel.length_mm)):
                true_ms = parcel.count_at(lead) / self._rate
                latched = int(self._latching.latched_ms(true_ms, self._random) * self._rate)
                yield TrueEdge(
                    self._latching.next_scan_ms(true_ms), eye, direction, latched, 0 if eye else parcel.number
                )

    def readings(self, parcel: TrueParcel) -> Iterator[TrueReading]:
        """One of each device, a second one now and then; each of some point of it at some place in the zone."""
        for device in self._setup.devices:
            for _ in range(1 + (self._random.random() < DOUBLES)):
                read = device.kind != "barcode" or self._random.random() >= NOREADS
                yield TrueReading(self._arrival_ms(parcel, device), device.name, parcel.number, read)

    def _arrival_ms(self, parcel: TrueParcel, device: DeviceSetup) -> float:
        place, point = self._random.uniform(*device.zone_mm), self._random.uniform(0, parcel.length_mm)
        return parcel.count_at(place + point) / self._rate + self._random.uniform(*device.latency_ms)


def _due(heap: list[tuple[float, int, T]], until_ms: float) -> Iterator[T]:
    while heap and heap[0][0] <= until_ms:
        yield heappop(heap)[2]

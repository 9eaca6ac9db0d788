"""Which parcel a reading belongs to: only one that alone can have been where and when it was taken.

A reading is held until the PLC's samples reach past it, so that every edge that matters has been read. Then its
interval of counts is fixed. It stays known until its parcels have left, since an edge that nothing explains may
still show that another object could have made it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from station.core.belt import NS_PER_MS, BeltHistory, ClockMatch, Interval
from station.core.events import BarcodeReading, Frame, WeightReading
from station.core.parcel import Parcel
from station.core.setup import DeviceSetup, Geometry, LineSetup
from station.core.triggers import TRIGGERS, TriggerCounter

Reading = BarcodeReading | WeightReading | Frame
_KEPT_COUNTS_MM = 20_000
_NEAR_S = 2.0
WAITING_AT_MOST = 1000
MATCHED_AT_MOST = 5000


@dataclass(slots=True)
class Match:
    """A reading with its interval of counts and every object that it could belong to."""

    reading: Reading
    device: DeviceSetup
    counts: Interval
    candidates: list[Parcel]
    note: str = ""
    plc_trigger: int | None = None

    @property
    def owner(self) -> Parcel | None:
        """The one numbered parcel it belongs to, None if it is ambiguous or fits none."""
        if len(self.candidates) == 1 and not self.note and self.candidates[0].key is not None:
            return self.candidates[0]
        return None


@dataclass(slots=True)
class Matcher:
    """Readings on their way to parcels.

    Memory is bounded: a reading is dropped when its place has left the belt; of a belt that stands, and of a PLC that
    tells no time, only so many are held, and whom the oldest could concern is doubted.
    """

    setup: LineSetup
    waiting: list[Reading] = field(default_factory=list)
    matched: list[Match] = field(default_factory=list)
    triggers: dict[tuple[str, int], Parcel] = field(default_factory=dict)
    counters: dict[str, TriggerCounter] = field(default_factory=dict)
    since: float = float("-inf")
    """The count from which on every parcel on the belt is known."""
    _waiting_ns: dict[str, int] | None = None

    def __post_init__(self) -> None:
        self.counters = {d.name: TriggerCounter() for d in self.setup.devices if d.trigger_eye is not None}

    @property
    def offsets(self) -> dict[str, int]:
        """The offsets of trigger numbers that are trusted, by device."""
        return {d: c.offset for d, c in self.counters.items() if c.in_step and c.offset is not None}

    def trust(self, offsets: Mapping[str, int]) -> None:
        """Begin with offsets of trigger numbers that were in step before."""
        for device, offset in offsets.items():
            if device in self.counters:
                self.counters[device] = TriggerCounter(offset, in_step=True)

    def fired(self, eye: int, trigger: int, parcel: Parcel) -> None:
        """The PLC triggered every device of this eye with that number, as this parcel's edge was seen."""
        for device in self.setup.devices:
            if device.trigger_eye == eye:
                self.triggers[device.name, trigger] = parcel

    @property
    def waiting_ns(self) -> dict[str, int]:
        """Since when (monotonic) the oldest reading of each device waits; nothing of a device of which none does."""
        if self._waiting_ns is None:
            self._waiting_ns = {}
            for reading in self.waiting:
                after = reading.arrived.after_ns
                self._waiting_ns[reading.device] = min(after, self._waiting_ns.get(reading.device, after))
        return self._waiting_ns

    def wait(self, reading: Reading) -> None:
        """Hold it until the samples reach it."""
        self.waiting.append(reading)
        self._waiting_ns = None

    def _wait_on(self, readings: list[Reading]) -> None:
        """These alone still wait."""
        self.waiting, self._waiting_ns = readings, None

    def settle(self, clock: ClockMatch, belt: BeltHistory, parcels: Sequence[Parcel]) -> list[Match]:
        """Match every waiting reading that the samples have reached; returns the new matches."""
        if not self.waiting:
            return []
        done: list[Match] = []
        still: list[Reading] = []
        for reading in self.waiting:
            counts = self._counts(reading, clock, belt)
            if counts is None:
                still.append(reading)
            else:
                done.append(self._match(reading, counts, parcels))
        if done:
            self._wait_on(still)
            self.matched += done
        return done

    def doubt(self, parcels: Sequence[Parcel], note: str) -> list[Match]:
        """The clock that the waiting readings are reckoned by is not to be trusted: each could belong to anybody."""
        everywhere = Interval(float("-inf"), float("inf"))
        doubted = [Match(r, self.setup.by_name[r.device], everywhere, list(parcels), note) for r in self.waiting]
        self._wait_on([])
        return doubted

    def overflow(self, parcels: Sequence[Parcel]) -> list[Match]:
        """Give up the oldest readings beyond what may wait: each could belong to anybody."""
        if len(self.waiting) <= WAITING_AT_MOST:
            return []
        held, self.waiting = self.waiting, self.waiting[:-WAITING_AT_MOST]
        doubted = self.doubt(parcels, "too many readings wait for the PLC's time")
        self._wait_on(held[-WAITING_AT_MOST:])
        return doubted

    def crowded(self) -> list[Match]:
        """Give up the oldest matches beyond what may be held; returned are those that no longer can be questioned."""
        if len(self.matched) <= MATCHED_AT_MOST:
            return []
        gone, self.matched = self.matched[:-MATCHED_AT_MOST], self.matched[-MATCHED_AT_MOST:]
        return gone

    def question(self, stranger: Parcel) -> list[tuple[Match, Parcel]]:
        """An object was found that nothing explains: matches that could be its own lose their owner."""
        geometry = self.setup.geometry
        reach = geometry.eyes_mm[max(0, stranger.origin_eye - 1)]
        spoiled = []
        for match in self.matched:
            owner = match.owner
            if owner is None or match.device.zone_mm[1] < reach or stranger in match.candidates:
                continue
            if stranger.within(match.device.zone_mm, geometry).meets(match.counts):
                match.candidates.append(stranger)
                spoiled.append((match, owner))
        return spoiled

    def forget(self, count: int, still_there: Sequence[Parcel]) -> None:
        """Drop what lies behind: matches far back on the belt, triggers of parcels that have left."""
        oldest = count - _KEPT_COUNTS_MM / self.setup.geometry.mm_per_count
        self.matched = [match for match in self.matched if match.counts.high > oldest]
        on_belt = set(map(id, still_there))
        self.triggers = {key: parcel for key, parcel in self.triggers.items() if id(parcel) in on_belt}

    def _counts(self, reading: Reading, clock: ClockMatch, belt: BeltHistory) -> Interval | None:
        device = self.setup.by_name[reading.device]
        earliest = reading.arrived.after_ns - (device.latency_ms[1] + device.measuring_ms) * NS_PER_MS
        latest = reading.arrived.before_ns - device.latency_ms[0] * NS_PER_MS
        times = clock.plc_ms(earliest, latest)
        counts = None if times is None else belt.counts(times)
        return None if counts is None else _outward(counts)

    def _match(self, reading: Reading, counts: Interval, parcels: Sequence[Parcel]) -> Match:
        device = self.setup.by_name[reading.device]
        geometry: Geometry = self.setup.geometry
        candidates = [p for p in parcels if p.within(device.zone_mm, geometry).meets(counts)]
        match = Match(reading, device, counts, candidates)
        if not candidates:
            match.note = "fits no parcel"
        elif isinstance(reading, Frame) and device.trigger_eye is not None:
            self._check_trigger(match, reading, device.trigger_eye, parcels)
        return match

    def _check_trigger(self, match: Match, frame: Frame, eye: int, parcels: Sequence[Parcel]) -> None:
        counter = self.counters[match.device.name]
        if frame.trigger is None:
            match.note = "no trigger number"
            return
        numbers = {n: p for (device, n), p in self.triggers.items() if device == frame.device}
        named = None if counter.offset is None else numbers.get((frame.trigger - counter.offset - 1) % TRIGGERS + 1)
        if len(match.candidates) == 1:
            plc = next((n for n, parcel in numbers.items() if parcel is match.candidates[0]), None)
            if plc is not None and counter.agrees(frame.trigger, plc, self._late(match, eye, parcels)):
                match.plc_trigger = plc
                return
            match.note = "trigger number and time disagree"
        if named is not None and named not in match.candidates:
            match.candidates.append(named)

    def _late(self, match: Match, eye: int, parcels: Sequence[Parcel]) -> list[Interval]:
        """How late the picture would be (counts), were it of one of the parcels that ran close ahead, nearest first."""
        geometry, own = self.setup.geometry, match.candidates[0].leads[eye]
        near = _NEAR_S * geometry.speed_mm_s / geometry.mm_per_count
        ahead = []
        for parcel in parcels:
            lead = parcel.lead_at(geometry.eyes_mm[eye], geometry)
            if parcel is not match.candidates[0] and lead.low < own and own - near < lead.high:
                ahead.append((lead.low, parcel.within(match.device.zone_mm, geometry)))
        ahead.sort(key=lambda pair: -pair[0])
        late = [Interval(match.counts.low - zone.high, match.counts.high - zone.low) for _, zone in ahead]
        return late if own - near >= self.since else [*late, Interval(float("-inf"), float("inf"))]


def _outward(counts: Interval) -> Interval:
    """To whole counts, never narrower: what is journaled is then what was matched by."""
    return Interval(math.floor(counts.low), math.ceil(counts.high))

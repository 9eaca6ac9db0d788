"""What the core is told once: the line's geometry, its devices and the site's policy, as frozen plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DeviceKind = Literal["barcode", "weight", "frame"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where things stand along the belt (mm from the infeed eye) and how far they can be trusted.

    Attributes:
        mm_per_count: belt travel of one encoder count.
        speed_mm_s: fastest belt speed.
        slip: greatest share by which a parcel may lead or lag the belt, 0.005 for half a percent.
        latch_ms: greatest error with which the PLC latches an edge's count.
        eyes_mm: photo-eyes ahead of and with the decision eye, in order; the first is the infeed eye at 0.
        diverter_mm: where a parcel begins to be diverted.
        exit_mm: the exit eyes of both lanes.
        switch_mm: belt travel that a change of the diverter needs, until the belt could still be stopped (S).
        longest_mm, shortest_mm, gap_mm: parcels and the smallest gap, as the line is specified.
        gap_and_shorter_mm: a gap and the shorter of its two parcels are together at least this long.
        tolerance_mm: allowance beside slip and latching for a parcel that turns or rocks.
        drift_ppm: greatest drift between the clocks of PC and PLC.
        decision_mm: place of the decision eye: the last of the eyes.
        counts_per_ms: fastest counting rate.
        latch_counts: greatest error of a latched count: belt travel during the latching error, and one of rounding.
    """

    mm_per_count: float
    speed_mm_s: float
    slip: float
    latch_ms: float
    eyes_mm: tuple[float, ...]
    diverter_mm: float
    exit_mm: float
    switch_mm: float
    longest_mm: float
    shortest_mm: float
    gap_mm: float
    tolerance_mm: float
    gap_and_shorter_mm: float = 0.0
    drift_ppm: float = 200.0
    decision_mm: float = field(init=False)
    counts_per_ms: float = field(init=False)
    latch_counts: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decision_mm", self.eyes_mm[-1])
        object.__setattr__(self, "counts_per_ms", self.speed_mm_s / 1000 / self.mm_per_count)
        object.__setattr__(self, "latch_counts", self.latch_ms * self.counts_per_ms + 1)


@dataclass(frozen=True, slots=True)
class DeviceSetup:
    """One device as the core sees it.

    Attributes:
        zone_mm: from..to along the belt, in which the device can sense a parcel.
        latency_ms: least and greatest time from sensing (or the end of measuring) to the first byte at the PC.
        measuring_ms: how long one measurement lasts, 0 for an instant.
        trigger_eye: index of the eye whose edge triggers it, None if its readings carry no trigger number.
    """

    name: str
    kind: DeviceKind
    zone_mm: tuple[float, float]
    latency_ms: tuple[float, float]
    measuring_ms: float = 0.0
    trigger_eye: int | None = None


@dataclass(frozen=True, slots=True)
class PolicySetup:
    """The site's rules. A device in `may_be_missing` is one without which policy still allows a pass.

    `thresholds` is the score at and above which a finding of that label sends a parcel to inspection.
    """

    version: str
    weight_range_g: tuple[float, float]
    declared_tolerance_g: float
    declared_tolerance_share: float
    thresholds: Mapping[str, float]
    may_be_missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LineSetup:
    """All that the core is told at start.

    Attributes:
        order_room_ms: time that an order needs to be with the PLC: poll, scan and the station's own work.
        detect_ms: bound of the detector, from the frame's arrival to its findings.
        settle_ms: bound from a byte at the port to its event in the core.
        hosts: by device (and `plc`) the host behind which it stands, for those on a network. For alarms alone: no
            decision rests on it, so it is not journaled.
        floor: score below which the model reports nothing: no threshold is set lower. For commands alone, and what came
            of each is journaled.
    """

    geometry: Geometry
    devices: tuple[DeviceSetup, ...]
    policy: PolicySetup
    order_room_ms: float = 80.0
    detect_ms: float = 150.0
    settle_ms: float = 10.0
    hosts: Mapping[str, str] = field(default_factory=dict)
    floor: float = 0.0
    by_name: Mapping[str, DeviceSetup] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {device.name: device for device in self.devices})

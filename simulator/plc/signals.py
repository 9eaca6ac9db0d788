"""What passes between the plant and any PLC at each scan; docs/plc-interface.md, section 'The signal seam'."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class EdgeSignal:
    """An edge latched by the PLC's input: eye from 0, beam broken or freed, count and PLC ms at the edge."""

    eye: int
    broken: bool
    count: int
    ms: int


@dataclass(slots=True)
class Inputs:
    """Inputs at one scan: free-running ms and count (not wrapped), edges since the last scan, contacts."""

    ms: int
    count: int
    edges: tuple[EdgeSignal, ...] = ()
    at_pass: bool = False
    at_inspect: bool = True
    lane_full: bool = False
    operator_stop: bool = False
    acknowledge: bool = False
    mode: int = 1

    @property
    def contacts(self) -> tuple[object, ...]:
        """All that is no time, count or edge."""
        return self.at_pass, self.at_inspect, self.lane_full, self.operator_stop, self.acknowledge, self.mode


class Outputs(NamedTuple):
    """Outputs at one scan: belt on, diverter to pass (else inspect), trigger pulses sent so far."""

    belt: bool = True
    to_pass: bool = False
    triggers: int = 0


@dataclass(frozen=True, slots=True)
class PlcSettings:
    """Constants of the PLC program, as its settings block shows them; lengths in mm, counts where named.

    `mm_per_count` is the belt's travel of one count, `latch_counts` the greatest latching error and one of rounding.
    """

    um_per_count: int
    latch_us: int
    slip_ppm: int
    tolerance_mm: int
    length_tolerance_mm: int
    switch_mm: int
    stop_mm: int
    eye_mm: tuple[int, ...]
    decision_eye: int
    diverter_mm: int
    longest_mm: int
    trigger_eye: int
    speed_mm_s: int
    stale_ms: int = 500
    stand_ms: int = 5000
    program_version: int = 1
    mm_per_count: float = field(init=False)
    latch_counts: float = field(init=False)
    _travels: dict[tuple[float, float], tuple[float, float]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mm_per_count", self.um_per_count / 1000)
        object.__setattr__(self, "latch_counts", self.latch_us * self.speed_mm_s / 1e6 / self.mm_per_count + 1)
        object.__setattr__(self, "_travels", {})

    def travel(self, from_mm: float, to_mm: float) -> tuple[float, float]:
        """Fewest and most counts in which a parcel travels between two places, latching and allowance included."""
        found = self._travels.get((from_mm, to_mm))
        if found is None:
            found = self._travels[from_mm, to_mm] = self._travel(from_mm, to_mm)
        return found

    def _travel(self, from_mm: float, to_mm: float) -> tuple[float, float]:
        counts = (to_mm - from_mm) / self.mm_per_count
        slip = self.slip_ppm / 1e6
        allowance = 2 * self.latch_counts + self.tolerance_mm / self.mm_per_count
        return counts / (1 + slip) - allowance, counts / (1 - slip) + allowance

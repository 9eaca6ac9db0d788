"""A parcel on the belt: its life as one table, where it was seen, and the evidence that is its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from station.core.belt import Interval
from station.core.events import Detection, Lane, ParcelKey, Place, Why
from station.core.records import Reason
from station.core.setup import Geometry


class State(Enum):
    """Where a parcel stands in its life."""

    ENTERED = "entered"
    DECIDED = "decided"
    ORDERED = "ordered"
    ACKNOWLEDGED = "acknowledged"
    PASSED = "passed"
    INSPECTED = "inspected"
    LOST = "lost"
    UNOBSERVED = "unobserved"
    RESOLVED = "resolved"


class Step(Enum):
    """What can happen to a parcel."""

    DECIDE = "decide"
    ORDER = "order"
    ACKNOWLEDGE = "acknowledge"
    SEE_PASS = "seen in the pass lane"  # noqa: S105
    SEE_INSPECT = "seen in the inspection lane"
    MISS = "missed at an eye"
    GIVE_UP = "not observed"
    RESOLVE = "resolve"


_ON_BELT = (State.ENTERED, State.DECIDED, State.ORDERED, State.ACKNOWLEDGED)

TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.ENTERED, Step.DECIDE): State.DECIDED,
    (State.DECIDED, Step.ORDER): State.ORDERED,
    (State.ORDERED, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
    # A pass may be withdrawn, also after its acknowledgement: decided anew, ordered anew.
    (State.ORDERED, Step.DECIDE): State.DECIDED,
    (State.ACKNOWLEDGED, Step.DECIDE): State.DECIDED,
    (State.ACKNOWLEDGED, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
    **{(state, Step.SEE_PASS): State.PASSED for state in _ON_BELT},
    **{(state, Step.SEE_INSPECT): State.INSPECTED for state in _ON_BELT},
    **{(state, Step.MISS): State.LOST for state in _ON_BELT},
    **{(state, Step.GIVE_UP): State.UNOBSERVED for state in _ON_BELT},
    (State.INSPECTED, Step.RESOLVE): State.RESOLVED,
    (State.LOST, Step.RESOLVE): State.RESOLVED,
    (State.UNOBSERVED, Step.RESOLVE): State.RESOLVED,
}
"""The life of a parcel; the diagram in docs/architecture.md is drawn from it."""

STEP_OF_PLACE = {
    Place.PASS: Step.SEE_PASS,
    Place.INSPECT: Step.SEE_INSPECT,
    Place.LOST: Step.MISS,
    Place.UNOBSERVED: Step.GIVE_UP,
}


class StepNotAllowedError(Exception):
    """An event that the table does not allow in this state."""

    def __init__(self, parcel: ParcelKey | None, state: State, step: Step) -> None:
        super().__init__(f"parcel {parcel}: '{step.value}' is not allowed once it is {state.value}")


@dataclass(slots=True)
class FrameEvidence:
    """A frame matched to the parcel, and the detector's answer once there is one."""

    device: str
    frame_id: str
    detection: Detection | None = None
    fault: str = ""
    kept: bool = True


@dataclass(slots=True)
class Evidence:
    """All readings and findings matched to one parcel, what spoils them, and who `brought` a barcode or a weight."""

    barcodes: list[str] = field(default_factory=list)
    weights_g: list[float] = field(default_factory=list)
    frames: list[FrameEvidence] = field(default_factory=list)
    ambiguous: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    brought: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Parcel:
    """One tracked object. `key` is None for an object that no infeed edge explains.

    `leads` and `trails` hold, by eye index, the unwrapped count at which its leading and trailing edge was seen, and
    grow by `led` and `trailed` alone; `doubts` the reasons why its track cannot be trusted (any of them means
    inspection).
    """

    key: ParcelKey | None
    origin_eye: int
    leads: dict[int, int]
    trails: dict[int, int] = field(default_factory=dict)
    inspect_only: bool = False
    doubts: dict[str, str] = field(default_factory=dict)
    state: State = State.ENTERED
    evidence: Evidence = field(default_factory=Evidence)
    route: Lane | None = None
    reasons: tuple[Reason, ...] = ()
    exceptions: tuple[str, ...] = ()
    order: int = 0
    ordered_lane: Lane | None = None
    accepted_lane: Lane | None = None
    ready_ns: float = 0.0
    latency_ms: float | None = None
    entered_at: str = ""
    decided_at: str | None = None
    place: Place | None = None
    why: Why | None = None
    _by_leads: dict[tuple[float, int], Interval] = field(default_factory=dict)
    _by_trails: dict[float, Interval] = field(default_factory=dict)
    _reckoned: dict[str, float] = field(default_factory=dict)

    def led(self, eye: int, count: int) -> None:
        """Its leading edge was seen at that eye."""
        self.leads[eye] = count
        self._by_leads.clear()
        self._by_trails.clear()
        self._reckoned.clear()

    def trailed(self, eye: int, count: int) -> None:
        """Its trailing edge was seen at that eye."""
        self.trails[eye] = count
        self._by_trails.clear()
        self._reckoned.clear()

    def advance(self, step: Step) -> None:
        """Take one step of the table; raises StepNotAllowedError."""
        after = TRANSITIONS.get((self.state, step))
        if after is None:
            raise StepNotAllowedError(self.key, self.state, step)
        self.state = after

    @property
    def overruled(self) -> bool:
        """It is clean and its pass was taken: only a pause or a dry run that came behind that wants it inspected."""
        by_mode = all(reason.code in {"paused", "dry-run"} for reason in self.reasons)
        return self.route is Lane.INSPECT and self.accepted_lane is Lane.PASS and by_mode

    @property
    def on_belt(self) -> bool:
        """True until its outcome is known."""
        return self.state in _ON_BELT

    def lead_at(self, place_mm: float, geometry: Geometry, before_eye: int | None = None) -> Interval:
        """Counts between which its leading edge is at `place_mm`: the anchors of all eyes (before one) intersected."""
        key = (place_mm, -1 if before_eye is None else before_eye)
        found = self._by_leads.get(key)
        if found is None:
            anchors = self.leads
            if before_eye is not None:
                anchors = {eye: count for eye, count in anchors.items() if eye < before_eye}
            found = self._by_leads[key] = _at(anchors, place_mm, geometry)
        return found

    def trail_at(self, place_mm: float, geometry: Geometry) -> Interval:
        """Counts between which its trailing edge is at `place_mm`; without end while no eye was freed by it."""
        found = self._by_trails.get(place_mm)
        if found is None:
            if self.trails:
                found = _at(self.trails, place_mm, geometry)
            else:
                found = Interval(self.lead_at(place_mm, geometry).low, float("inf"))
            self._by_trails[place_mm] = found
        return found

    def within(self, zone_mm: tuple[float, float], geometry: Geometry) -> Interval:
        """Counts during which some part of it can be in the zone."""
        return Interval(self.lead_at(zone_mm[0], geometry).low, self.trail_at(zone_mm[1], geometry).high)

    def reckoned(self, name: str, reckon: Callable[[Parcel], float]) -> float:
        """A number that follows from where its edges were seen, reckoned once until another edge is seen."""
        found = self._reckoned.get(name)
        if found is None:
            found = self._reckoned[name] = reckon(self)
        return found

    def reckon_anew(self) -> None:
        """The PLC's clock or count jumped: what was reckoned by them is void."""
        self._reckoned.clear()

    def length_mm(self, geometry: Geometry) -> float | None:
        """Length as its first eye measured it, None while that eye is covered."""
        first = self.trails.get(self.origin_eye)
        return None if first is None else (first - self.leads[self.origin_eye]) * geometry.mm_per_count


def _at(anchors: dict[int, int], place_mm: float, geometry: Geometry) -> Interval:
    low, high = float("-inf"), float("inf")
    eyes_mm, mm_per_count, slip = geometry.eyes_mm, geometry.mm_per_count, geometry.slip
    for eye, count in anchors.items():
        travel = (place_mm - eyes_mm[eye]) / mm_per_count
        least, most = travel / (1 + slip), travel / (1 - slip)
        if travel < 0:
            least, most = most, least
        low = max(low, count + least)
        high = min(high, count + most)
    if low > high:  # anchors that contradict each other; tracking has marked the parcel already
        low, high = high, low
    return Interval(low, high).widened(geometry.latch_counts + geometry.tolerance_mm / geometry.mm_per_count)

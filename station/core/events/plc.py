"""What the PLC says: edges, samples, its table of parcels, orders taken, outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag


class Lane(Enum):
    """The two ways out of the station."""

    PASS = "pass"  # noqa: S105
    INSPECT = "inspect"


class Direction(IntEnum):
    """Which way a photo-eye's beam changed."""

    FREED = 0
    BROKEN = 1


@dataclass(frozen=True, slots=True, order=True)
class ParcelKey:
    """A parcel's identity: the PLC's epoch and the number that it gave at the infeed eye."""

    epoch: int
    number: int


class Mode(Enum):
    """How the diverter is worked."""

    AUTOMATIC = "automatic"
    HAND = "hand"
    BYPASS = "bypass"


class Why(IntEnum):
    """Why the PLC sent a parcel where it did, as `docs/plc-interface.md` numbers it."""

    RELEASED = 0
    NO_ORDER = 1
    INSPECT_ORDER = 2
    OTHER_SESSION = 3
    AMBIGUOUS = 4
    LENGTH = 5
    TOO_CLOSE = 6
    STOOD = 7
    NOT_AUTOMATIC = 8
    UNKNOWN_PARCEL = 9
    VOID = 10
    STALE = 11
    NOT_SEEN = 12
    DIVERTER = 13


class StopCause(IntEnum):
    """Why the PLC stopped the belt, as `docs/plc-interface.md` numbers it."""

    NONE = 0
    OPERATOR = 1
    LANE_FULL = 2
    DIVERTER = 3
    UNRELEASED_IN_PASS_LANE = 4
    ENCODER = 5


class Fault(IntFlag):
    """Bits of the PLC's fault word."""

    DIVERTER_NOT_IN_POSITION = 1
    DIVERTER_INPUTS = 2
    UNRELEASED_IN_PASS_LANE = 4
    EYE_BLOCKED = 8
    ENCODER = 16


class Place(Enum):
    """Where a parcel ended: a lane's exit eye saw it, or it was lost, or nobody could see."""

    PASS = "pass"  # noqa: S105
    INSPECT = "inspect"
    LOST = "lost"
    UNOBSERVED = "unobserved"


class AckResult(IntEnum):
    """The PLC's answer to an order."""

    ACCEPTED = 1
    LATE = 2
    UNKNOWN_PARCEL = 3
    OTHER_SESSION = 4
    VOID = 5


@dataclass(frozen=True, slots=True)
class Edge:
    """One change of a photo-eye's beam, latched by the PLC: eye index from 0, count and ms as 32-bit numbers.

    `parcel` is the number that the PLC knows it by, 0 for none; `trigger` the trigger number that this edge fired.
    """

    sequence: int
    eye: int
    direction: Direction
    count: int
    plc_ms: int
    parcel: int = 0
    trigger: int = 0


@dataclass(frozen=True, slots=True)
class PlcSample:
    """The PLC's state at one scan, that lies between two moments of the PC; every edge up to it was delivered before.

    `faults` and `stop_cause` are the words of `docs/plc-interface.md`; `session` is the live one, 0 for none.
    """

    after_ns: int
    before_ns: int
    plc_ms: int
    count: int
    epoch: int
    session: int
    mode: Mode
    belt_running: bool
    stop_cause: int
    faults: int
    diverter: Lane | None
    lane_full: bool
    scan_max_ms: int


@dataclass(frozen=True, slots=True)
class BeltParcel:
    """A row of the PLC's table of parcels on the belt, as it stands when the station connects."""

    number: int
    infeed_count: int
    length_counts: int
    session: int
    last_eye: int
    last_eye_count: int


@dataclass(frozen=True, slots=True)
class Constants:
    """What the PLC's program says of the line; the station compares it with its own configuration."""

    mm_per_count: float
    latch_ms: float
    slip: float
    tolerance_mm: float
    length_tolerance_mm: float
    switch_mm: float
    eyes_mm: tuple[float, ...]
    decision_eye: int
    diverter_mm: float
    longest_mm: float
    stale_ms: int


@dataclass(frozen=True, slots=True)
class PlcConnected:
    """The PLC answers, its map is the right one, and what was on the belt.

    `resumed` is True if no edge was missed since the last connection of this daemon: tracks then go on.
    """

    epoch: int
    session: int
    program_version: int
    count: int
    plc_ms: int
    parcels: tuple[BeltParcel, ...]
    resumed: bool
    constants: Constants


@dataclass(frozen=True, slots=True)
class PlcLost:
    """No valid answer of the PLC within its bound; edges may be missing until it is connected again."""

    detail: str


@dataclass(frozen=True, slots=True)
class OrderAcknowledged:
    """The PLC's echo of an order: its sequence, parcel and lane, and what it made of it."""

    order: int
    number: int
    lane: Lane
    result: AckResult


@dataclass(frozen=True, slots=True)
class OutcomeSeen:
    """What became of a parcel, `number` 0 for one that has none; `why` is the PLC's reason at the decision eye."""

    sequence: int
    number: int
    place: Place
    why: Why
    count: int
    plc_ms: int

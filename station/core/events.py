"""What reaches the core: readings, edges and what the PLC says, each with its hard bounds of when.

All PC times are monotonic nanoseconds (`*_ns`), handed in by the caller. PLC times are milliseconds and counts are
encoder counts, both as the PLC's free-running 32-bit numbers; the core unwraps them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, IntFlag
from typing import Literal, NamedTuple

from station.core.commands import Command
from station.core.handbook import AlarmName
from station.core.setup import PolicySetup


class Lane(Enum):
    """The two ways out of the station."""

    PASS = "pass"  # noqa: S105
    INSPECT = "inspect"


class Direction(IntEnum):
    """Which way a photo-eye's beam changed."""

    FREED = 0
    BROKEN = 1


@dataclass(frozen=True, slots=True)
class Arrived:
    """When something reached the PC: after the port was last seen empty, before it had been read.

    Attributes:
        after_ns: last moment at which the port was seen empty, monotonic ns.
        before_ns: moment at which the first byte (or the file) had been read, monotonic ns.
    """

    after_ns: int
    before_ns: int


@dataclass(frozen=True, slots=True)
class BarcodeReading:
    """One code that a scanner read; `code` is text to the end. Where there is none (NOREAD, a blank code) it is None.

    `symbology` then says why.
    """

    device: str
    code: str | None
    arrived: Arrived
    symbology: str = ""

    def __post_init__(self) -> None:
        if self.code is not None and not self.code.strip():
            object.__setattr__(self, "code", None)
            object.__setattr__(self, "symbology", "blank code")


@dataclass(frozen=True, slots=True)
class WeightReading:
    """One result of a scale in grams; None with a `fault` word where the scale says it has no valid weight."""

    device: str
    weight_g: float | None
    arrived: Arrived
    fault: str = ""

    def __post_init__(self) -> None:
        if self.weight_g is not None:
            object.__setattr__(self, "weight_g", float(self.weight_g))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: its content hash names the file; pixels stay outside the core.

    `trigger` is the source's trigger number where it has one; `fault` says why the picture cannot be used; `kept` is
    False where there is no room for its file.
    """

    device: str
    frame_id: str
    arrived: Arrived
    trigger: int | None = None
    fault: str = ""
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the detector saw in a frame: box is x0, y0, x1, y1 in pixels of the picture as delivered."""

    label: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Detection:
    """The detector's answer for one frame; `fault` says why the answer is none (gate, NaN, crash, too late)."""

    device: str
    frame_id: str
    findings: tuple[Finding, ...]
    model_sha256: str
    inference_ms: float
    fault: str = ""
    kept: bool = True


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's connection came or went. One event per change, never one per attempt."""

    device: str
    connected: bool
    detail: str = ""


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


@dataclass(frozen=True, slots=True)
class HeldCodes:
    """The codes of a commanded hold list, in all spellings, and the list's SHA-256; both empty if there is none."""

    sha256: str = ""
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ListsLoaded:
    """The hold list and the declared weights (grams) as a whole; `version` is the hash of the files.

    `commanded` is the hold list that an earlier run was commanded: held is what either of the two names.
    """

    version: str
    held: frozenset[str]
    declared_g: tuple[tuple[str, float], ...]
    commanded: HeldCodes | None = None


@dataclass(frozen=True, slots=True)
class SessionChosen:
    """A session (and an epoch, where the PLC had none) is on disk and offered to the PLC."""

    session: int
    epoch: int | None


class Watermark(NamedTuple):
    """All that had reached the device's port by `seen_ns` was handed over before this event."""

    device: str
    seen_ns: int


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that the daemon watches (disk, publisher, lists) began or ended; the core keeps all alarms."""

    alarm: AlarmName
    subject: str
    standing: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class PictureRule:
    """Of parcels that pass clean, the pictures of every so many are kept from now on: 1 all, 0 none."""

    every: int


@dataclass(frozen=True, slots=True)
class OpenParcel:
    """A parcel that an earlier run of the daemon saw enter (UTC, ISO-8601) and did not complete."""

    key: ParcelKey
    entered_at: str


@dataclass(frozen=True, slots=True)
class StationMode:
    """What a person has the station do: nothing else is automatic. A dry run outlasts a pause."""

    paused: bool = False
    dry_run: bool = False

    @property
    def word(self) -> str:
        """What holds now, in one word."""
        return "paused" if self.paused else "dry-run" if self.dry_run else "automatic"


Source = Literal["station", "mqtt"]


@dataclass(frozen=True, slots=True)
class StagedModel:
    """An image model that lies ready and has passed its test; `over` is the release of the configured one."""

    release: str
    model_sha256: str
    over: str


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A command out of the inbox, right in its form, and how it came there.

    `standing` is the state of the parcel that it names, as far as the journal knows it, "" if it does not; `held` the
    hold list that it names, `model` the model, and `fault` why that cannot be used.
    """

    command: Command
    source: Source
    standing: str = ""
    held: HeldCodes | None = None
    model: StagedModel | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class CommandMalformed:
    """Something came to the inbox that is no command; id and sign are "" where they cannot be made out."""

    type: str
    source: Source
    text: str
    id: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Starting:
    """The daemon begins; what it runs with, and what the journal knows: open parcels, offsets of trigger numbers.

    The mode is the one in which an earlier run was left; `rules` the policy that it was commanded, if it still counts.
    """

    software: str
    config_sha256: str
    model_sha256: str
    left_open: tuple[OpenParcel, ...] = ()
    trigger_offsets: tuple[tuple[str, int], ...] = ()
    mode: StationMode = field(default_factory=StationMode)
    rules: PolicySetup | None = None


@dataclass(frozen=True, slots=True)
class Stopping:
    """The daemon is about to end in order."""

    cause: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened, but the time that the core asked for has come."""


Event = (
    BarcodeReading
    | WeightReading
    | Frame
    | Detection
    | DeviceState
    | Edge
    | PlcSample
    | PlcConnected
    | PlcLost
    | OrderAcknowledged
    | OutcomeSeen
    | ListsLoaded
    | SessionChosen
    | Watermark
    | Condition
    | CommandReceived
    | CommandMalformed
    | PictureRule
    | Starting
    | Stopping
    | Tick
)

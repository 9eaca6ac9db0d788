"""What reaches the core: readings, edges and what the PLC says, each with its hard bounds of when.

All PC times are monotonic nanoseconds (`*_ns`), handed in by the caller. PLC times are milliseconds and counts are
encoder counts, both as the PLC's free-running 32-bit numbers; the core unwraps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


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
    """One code that a scanner read; `code` is text to the end, None for the scanner's own NOREAD."""

    device: str
    code: str | None
    arrived: Arrived
    symbology: str = ""


@dataclass(frozen=True, slots=True)
class WeightReading:
    """One result of a scale in grams; None with a `fault` word where the scale says it has no valid weight."""

    device: str
    weight_g: float | None
    arrived: Arrived
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: its content hash names the file; pixels stay outside the core.

    `trigger` is the source's trigger number where it has one; `fault` says why the picture cannot be used.
    """

    device: str
    frame_id: str
    arrived: Arrived
    trigger: int | None = None
    fault: str = ""


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


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's connection came or went. One event per change, never one per attempt."""

    device: str
    connected: bool
    detail: str = ""

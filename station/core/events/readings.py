"""What devices read, each with hard bounds of when, and what became of their connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Arrived:
    """When something reached the PC: after the port was last seen empty, before it had been read.

    Attributes:
        after_ns: last moment at which the port was seen empty, monotonic ns.
        before_ns: moment at which the first byte (or the file) had been read, monotonic ns.
    """

    after_ns: int
    before_ns: int


SERIAL = "(21)"
"""What stands between GTIN and serial in the code of a label that has both."""


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


class Watermark(NamedTuple):
    """All that had reached the device's port by `seen_ns` was handed over before this event."""

    device: str
    seen_ns: int

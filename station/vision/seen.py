"""One picture taken the whole way from a file's bytes to findings, beside the truth about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from station.vision.faults import DetectorFault, PictureFault
from station.vision.gate import quality_fault
from station.vision.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from station.core.events import Finding
    from station.vision.detector import Detector

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture as the station saw it, beside the truth.

    Attributes:
        truth: label and box (x0, y0, x1, y1 in pixels) of each thing that is in it.
        findings: over the model's floor.
        fault: why it was not judged; empty if it was.
        inference_ms: what the look took; 0 with a fault.
        group: which machine or set it is from.
    """

    truth: tuple[tuple[str, Box], ...]
    findings: tuple[Finding, ...]
    fault: str = ""
    inference_ms: float = 0.0
    group: str = ""

    @property
    def unanswered(self) -> bool:
        """Whether it could not be looked at at all: it is neither clean nor a threat, and goes to inspection."""
        return bool(self.fault) and self.inference_ms == 0.0 and not self.findings

    def flagged(self, thresholds: Mapping[str, float]) -> set[str]:
        """The classes of which a finding counts; one without a threshold never does."""
        return {item.label for item in self.findings if item.score >= thresholds.get(item.label, math.inf)}

    def best(self, label: str) -> float:
        """The highest score of a class, 0 if nothing of it was found."""
        return max((item.score for item in self.findings if item.label == label), default=0.0)


def see(detector: Detector, data: bytes, truth: Iterable[tuple[str, Box]], group: str = "", depth: int = 8) -> Seen:
    """Take one file the whole way; what the gate refuses is looked at all the same, and says why it was refused."""
    known = tuple(truth)
    try:
        pixels = read_picture(data, depth=depth)
        result = detector.detect(pixels)
    except (PictureFault, DetectorFault) as fault:
        return Seen(known, (), str(fault), group=group)
    return Seen(known, result.findings, quality_fault(pixels, detector.model), result.inference_ms, group)


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (areas[0] + areas[1] - width * height)

"""The detector, scripted from the plant's truth: it misses nothing and sees nothing that is not there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from simulator.plant.trouble import Emission, Trouble
from simulator.storm.clock import NS_PER_MS
from station.core.events import Detection, Finding, Frame

_INFERENCE_MS = (8.0, 30.0)
_QUEUE = 4
_BOX = (10.0, 10.0, 60.0, 60.0)


@dataclass(slots=True)
class ScriptedDetector:
    """One picture, one answer; what the faults make of it."""

    random: Random
    trouble: Trouble
    model: str = "scripted"

    def accept(self, frame: Frame, waiting: int) -> Frame:
        """Take the picture, or say that too many wait."""
        if frame.fault or waiting < _QUEUE:
            return frame
        return replace(frame, frame_id="", fault="the detector is busy")

    def look(self, frame: Frame, emission: Emission, now_ns: int) -> tuple[int, Detection]:
        """When it answers, and what."""
        took_ms = self.random.uniform(*_INFERENCE_MS) + (self.trouble.size("detector-slow") or 0.0)
        due_ns = now_ns + int(took_ms * NS_PER_MS)
        if self.trouble.strikes("detector-crashing"):
            return due_ns, Detection(frame.device, frame.frame_id, (), self.model, took_ms, "the detector failed")
        score = 0.75 + 0.24 * self.random.random()
        labels = emission.hazards
        if self.trouble.strikes("detector-nan"):
            score, labels = float("nan"), labels or ("knife",)
        findings = tuple(Finding(label, score, _BOX) for label in labels)
        return due_ns, Detection(frame.device, frame.frame_id, findings, self.model, took_ms)

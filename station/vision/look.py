"""What the model sees in picture files, for a technician at the command line."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from station.vision.annotate import annotate
from station.vision.detector import Detector
from station.vision.faults import DetectorFault, PictureFault
from station.vision.gate import as_looked_at, measures, quality_fault
from station.vision.load import load_detector
from station.vision.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from station.core.events import Finding


@dataclass(frozen=True, slots=True)
class LookResult:
    """One picture looked at.

    Attributes:
        path: the picture's file.
        fault: why it could not be used at all; then the rest is empty.
        quality: why the gate would send its parcel to inspection whatever was found; empty if it is fine.
        findings: over the model's floor, highest score first.
        counted: those of them that reach their class's threshold.
        measures: what the gate measured, by name.
        inference_ms: what the look took.
        drawn: the picture with boxes, a PNG; None if there was a fault.
    """

    path: Path
    fault: str = ""
    quality: str = ""
    findings: tuple[Finding, ...] = ()
    counted: tuple[Finding, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    inference_ms: float = 0.0
    drawn: Path | None = None

    @property
    def causes(self) -> tuple[str, ...]:
        """Why the parcel in it would go to inspection, as far as this picture goes; empty if it would not."""
        unusable = self.fault or self.quality
        found = tuple(f"{item.label} {item.score:.2f}" for item in self.counted)
        return (f"picture-unusable: {unusable}", *found) if unusable else found


def look(
    paths: Iterable[Path],
    model_folder: Path,
    out_dir: Path | None = None,
    thresholds: Mapping[str, float] | None = None,
    depth: int = 8,
) -> list[LookResult]:
    """Look at picture files as the station would, and draw what was found.

    Args:
        paths: picture files.
        model_folder: the model to look with.
        out_dir: where `NAME.found.png` goes, or `NAME-2.found.png` if two pictures are called alike; beside the
            picture if None.
        thresholds: a site's own, by class; the model's where there is none.
        depth: bits of the pictures' channels, as `read_picture` takes it.

    Returns:
        One result a path, in order; a bad picture is a result with a fault, not an error.

    Raises:
        ModelError: the model cannot be used.
        OSError: `out_dir` cannot be written.
    """
    detector = load_detector(model_folder)
    counts = {**detector.model.thresholds, **(thresholds or {})}
    listed = list(paths)
    taken = set(listed)
    return [_look(detector, path, depth, _free(out_dir or path.parent, path.stem, taken), counts) for path in listed]


def _free(folder: Path, stem: str, taken: set[Path]) -> Path:
    """A file that is no picture of this look, and into which none is drawn yet; it is taken from now on."""
    names = (f"{stem}{f'-{number}' if number > 1 else ''}.found.png" for number in itertools.count(1))
    drawn = next(path for name in names if (path := folder / name) not in taken)
    taken.add(drawn)
    return drawn


def _look(detector: Detector, path: Path, depth: int, drawn: Path, thresholds: Mapping[str, float]) -> LookResult:
    try:
        pixels = read_picture(path.read_bytes(), depth=depth)
        result = detector.detect(pixels)
    except OSError as error:
        return LookResult(path, fault=f"the file cannot be read ({error.strerror})")
    except (PictureFault, DetectorFault) as fault:
        return LookResult(path, fault=str(fault))
    drawn.parent.mkdir(parents=True, exist_ok=True)
    marked = annotate(pixels, result.findings, thresholds)
    _, data = cv2.imencode(".png", np.ascontiguousarray(marked[..., ::-1]))
    drawn.write_bytes(data.tobytes())
    counted = tuple(item for item in result.findings if item.score >= thresholds[item.label])
    quality = quality_fault(pixels, detector.model)
    measured = measures(as_looked_at(pixels, detector.model.spec.input))
    return LookResult(path, "", quality, result.findings, counted, measured, result.inference_ms, drawn)

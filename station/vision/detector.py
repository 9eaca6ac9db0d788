"""The detector: one ONNX session on one thread, asked with pixels, answering with findings or a fault."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from station.core.events import Finding
from station.vision.decoders import Candidates, without_doubles
from station.vision.faults import DetectorFault, PictureFault
from station.vision.picture import read_picture
from station.vision.prepare import Fit, prepare
from station.vision.session import Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from station.vision.folder import ExpectedFinding, ModelFolder

_TOGETHER = 4
"""As many pictures as are looked at at once at most: as many as wait for the eye."""
_SAME_PLACE = 0.5
_SCORE_SLACK = 0.1
"""By how much a golden score may differ: other processors round otherwise, other colours change far more."""


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """What the detector saw in one picture.

    Attributes:
        findings: over the model's floor, highest score first.
        inference_ms: the time from pixels to findings.
    """

    findings: tuple[Finding, ...]
    inference_ms: float


class Detector:
    """A model made ready to look; creating one is slow and holds the interpreter lock, so do it before the line runs.

    Args:
        model: the folder, as `load_model` gave it.
        threads: cores that one look may use. The session never spins while it waits.

    Attributes:
        batches: whether `detect_all` looks at several pictures at once; only `self_test` can show that it may.

    Raises:
        ModelError: the file is no model that this runtime can run, or not the one that its `model.yaml` describes.
    """

    def __init__(self, model: ModelFolder, threads: int = 1) -> None:
        self.model = model
        self._spec = model.spec
        self._labels = model.spec.labels
        self._network = Network(model, threads)
        self.batches = False
        self._blank = np.full((self._spec.input.height, self._spec.input.width, 3), self._spec.input.fill, np.uint8)

    @property
    def proves(self) -> bool:
        """Whether a golden test that passes shows that it still sees: something is expected to be found in it."""
        return bool(self.model.shown)

    def detect(self, pixels: NDArray[np.uint8]) -> DetectionResult:
        """Look at one picture.

        Args:
            pixels: uint8 (H, W, 3), RGB, of any size; it is fitted into the network's input, never cropped.

        Returns:
            The findings over the model's floor, boxes in pixels of this picture.

        Raises:
            DetectorFault: no answer that could be believed.
        """
        began = time.perf_counter()
        prepared, fit = self._prepared(pixels)
        found = self._candidates(self._network.run(prepared))
        findings = self._findings(found, fit, pixels.shape[1], pixels.shape[0])
        return DetectionResult(findings, (time.perf_counter() - began) * 1e3)

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[DetectionResult | DetectorFault]:
        """Look at pictures that came together, at once where the network takes several.

        Args:
            pictures: each as `detect` takes it, of any sizes.

        Returns:
            For each what `detect` gives or raises: one that has no answer takes none from the others.
        """
        if self.batches and 1 < len(pictures) <= _TOGETHER:
            with contextlib.suppress(DetectorFault):
                return [*self._at_once(pictures)]
        results: list[DetectionResult | DetectorFault] = []
        for pixels in pictures:
            try:
                results.append(self.detect(pixels))
            except DetectorFault as fault:
                results.append(fault)
        return results

    def _at_once(self, pictures: Sequence[NDArray[np.uint8]]) -> list[DetectionResult]:
        began = time.perf_counter()
        prepared, fits = zip(*map(self._prepared, pictures), strict=True)
        found = [
            self._findings(self._candidates(outputs), fit, pixels.shape[1], pixels.shape[0])
            for outputs, fit, pixels in zip(self._network.run_all(prepared), fits, pictures, strict=True)
        ]
        took_ms = (time.perf_counter() - began) * 1e3
        return [DetectionResult(findings, took_ms) for findings in found]

    def _prepared(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[Any], Fit]:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
            raise DetectorFault(f"the detector was given {pixels.dtype} {pixels.shape}, not uint8 (H, W, 3)")
        return prepare(pixels, self._spec.input)

    def self_test(self) -> None:
        """Look at nothing, which takes the first run's slowness, and at all golden pictures; then at some at once.

        Raises:
            DetectorFault: as `detect` and `golden_test` do.
        """
        blank = self.detect(self._blank).findings
        for _ in self.golden_test():
            pass
        self.batches = self._network.takes_several and self._same_at_once(blank)

    def _same_at_once(self, blank: Sequence[Finding]) -> bool:
        """Whether at each place among blank ones it finds in a golden picture what it finds in it alone.

        Some networks only claim to take several: with the removal of doubles inside, what is in the second picture may
        be lost. A picture in which nothing is found cannot show that.
        """
        shows = next((golden.file for golden in self._spec.golden if golden.expect), None)
        if shows is None:
            return False
        pair = (read_picture(self.model.golden[shows]), self._blank)
        alone = (self.detect(pair[0]).findings, blank)
        for order in ((0, 1), (1, 0), (1, 1, 0, 0)):
            try:
                together = self._at_once([pair[which] for which in order])
            except DetectorFault:
                return False
            if not all(_alike(seen.findings, alone[which]) for seen, which in zip(together, order, strict=True)):
                return False
        return True

    def golden_test(self) -> Iterator[None]:
        """Look at the golden pictures, one a step: each finding expected is there, at its place and score, no other.

        Raises:
            DetectorFault: says which picture, and what is otherwise.
        """
        for golden in self._spec.golden:
            try:
                findings = self.detect(read_picture(self.model.golden[golden.file])).findings
            except (PictureFault, DetectorFault) as fault:
                raise DetectorFault(f"golden picture {golden.file}: {fault}") from fault
            sure = [item for item in findings if item.score >= self._spec.thresholds[item.label]]
            for wanted in golden.expect:
                match = next((item for item in sure if _same(item, wanted)), None)
                if match is None:
                    raise DetectorFault(
                        f"golden picture {golden.file}: the {wanted.label} in it is not found as before"
                    )
                sure.remove(match)
            if sure:
                raise DetectorFault(f"golden picture {golden.file}: a {sure[0].label} is found that is not there")
            yield

    def _candidates(self, outputs: Sequence[NDArray[Any]]) -> Candidates:
        """What the outputs say, without doubles; of classes that are no hazards nothing."""
        decode, decoder = self._spec.decode, self._network.decoder
        found = decoder.decode(outputs, decode.floor, self._network.canvas)
        if found.labels.size and not 0 <= found.labels.min() <= found.labels.max() < len(self._labels):
            raise DetectorFault(f"the detector named a class that is none of its {len(self._labels)}")
        self._check_room(outputs)
        hazard = np.array([self._labels[label] is not None for label in found.labels], bool)
        found = Candidates(found.boxes[hazard], found.labels[hazard], found.scores[hazard])
        return without_doubles(found, decode.overlap if decoder.doubles else 1.0, decode.most)

    def _check_room(self, outputs: Sequence[NDArray[Any]]) -> None:
        """See that a list has a place left, whatever the others hold: a hazard that found none would not be in it."""
        slots = self._network.decoder.slots
        if slots is None or not self._network.bounded:
            return
        best = slots(outputs)
        if best.size and best.min() >= self._spec.decode.floor:
            raise DetectorFault(f"the detector's list of {best.size} is full: more may have been left out")

    def _findings(self, found: Candidates, fit: Fit, width: int, height: int) -> tuple[Finding, ...]:
        boxes = fit.back(found.boxes, width, height)
        return tuple(
            Finding(str(self._labels[label]), float(score), (float(b[0]), float(b[1]), float(b[2]), float(b[3])))
            for label, score, b in zip(found.labels, found.scores, boxes, strict=True)
        )


def _same(found: Finding, wanted: ExpectedFinding) -> bool:
    if found.label != wanted.label or abs(found.score - wanted.score) > _SCORE_SLACK:
        return False
    low = np.maximum(found.box[:2], wanted.box[:2])
    high = np.minimum(found.box[2:], wanted.box[2:])
    both = float(np.clip(high - low, 0, None).prod())
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (found.box, wanted.box)]
    return both > _SAME_PLACE * (areas[0] + areas[1] - both)


def _alike(some: Sequence[Finding], others: Sequence[Finding]) -> bool:
    """Whether two looks at one picture found the same, but for rounding."""
    return [item.label for item in some] == [item.label for item in others] and all(
        np.allclose((one.score, *one.box), (other.score, *other.box), rtol=1e-2, atol=1e-2)
        for one, other in zip(some, others, strict=True)
    )

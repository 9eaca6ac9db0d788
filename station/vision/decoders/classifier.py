"""Classifiers: a score for each class of the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from station.vision.decoders.candidates import Decoder, only, over_the_floor

if TYPE_CHECKING:
    from station.vision.decoders.candidates import Candidates, Canvas, Outputs, Shapes


def _classes(shapes: Shapes, _canvas: Canvas) -> int | None:
    shape = only(shapes, 2)
    return None if shape is None else shape[1]


def _scored(outputs: Outputs, floor: float, canvas: Canvas) -> Candidates:
    """(1, C): probabilities; the box is the whole picture."""
    return over_the_floor(np.array([[0, 0, canvas.width, canvas.height]], np.float32), outputs[0], floor)


def _logits(outputs: Outputs, floor: float, canvas: Canvas) -> Candidates:
    """(1, C): logits of one choice among the classes."""
    powers = np.exp(outputs[0] - outputs[0].max(axis=1, keepdims=True))
    return _scored([powers / powers.sum(axis=1, keepdims=True)], floor, canvas)


CLASSIFIER = Decoder("classifier that gives probabilities: (1, classes)", _classes, _scored, doubles=False)
CLASSIFIER_LOGITS = Decoder(
    "classifier that gives logits, softmax wanted: (1, classes)", _classes, _logits, doubles=False
)

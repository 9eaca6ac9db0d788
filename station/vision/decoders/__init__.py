"""From a network's raw outputs to candidates, by the name that `model.yaml` gives: a module a kind, one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from station.vision.decoders import classifier, grid, queries
from station.vision.decoders.candidates import Candidates, Canvas, Decoder, without_doubles
from station.vision.decoders.queries import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANY", "DECODERS", "Candidates", "Canvas", "Decoder", "without_doubles"]

DECODERS: Mapping[str, Decoder] = {
    "boxes_then_scores": grid.BOXES_THEN_SCORES,
    "yolov5": grid.YOLOV5,
    "yolov8": grid.YOLOV8,
    "yolox": grid.YOLOX,
    "end_to_end": queries.END_TO_END,
    "detr": queries.DETR,
    "detr_listed": queries.DETR_LISTED,
    "detr_joined": queries.DETR_JOINED,
    "detr_sized": queries.DETR_SIZED,
    "classifier": classifier.CLASSIFIER,
    "classifier_logits": classifier.CLASSIFIER_LOGITS,
}
"""By name: the decoders that there are."""

"""Which family a foreign network is of: by the shapes of its outputs, their values on noise, and their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from station.vision.decoders import DECODERS, Canvas
from station.vision.faults import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

OBJECTNESS = {"yolov5", "yolox"}
"""Families with a column that says how surely there is anything, beside those of the classes."""
_ROUNDED = 1 / 256
_LOGARITHM = 12.0
"""A side's logarithm is never so great; its pixels are."""
_SHARE = 2.0
"""Boxes that are nowhere greater are shares of the input's sides, not pixels."""
_GRIDS = {"yolov5", "yolox", "boxes_then_scores"}
_BOXES_OF: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "yolov8": lambda rows: rows[:4],
    "yolov5": lambda rows: rows[:, :4],
    "boxes_then_scores": lambda rows: rows[:, :4],
}
"""Where the boxes are in the output of families that have them in pixels."""
_LABELS, _SCORES = re.compile("label|class|categor"), re.compile("score|prob|conf")


def family_of(
    outputs: Sequence[NDArray[Any]], canvas: Canvas, wanted: str, file: Path, remarks: list[str]
) -> tuple[str, int]:
    """Tell the family of a network.

    Args:
        outputs: what it gives for one picture of noise.
        canvas: the size of its input.
        wanted: the decoder that a person named; "" for none.
        file: where it came from, for messages.
        remarks: what cannot be told is added to them, one sentence each.

    Returns:
        The decoder that fits, and how many classes there are (`ANY`: the outputs do not tell).

    Raises:
        ModelError: none fits, or the outputs are such that it would be blind.
    """
    shapes = [list(output.shape) for output in outputs]
    fitting = {name: count for name, d in DECODERS.items() if (count := d.classes_in(shapes, canvas)) is not None}
    if wanted:
        if wanted not in fitting:
            raise ModelError(
                f"{file} gives {shapes}: that is not {wanted}; {', '.join(fitting) or 'nothing'} would fit"
            )
        _want_pixels(wanted, outputs, file)
        return wanted, fitting[wanted]
    name = _likeliest(outputs, fitting, file, remarks)
    if not name:
        families = "; ".join(f"{name}: {decoder.exports}" for name, decoder in DECODERS.items())
        raise ModelError(f"{file} gives {shapes}: none of the families that this station decodes ({families})")
    _want_pixels(name, outputs, file)
    return name, fitting[name]


def _want_pixels(name: str, outputs: Sequence[NDArray[Any]], file: Path) -> None:
    """Boxes in shares would all lie in a corner of the picture.

    Raises:
        ModelError: a family whose boxes are in pixels has them in shares.
    """
    if name not in _BOXES_OF:
        return
    boxes = np.abs(_BOXES_OF[name](np.asarray(outputs[0][0], np.float64)))
    if boxes.any() and boxes.max() <= _SHARE:
        raise ModelError(
            f"{file} gives boxes in shares of the input's sides, and {name} has them in pixels: they would all lie "
            "in a corner; export it with boxes in pixels"
        )


def _likeliest(outputs: Sequence[NDArray[Any]], fitting: Mapping[str, int], file: Path, remarks: list[str]) -> str:
    """Of several that fit by shape the one that the values speak for; ours only where nothing else fits."""
    first = np.asarray(outputs[0], np.float64)
    if "classifier" in fitting:
        return _classifier(first, remarks)
    if "end_to_end" in fitting and (name := _list(first[0], fitting, file, remarks)):
        return name
    if "yolox" in fitting and first[0, :, 2:4].max() > _LOGARITHM:
        return "yolov5"  # boxes in pixels: YOLOX or YOLOv6 exported with its decoding
    if "yolox" in fitting:
        remarks.append("decode.decoder: yolox, boxes not decoded; if they are, name yolov5 with --decoder")
    order = ("yolox", "yolov5", "yolov8", "detr_sized", "detr", "detr_joined", "boxes_then_scores")
    return next((name for name in order if name in fitting), "")


def _classifier(scores: NDArray[np.float64], remarks: list[str]) -> str:
    """What may be a probability each is taken for one: a softmax over probabilities would be blind."""
    if scores.min() < -_ROUNDED or scores.max() > 1.0 + _ROUNDED:
        return "classifier_logits"
    if abs(scores.sum() - 1.0) > _ROUNDED * scores.size:
        remarks.append("decode.decoder: classifier, a probability for each class by itself, as the values look")
    return "classifier"


def _list(rows: NDArray[np.float64], fitting: Mapping[str, int], file: Path, remarks: list[str]) -> str:
    """A list of objects in six columns: in pixels or in shares, or two classes beside four of a box."""
    scores_whole, classes_whole = (bool((rows[:, at] == np.rint(rows[:, at])).all()) for at in (4, 5))
    if not classes_whole and scores_whole:
        raise ModelError(f"{file} lists the class ahead of the score: export it with the score first, as others do")
    if not classes_whole:  # a grid of one class has six columns too
        return "" if _GRIDS & fitting.keys() else "detr_joined" if "detr_joined" in fitting else ""
    shares = bool(rows[:, :4].any()) and np.abs(rows[:, :4]).max() <= _SHARE
    name = "detr_listed" if shares else "end_to_end"
    if scores_whole:
        untold = "score was not told from class" + ("" if rows[:, :4].any() else ", nor pixels from shares")
        remarks.append(
            f"decode.decoder: {name}; nothing was found in noise, so {untold}: only a golden picture shows that it "
            "sees: give it one with --golden"
        )
    return name


def sized_order(names: Sequence[str], outputs: Sequence[NDArray[Any]], file: Path) -> list[int]:
    """Where labels, boxes and scores are among three outputs that may be such.

    Args:
        names: what the outputs are called.
        outputs: what it gives for one picture of noise.
        file: where it came from, for messages.

    Returns:
        The three in this order; [] if they come so, or are no such outputs.

    Raises:
        ModelError: which are labels and which are scores cannot be told.
    """
    boxes = [at for at, output in enumerate(outputs) if output.ndim == 3 and output.shape[2] == 4]
    flat = [at for at, output in enumerate(outputs) if output.ndim == 2]
    if len(outputs) != 3 or len(boxes) != 1 or len(flat) != 2 or len({output.shape[1] for output in outputs}) != 1:
        return []
    for speaks in (
        {at: outputs[at].dtype.kind in "iu" for at in flat},
        {at: bool((outputs[at] == np.rint(outputs[at])).all()) for at in flat},
        {at: bool(_LABELS.search(names[at].lower())) for at in flat},
        {at: not _SCORES.search(names[at].lower()) for at in flat},
    ):
        labels, scores = sorted(flat, key=lambda at: not speaks[at])
        if speaks[labels] != speaks[scores] and outputs[scores].dtype.kind == "f":
            order = [labels, boxes[0], scores]
            return [] if order == [0, 1, 2] else order
    raise ModelError(
        f"{file} gives {', '.join(names)}: which of {names[flat[0]]} and {names[flat[1]]} is the class and which the "
        "score cannot be told: export it with whole numbers for classes and others for scores, or call the outputs "
        "labels, boxes and scores"
    )

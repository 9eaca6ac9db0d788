"""Each family's outputs, made by its published formula from boxes that are known, come back as those boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.vision import DetectorFault
from station.vision.decoders import ANY, DECODERS, Canvas, without_doubles

CANVAS = Canvas(width=128, height=64)
CELLS = 16 * 8 + 8 * 4 + 4 * 2
KNOWN = [(1, 0.9, (10.0, 4.0, 50.0, 44.0)), (0, 0.6, (64.0, 8.0, 120.0, 40.0)), (2, 0.3, (2.0, 2.0, 30.0, 62.0))]
"""Class, score and corners of three things in the input."""


def centre(box: tuple[float, ...]) -> list[float]:
    return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]]


def shares(box: tuple[float, ...]) -> list[float]:
    return [value / side for value, side in zip(centre(box), (128, 64, 128, 64), strict=True)]


def one_hot(label: int, score: float) -> list[float]:
    return [score if number == label else 0.01 for number in range(3)]


def table(rows: int, columns: int, filled: dict[int, list[float]]) -> np.ndarray:
    """Zeros but for the rows that are filled, (1, rows, columns)."""
    whole = np.zeros((1, rows, columns), np.float32)
    for at, row in filled.items():
        whole[0, at] = row
    return whole


def ours() -> list[np.ndarray]:
    return [table(50, 7, {7 * at: [*box, *one_hot(label, s)] for at, (label, s, box) in enumerate(KNOWN)})]


def yolov5() -> list[np.ndarray]:
    rows = {100 * at: [*centre(box), 0.95, *one_hot(label, s / 0.95)] for at, (label, s, box) in enumerate(KNOWN)}
    return [table(3 * CELLS, 8, rows)]


def yolov8() -> list[np.ndarray]:
    rows = {40 * at: [*centre(box), *one_hot(label, s)] for at, (label, s, box) in enumerate(KNOWN)}
    return [table(CELLS, 7, rows).transpose(0, 2, 1)]


def yolox() -> list[np.ndarray]:
    """The first in a cell of stride 8 (column 3, row 2), then of stride 16 (column 5, row 1), of stride 32 (0, 1)."""
    cells = [(2 * 16 + 3, 3, 2, 8), (128 + 8 + 5, 5, 1, 16), (128 + 32 + 4, 0, 1, 32)]
    rows = {}
    for (at, column, row, stride), (label, score, box) in zip(cells, KNOWN, strict=True):
        x, y, width, height = centre(box)
        place = [x / stride - column, y / stride - row, np.log(width / stride), np.log(height / stride)]
        rows[at] = [*place, 1.0, *one_hot(label, score)]
    return [table(CELLS, 8, rows)]


def listed(place: object) -> list[np.ndarray]:
    return [table(20, 6, {at: [*place(box), s, label] for at, (label, s, box) in enumerate(KNOWN)})]


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def detr() -> list[np.ndarray]:
    rows = {at: [logit(value) for value in one_hot(label, s)] for at, (label, s, _) in enumerate(KNOWN)}
    logits = np.full((1, 20, 3), -9.0, np.float32)
    for at, row in rows.items():
        logits[0, at] = row
    return [logits, table(20, 4, {at: shares(box) for at, (_, _, box) in enumerate(KNOWN)})]


def joined() -> list[np.ndarray]:
    return [table(20, 7, {at: [*shares(box), *one_hot(label, s)] for at, (label, s, box) in enumerate(KNOWN)})]


def sized() -> list[np.ndarray]:
    whole = listed(list)[0]
    return [whole[..., 5].astype(np.int64), whole[..., :4], whole[..., 4]]


OUTPUTS = {
    "boxes_then_scores": ours(),
    "yolov5": yolov5(),
    "yolov8": yolov8(),
    "yolox": yolox(),
    "end_to_end": listed(list),
    "detr_listed": listed(shares),
    "detr": detr(),
    "detr_joined": joined(),
    "detr_sized": sized(),
}
CLASSIFIERS = {"classifier", "classifier_logits"}


def found(name: str, outputs: list[np.ndarray], floor: float = 0.05) -> list[tuple[int, float, tuple[float, ...]]]:
    decoder = DECODERS[name]
    kept = without_doubles(decoder.decode(outputs, floor, CANVAS), 0.5 if decoder.doubles else 1.0, 100)
    rows = zip(kept.labels, kept.scores, kept.boxes, strict=True)
    return [(int(label), float(score), tuple(map(float, box))) for label, score, box in rows]


def test_each_decoder_is_tried_here() -> None:
    assert set(OUTPUTS) | CLASSIFIERS == set(DECODERS)


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_known_comes_back(name: str) -> None:
    answers = found(name, OUTPUTS[name])
    assert [label for label, _, _ in answers] == [1, 0, 2]
    for (_, score, box), (_, wanted, corners) in zip(answers, KNOWN, strict=True):
        assert score == pytest.approx(wanted, abs=1e-5)
        assert box == pytest.approx(corners, abs=1e-3)


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_number_of_classes_is_told_by_the_shape_or_left_to_the_description(name: str) -> None:
    shapes = [list(output.shape) for output in OUTPUTS[name]]
    assert DECODERS[name].classes_in(shapes, CANVAS) == (
        ANY if name in {"end_to_end", "detr_listed", "detr_sized"} else 3
    )


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize(
    "shapes", [[], [[1, 3]], [[1, 4]], [[2, 50, 7]], [[1, 50, 3]], [[1, 2, 3, 4]], [[1, 7, 50], [1, 50]]]
)
def test_other_shapes_are_no_such_outputs(name: str, shapes: list[list[int | None]]) -> None:
    assert DECODERS[name].classes_in(shapes, CANVAS) is None


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_lies_under_the_floor_is_not_reported(name: str) -> None:
    assert [label for label, _, _ in found(name, OUTPUTS[name], 0.5)] == [1, 0]


@pytest.mark.parametrize("name", sorted(set(OUTPUTS) - {"detr"}))
@pytest.mark.parametrize("score", [1.5, -0.5])
def test_a_score_that_is_none_is_a_fault(name: str, score: float) -> None:
    at = {
        "yolov8": np.s_[0, -1, 5],
        "detr_sized": np.s_[0, 3],
        "end_to_end": np.s_[0, 5, 4],
        "detr_listed": np.s_[0, 5, 4],
    }
    outputs = [output.copy() for output in OUTPUTS[name]]
    outputs[-1][at.get(name, np.s_[0, 5, -1])] = score
    with pytest.raises(DetectorFault, match="outside 0 to 1"):
        found(name, outputs)


def test_objectness_beyond_one_is_not_hidden_by_a_small_class_score() -> None:
    outputs = [OUTPUTS["yolov5"][0].copy()]
    outputs[0][0, 7, 4:] = [2.0, 0.3, 0.0, 0.0]
    with pytest.raises(DetectorFault, match="outside 0 to 1"):
        found("yolov5", outputs)


def test_a_box_that_would_overflow_is_a_fault() -> None:
    outputs = [OUTPUTS["yolox"][0].copy()]
    outputs[0][0, 0, 2] = 200.0
    with pytest.raises(DetectorFault, match="impossible size"):
        found("yolox", outputs)


@pytest.mark.parametrize("name", ["end_to_end", "detr_listed"])
def test_a_class_that_is_no_whole_number_is_a_fault(name: str) -> None:
    outputs = [OUTPUTS[name][0].copy()]
    outputs[0][0, 0, 5] = 1.5
    with pytest.raises(DetectorFault, match="no whole number"):
        found(name, outputs)


def test_where_the_network_has_removed_doubles_none_are_removed_again() -> None:
    """Two of a class on the same place: YOLOv10 means two."""
    twice = table(20, 6, {0: [10, 4, 50, 44, 0.9, 1], 1: [10, 4, 50, 44, 0.8, 1]})
    assert [score for _, score, _ in found("end_to_end", [twice])] == pytest.approx([0.9, 0.8])


def test_a_classifier_finds_in_the_whole_picture() -> None:
    (first, second) = found("classifier", [np.array([[0.7, 0.25, 0.05]], np.float32)], 0.1)
    assert first == (0, pytest.approx(0.7), (0.0, 0.0, 128.0, 64.0))
    assert second[:2] == (1, pytest.approx(0.25))


def test_logits_of_a_classifier_become_shares_of_one() -> None:
    logits = np.log(np.array([[0.7, 0.25, 0.05]], np.float32)) + 3
    assert [(label, pytest.approx(score)) for label, score, _ in found("classifier_logits", [logits], 0.1)] == [
        (0, 0.7),
        (1, 0.25),
    ]


@pytest.mark.parametrize("name", sorted(OUTPUTS))
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1.0, 10.0, 1e4, 1e18, 1e30]), share=st.floats(0, 1))
@settings(max_examples=25)
def test_no_numbers_make_a_decoder_fail_otherwise(name: str, seed: int, size: float, share: float) -> None:
    """Whatever finite numbers a network gives: candidates in 0 to 1 that are not inside out, or a fault."""
    rng = np.random.default_rng(seed)
    outputs = []
    for output in OUTPUTS[name]:
        wild = rng.random(output.shape) < share
        numbers = np.where(wild, rng.standard_normal(output.shape) * size, rng.random(output.shape))
        most = 1e9 if output.dtype.kind == "i" else 1e30
        outputs.append(np.clip(numbers, -most, most).astype(output.dtype))
    try:
        candidates = DECODERS[name].decode(outputs, 0.05, CANVAS)
    except DetectorFault:
        return
    assert ((candidates.scores >= 0) & (candidates.scores <= 1)).all()
    assert (candidates.boxes[:, 2:] >= candidates.boxes[:, :2]).all()


@pytest.mark.parametrize("name", ["end_to_end", "detr_listed", "detr_sized"])
def test_a_list_without_a_row_found_nothing(name: str) -> None:
    assert found(name, [output[:, :0] for output in OUTPUTS[name]]) == []


def test_a_class_given_as_a_number_with_a_fraction_is_none() -> None:
    labels, boxes, scores = OUTPUTS["detr_sized"]
    with pytest.raises(DetectorFault, match="no whole number"):
        found("detr_sized", [labels + 0.7, boxes, scores])


@pytest.mark.parametrize("name", ["yolov5", "yolov8", "yolox", "end_to_end", "detr_sized"])
def test_a_score_one_step_of_an_int8_network_beyond_one_is_one(name: str) -> None:
    outputs = [output.copy() for output in OUTPUTS[name]]
    at = {"yolov8": np.s_[0, 5, 0], "end_to_end": np.s_[0, 0, 4], "detr_sized": np.s_[0, 0]}.get(name, np.s_[0, :, 6])
    scores = outputs[-1][at]
    outputs[-1][at] = np.where(scores > 0.5, 1.0 + 1 / 300, scores)
    assert max(score for _, score, _ in found(name, outputs)) <= 1.0


def test_noise_ends_in_a_fault_at_once() -> None:
    with pytest.raises(DetectorFault, match="candidates: that is noise"):
        found("boxes_then_scores", [np.full((1, 30_000, 5), 0.9, np.float32)])

"""A network is believed only if it takes and gives what its description says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from station.vision import DetectionResult, Detector, DetectorFault, ModelError
from station.vision.folder import ModelFolder, classes_sha256
from station.vision.store import described
from tests.unit.vision.onnx_bytes import echoing, network

BOXES = np.array([[[10, 4, 50, 44, 0.1, 0.9], [0, 0, 0, 0, 0, 0]]], np.float32)
PICTURE = np.full((64, 64, 3), 50, np.uint8)


def tree(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "format": 1, "name": "other", "model_sha256": "0" * 64, "classes": ["Can", "Blade"],
        "words": {"Can": None, "Blade": "knife"}, "thresholds": {"knife": 0.5},
        "input": {
            "name": "pixels", "width": 64, "height": 64, "colour": "rgb", "layout": "nchw",
            "mean": [0.0, 0.0, 0.0], "scale": [1.0, 1.0, 1.0], "fill": 0,
        },
        "decode": {"decoder": "boxes_then_scores", "floor": 0.05, "overlap": 0.5, "most": 5},
    }  # fmt: skip
    for key, value in changes.items():
        whole[key] = {**whole[key], **value} if isinstance(whole.get(key), dict) and key != "words" else value
    whole["classes_sha256"] = classes_sha256(tuple(whole["classes"]))
    return whole


def detector(onnx: bytes, **changes: Any) -> Detector:
    return Detector(described(tree(**changes), onnx, Path("other")))


def found(onnx: bytes, **changes: Any) -> list[tuple[str, float]]:
    findings = detector(onnx, **changes).detect(PICTURE).findings
    return [(item.label, round(item.score, 3)) for item in findings]


def plain(**more: Any) -> bytes:
    return network({"pixels": ((1, 3, 64, 64), np.float32)}, {"boxes": BOXES}, **more)


def test_classes_are_told_in_the_stations_words_and_what_is_no_hazard_is_left_out() -> None:
    assert found(plain()) == [("knife", 0.9)]


@pytest.mark.parametrize(("dtype", "kind"), [("float16", np.float16), ("uint8", np.uint8), ("float32", np.float32)])
@pytest.mark.parametrize(("layout", "shape"), [("nchw", (1, 3, 64, 64)), ("nhwc", (1, 64, 64, 3))])
def test_other_types_and_layouts_run(dtype: str, kind: type[np.generic], layout: str, shape: tuple[int, ...]) -> None:
    onnx = network({"pixels": (shape, kind)}, {"boxes": BOXES})
    assert found(onnx, input={"dtype": dtype, "layout": layout}) == [("knife", 0.9)]


def test_outputs_of_half_precision_are_read() -> None:
    onnx = network({"pixels": ((1, 3, 64, 64), np.float32)}, {"boxes": BOXES.astype(np.float16)})
    assert found(onnx) == [("knife", 0.9)]


def test_an_open_number_of_pictures_is_one() -> None:
    onnx = network(
        {"pixels": (("batch", 3, 64, 64), np.float32)}, {"boxes": BOXES}, shapes={"boxes": ("batch", "cells", 6)}
    )
    assert found(onnx) == [("knife", 0.9)]


FACTORS = np.array([[1, 1, 1, 1, 0.01, 0.01]], np.float32)


def golden(**changes: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """An entry for `golden` of model.yaml, and its picture: the knife in the first of `VIEWS`."""
    data = cv2.imencode(".png", np.ascontiguousarray(VIEWS[0][..., ::-1]))[1].tobytes()
    expect = [{"label": "knife", "box": [10, 4, 50, 44], "score": 0.9}]
    return {"file": "any.png", "sha256": hashlib.sha256(data).hexdigest(), "expect": expect} | changes, {
        "any.png": data
    }


def echo_model(batch: int | str, *, only_first: bool = False, **changes: Any) -> ModelFolder:
    """What a picture's first row holds is what is found in it."""
    entry, pictures = golden()
    onnx = echoing((batch, 3, 64, 64), (batch, 1, 6), FACTORS, only_first=only_first)
    return replace(described(tree(**{"golden": [entry], **changes}), onnx, Path("echo")), golden=pictures)


def echo(batch: int | str, **changes: Any) -> Detector:
    model = Detector(echo_model(batch, **changes))
    model.self_test()
    return model


def holding(*values: int) -> np.ndarray:
    picture = np.random.default_rng(3).integers(60, 255, (64, 64, 3), np.uint8)
    picture[0, : len(values), 0] = values
    return picture


VIEWS = (holding(10, 4, 50, 44, 0, 90), holding(5, 6, 25, 36, 0, 40), holding(0, 0, 9, 9, 0, 0))


@pytest.mark.parametrize("batch", [1, "batch"])
def test_pictures_that_come_together_are_answered_as_each_would_be_alone(batch: int | str) -> None:
    model = echo(batch)
    assert model.batches == (batch == "batch")
    together = model.detect_all(VIEWS)
    answers = [answer.findings for answer in together if isinstance(answer, DetectionResult)]
    assert answers == [model.detect(view).findings for view in VIEWS]
    assert [[finding.box for finding in findings] for findings in answers] == [[(10, 4, 50, 44)], [(5, 6, 25, 36)], []]
    assert model.detect_all([]) == []


@pytest.mark.parametrize("batch", [1, "batch"])
def test_a_picture_without_an_answer_takes_none_from_those_beside_it(batch: int | str) -> None:
    beyond, flat = holding(10, 4, 50, 44, 0, 130), np.zeros((4, 4), np.uint8)
    for bad, said in ((beyond, "outside 0 to 1"), (flat, "not uint8 (H, W, 3)")):
        first, second = echo(batch).detect_all([VIEWS[0], bad])
        assert isinstance(first, DetectionResult)
        assert [finding.box for finding in first.findings] == [(10, 4, 50, 44)]
        assert isinstance(second, DetectorFault)
        assert said in str(second)


def test_a_network_that_only_claims_to_take_several_is_asked_for_one_at_a_time() -> None:
    onnx = network(
        {"pixels": (("batch", 3, 64, 64), np.float32)}, {"boxes": BOXES}, shapes={"boxes": ("batch", "cells", 6)}
    )
    entry, pictures = golden()
    model = Detector(replace(described(tree(golden=[entry]), onnx, Path("other")), golden=pictures))
    model.self_test()
    assert not model.batches
    answers = [answer.findings for answer in model.detect_all(VIEWS) if isinstance(answer, DetectionResult)]
    assert answers == [model.detect(PICTURE).findings] * 3


def test_a_network_that_loses_what_is_in_the_second_picture_is_asked_for_one_at_a_time() -> None:
    model = echo("batch", only_first=True)
    assert not model.batches
    _, second = model.detect_all([VIEWS[2], VIEWS[0]])
    assert isinstance(second, DetectionResult)
    assert [finding.label for finding in second.findings] == ["knife"]


def test_without_a_golden_picture_that_shows_something_pictures_are_looked_at_one_by_one() -> None:
    assert not echo("batch", golden=[]).batches
    blank = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    model = echo_model("batch", golden=[golden(sha256=hashlib.sha256(blank).hexdigest(), expect=[])[0]])
    detector = Detector(replace(model, golden={"any.png": blank}))
    detector.self_test()
    assert not detector.batches


def test_an_open_size_is_refused_with_what_to_do() -> None:
    onnx = network({"pixels": ((1, 3, "height", "width"), np.float32)}, {"boxes": BOXES})
    with pytest.raises(ModelError, match=r"any size .*export it with a fixed size"):
        detector(onnx)


def test_the_size_is_told_to_a_network_that_asks_for_it() -> None:
    labels, boxes, scores = np.array([[1, 0]], np.int64), BOXES[..., :4], np.array([[0.9, 0]], np.float32)
    inputs = {"pixels": ((1, 3, 64, 64), np.float32), "orig_target_sizes": ((1, 2), np.int64)}
    onnx = network(inputs, {"labels": labels, "boxes": boxes, "scores": scores})
    assert found(onnx, decode={"decoder": "detr_sized"}) == [("knife", 0.9)]


def test_an_input_that_the_station_cannot_give_is_refused() -> None:
    inputs = {"pixels": ((1, 3, 64, 64), np.float32), "prompt": ((1, 8), np.int64)}
    with pytest.raises(ModelError, match="wants a second input prompt"):
        detector(network(inputs, {"boxes": BOXES}))


def test_of_several_outputs_those_that_are_named_are_taken() -> None:
    onnx = network({"pixels": ((1, 3, 64, 64), np.float32)}, {"features": np.zeros((1, 8), np.float32), "boxes": BOXES})
    with pytest.raises(ModelError, match="do not fit"):
        detector(onnx)
    assert found(onnx, decode={"outputs": ["boxes"]}) == [("knife", 0.9)]
    with pytest.raises(ModelError, match="no output scores, only features, boxes"):
        detector(onnx, decode={"outputs": ["scores"]})


@pytest.mark.parametrize("label", [-1, 2, 91])
def test_a_class_that_is_none_of_the_models_is_a_fault(label: int) -> None:
    rows = np.array([[[10, 4, 50, 44, 0.9, label]]], np.float32)
    onnx = network({"pixels": ((1, 3, 64, 64), np.float32)}, {"output": rows})
    with pytest.raises(DetectorFault, match="none of its 2"):
        detector(onnx, decode={"decoder": "end_to_end"}).detect(PICTURE)


FULL = {
    "end_to_end": {"rows": np.tile(np.array([10, 4, 50, 44, 0.9, 0], np.float32), (1, 30, 1))},
    "detr_listed": {"rows": np.tile(np.array([0.5, 0.5, 0.2, 0.2, 0.9, 0], np.float32), (1, 30, 1))},
    "detr": {
        "logits": np.tile(np.array([2, -9], np.float32), (1, 30, 1)),
        "boxes": np.full((1, 30, 4), 0.4, np.float32),
    },
    "detr_joined": {"rows": np.tile(np.array([0.5, 0.5, 0.2, 0.2, 0.9, 0], np.float32), (1, 30, 1))},
    "detr_sized": {
        "labels": np.zeros((1, 30), np.int64),
        "boxes": np.tile(np.array([10, 4, 50, 44], np.float32), (1, 30, 1)),
        "scores": np.full((1, 30), 0.9, np.float32),
    },
}
"""All places of a list are taken by Cans, which are no hazard."""
NOTHING: dict[str, list[tuple[str, object, float]]] = {
    "end_to_end": [("rows", np.s_[0, 7, 4], 0.04)],
    "detr_listed": [("rows", np.s_[0, 7, 4], 0.04)],
    "detr": [("logits", np.s_[0, 7], -9)],
    "detr_joined": [("rows", np.s_[0, 7, 4], 0.04)],
    "detr_sized": [("scores", np.s_[0, 7], 0.04)],
}


@pytest.mark.parametrize("family", FULL)
def test_a_full_list_may_have_left_out_a_hazard(family: str) -> None:
    taken = {"pixels": ((1, 3, 64, 64), np.float32)}
    settings = {"decoder": family, "most": 1000}
    full = network(taken, FULL[family])
    with pytest.raises(DetectorFault, match="list of 30 is full: more may have been left out"):
        detector(full, decode=settings).detect(PICTURE)
    roomy = {name: output.copy() for name, output in FULL[family].items()}
    for name, at, score in NOTHING[family]:
        roomy[name][at] = score  # type: ignore[index]
    assert found(network(taken, roomy), decode=settings) == []


def test_a_list_of_an_open_length_is_full_only_where_it_is_filled_up_to_a_length() -> None:
    """What holds as many rows as there are objects leaves none out; what has empty ones on a picture of nothing may."""
    shapes = (1, 3, 64, 64), (1, "objects", 6), np.array([[1, 1, 1, 1, 0.01, 0]] * 3, np.float32)
    grows, filled_up = (
        detector(echoing(*shapes, kept=kept), decode={"decoder": "end_to_end"}) for kept in ("hits", "all")
    )
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:3, :5, 0] = [10, 4, 50, 44, 90]
    assert grows.detect(picture).findings == ()
    with pytest.raises(DetectorFault, match="list of 3 is full"):
        filled_up.detect(picture)
    picture[2, 4, 0] = 1
    assert filled_up.detect(picture).findings == ()


def test_a_word_that_is_none_is_refused() -> None:
    with pytest.raises(ModelError, match="'Blade' is no word of the station"):
        detector(plain(), words={"Can": None})
    with pytest.raises(ModelError, match="nothing would ever be found"):
        detector(plain(), words={"Can": None, "Blade": None})
    with pytest.raises(ModelError, match="there is no class 'Axe'"):
        detector(plain(), words={"Axe": "axe"})


def test_two_classes_may_be_one_hazard() -> None:
    rows = np.array([[[10, 4, 50, 44, 0.8, 0.1], [0, 0, 9, 9, 0.1, 0.9]]], np.float32)
    onnx = network({"pixels": ((1, 3, 64, 64), np.float32)}, {"boxes": rows})
    answers = found(onnx, words={"Can": "knife", "Blade": "knife"}, decode={"floor": 0.2})
    assert answers == [("knife", 0.9), ("knife", 0.8)]


def test_a_number_too_great_for_our_precision_is_a_fault() -> None:
    rows = np.array([[[10, 4, 1e300, 44, 0.1, 0.9]]], np.float64)
    onnx = network({"pixels": ((1, 3, 64, 64), np.float32)}, {"boxes": rows})
    with pytest.raises(DetectorFault, match="not a number"):
        detector(onnx).detect(PICTURE)


def test_metadata_of_any_name_are_no_weights_elsewhere() -> None:
    assert found(plain(metadata={"location": "hall 3"})) == [("knife", 0.9)]


@pytest.mark.parametrize(
    "changes",
    [
        {"input": {"scale": [1e-9, 1.0, 1.0]}},
        {"input": {"scale": [1e30, 1.0, 1.0]}},
        {"gate": {"sides_px": [1000, 10]}},
        {"gate": {"aspect": [5.0, 0.2]}},
        {"gate": {"measures": {"ground": [250.0, 1.0]}}},
    ],
)
def test_a_description_by_which_nothing_is_seen_or_passes_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"would see nothing|lets nothing pass"):
        detector(plain(), **changes)

"""What a file tells of itself becomes its description; what it does not tell is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.vision import Detector, ModelError
from station.vision.propose import Known, Proposal, propose
from station.vision.store import described
from tests.unit.vision.onnx_bytes import network

CELLS = 8 * 8 + 4 * 4 + 2 * 2
NAMES = "{0: 'Pistol', 1: 'Baby Cutter', 2: 'knife'}"


def proposed(tmp_path: Path, outputs: dict[str, np.ndarray], **more: Any) -> Proposal:
    inputs = more.pop("inputs", {"images": ((1, 3, 64, 64), np.float32)})
    known = Known(more.pop("decoder", ""), more.pop("classes", ()), more.pop("words", {}))
    file = tmp_path / "foreign.onnx"
    file.write_bytes(network(inputs, outputs, **more))
    proposal = propose(file, "foreign", known)
    Detector(described(proposal.tree, file.read_bytes(), tmp_path))
    return proposal


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


FAMILIES = {
    "yolov8": {"output0": zeros(1, 7, CELLS)},
    "yolov5": {"output": zeros(1, 3 * CELLS, 8)},
    "yolox": {"output": zeros(1, CELLS, 8)},
    "end_to_end": {"output0": np.concatenate((zeros(1, 30, 4) + 17, zeros(1, 30, 2)), axis=2)},
    "detr_listed": {"output0": zeros(1, 30, 6) + np.array([0.5, 0.5, 0.2, 0.2, 0.3, 1.0], np.float32)},
    "detr_joined": {"output0": zeros(1, 30, 7)},
    "detr": {"logits": zeros(1, 30, 3), "boxes": zeros(1, 30, 4)},
    "classifier": {"output": np.array([[0.2, 0.3, 0.5]], np.float32)},
    "classifier_logits": {"output": np.array([[-2.0, 3.0, 5.0]], np.float32)},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_family_is_told_by_shapes_and_values(tmp_path: Path, family: str) -> None:
    tree = proposed(tmp_path, FAMILIES[family], metadata={"names": NAMES}).tree
    assert tree["decode"]["decoder"] == family
    assert tree["classes"] == ["Pistol", "Baby Cutter", "knife"]
    assert tree["words"] == {"Pistol": "gun", "Baby Cutter": "baby_cutter"}
    assert set(tree["thresholds"]) == {"gun", "baby_cutter", "knife"}


@pytest.mark.parametrize(
    ("family", "colour", "fit", "scale"),
    [("yolov8", "rgb", "centre", 1 / 255), ("yolox", "bgr", "corner", 1.0), ("detr", "rgb", "stretch", 1 / 255)],
)
def test_a_picture_is_prepared_as_the_family_trains(
    tmp_path: Path, family: str, colour: str, fit: str, scale: float
) -> None:
    taken = proposed(tmp_path, FAMILIES[family], metadata={"names": NAMES}).tree["input"]
    assert (taken["colour"], taken["fit"], taken["scale"]) == (colour, fit, [scale] * 3)


def test_what_a_person_knows_goes_before_what_the_file_tells(tmp_path: Path) -> None:
    proposal = proposed(
        tmp_path,
        FAMILIES["yolox"],
        metadata={"names": NAMES},
        decoder="yolov5",
        classes=("a", "b", "c"),
        words={"a": "gun", "b": None},
    )
    assert proposal.tree["decode"]["decoder"] == "yolov5"
    assert proposal.tree["words"] == {"a": "gun", "b": None}
    assert set(proposal.tree["thresholds"]) == {"gun", "c"}


def test_classes_that_nobody_names_are_numbered_and_remarked(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, FAMILIES["yolov8"])
    assert proposal.tree["classes"] == ["class_0", "class_1", "class_2"]
    assert any("--class" in remark for remark in proposal.remarks)


@pytest.mark.parametrize("names", ["{0: 'a'", "[]", "17", "__import__('os')", "{}", "['a', 'b', 'c']"])
def test_metadata_that_name_no_classes_do_no_harm(tmp_path: Path, names: str) -> None:
    classes = proposed(tmp_path, FAMILIES["yolov8"], metadata={"names": names}).tree["classes"]
    assert classes == (["a", "b", "c"] if names.startswith("['a'") else ["class_0", "class_1", "class_2"])


@pytest.mark.parametrize("names", ["{1: 'gun', 2: 'bottle', 3: 'knife'}", "{0: 'gun', 2: 'knife'}", "{'x': 1, 2: 3}"])
def test_names_that_are_not_numbered_from_0_are_refused_unless_a_person_names_the_classes(
    tmp_path: Path, names: str
) -> None:
    with pytest.raises(ModelError, match=r"numbers its classes .*: name all classes with --class"):
        proposed(tmp_path, FAMILIES["yolov8"], metadata={"names": names})
    tree = proposed(tmp_path, FAMILIES["yolov8"], metadata={"names": names}, classes=("a", "b", "c")).tree
    assert tree["classes"] == ["a", "b", "c"]


def sized(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """A deployed RT-DETR that lists three things, its outputs as `changes` and then the others give them."""
    boxes = np.tile(np.array([4, 4, 30, 30], np.float32), (1, 3, 1))
    scores = np.array([[0.3, 0.2, 0.1]], np.float32)
    return {**changes, **{name: v for name, v in {"boxes": boxes, "scores": scores}.items() if name not in changes}}


INPUTS = {"images": ((1, 3, 64, 64), np.float32), "orig_target_sizes": ((1, 2), np.int64)}
NOTHING = np.zeros((1, 3), np.float32)


@pytest.mark.parametrize(
    "outputs",
    [
        {"a": sized()["scores"], **sized(), "b": np.zeros((1, 3), np.int64)},
        {"a": sized()["scores"], **sized(), "b": NOTHING},
        {"scores": NOTHING, **sized(), "labels": NOTHING},
        {"scores": NOTHING, **sized(), "b": NOTHING},
        {"a": NOTHING, **sized(), "class": NOTHING},
    ],
    ids=["by kind", "by values", "by both names", "by the name of the scores", "by the name of the classes"],
)
def test_classes_and_scores_are_told_apart(tmp_path: Path, outputs: dict[str, np.ndarray]) -> None:
    if "a" in outputs:
        del outputs["scores"]
    (scores, boxes, labels) = outputs
    proposal = proposed(tmp_path, outputs, inputs=INPUTS, classes=("gun",))
    assert proposal.tree["decode"]["decoder"] == "detr_sized"
    assert proposal.tree["decode"]["outputs"] == [labels, boxes, scores]
    in_order = {name: outputs[name] for name in (labels, boxes, scores)}
    assert "outputs" not in proposed(tmp_path, in_order, inputs=INPUTS, classes=("gun",)).tree["decode"]


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_classes_and_scores_that_cannot_be_told_apart_are_refused(tmp_path: Path, kind: type[np.generic]) -> None:
    outputs = {"a": NOTHING.astype(kind), "boxes": sized()["boxes"], "b": NOTHING.astype(kind)}
    with pytest.raises(ModelError, match="which of a and b is the class and which the score cannot be told"):
        proposed(tmp_path, outputs, inputs=INPUTS, classes=("gun",))


def test_a_grid_without_a_column_for_objectness_is_not_read_as_if_it_had_one(tmp_path: Path) -> None:
    rows = {"output": zeros(1, CELLS, 7) + 20}
    with pytest.raises(
        ModelError, match=r"no column for the objectness of yolov5.*export it as \(1, 4 \+ classes, cells"
    ):
        proposed(tmp_path, rows, metadata={"names": NAMES})
    told = " ".join(proposed(tmp_path, rows).remarks)
    assert "only names tell that it is not 3 classes without objectness" in told
    assert "objectness" not in " ".join(proposed(tmp_path, rows, classes=("a", "b")).remarks)


@pytest.mark.parametrize("name", ["N/A", "no-object", "No Object", "background", "__background__"])
def test_a_class_for_nothing_beside_logits_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"is called .*softmax"):
        proposed(tmp_path, FAMILIES["detr"], classes=("gun", "knife", name))
    with pytest.raises(ModelError, match=r"2 classes are named for 3 scores.*softmax"):
        proposed(tmp_path, FAMILIES["detr"], classes=("gun", "knife"))
    assert proposed(tmp_path, FAMILIES["yolov8"], classes=("gun", "knife", name)).tree["classes"][2] == name
    assert '"no object"' in " ".join(proposed(tmp_path, FAMILIES["detr"]).remarks)


def test_a_list_with_the_class_ahead_of_the_score_is_refused_or_remarked(tmp_path: Path) -> None:
    """On noise it mostly finds nothing: then only a golden picture can tell."""
    rows = zeros(1, 300, 6)
    proposal = proposed(tmp_path, {"output0": rows}, classes=("gun",))
    assert any("only a golden picture shows that it sees" in remark for remark in proposal.remarks)
    rows[0, 0] = [8, 8, 40, 40, 1, 0.06]
    with pytest.raises(ModelError, match="lists the class ahead of the score: export it with the score first"):
        proposed(tmp_path, {"output0": rows}, classes=("gun", "knife"))


def test_a_number_of_names_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has 3 classes, and 2 are named"):
        proposed(tmp_path, FAMILIES["yolov8"], classes=("a", "b"))
    with pytest.raises(ModelError, match="name them with --class"):
        proposed(tmp_path, FAMILIES["end_to_end"])


def test_an_output_of_no_family_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none of the families that this station decodes.*YOLOX"):
        proposed(tmp_path, {"masks": zeros(1, 2, 3, 4, 5)})
    with pytest.raises(ModelError, match="that is not yolov8; detr would fit"):
        proposed(tmp_path, FAMILIES["detr"], decoder="yolov8")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"text": ((1, 77), np.int64)}, "not one picture"),
        ({"images": ((1, 1, 64, 64), np.float32)}, "one picture of three colours"),
        ({"images": ((8, 3, 64, 64), np.float32)}, "one picture of three colours"),
        ({"images": ((1, 3, "h", "w"), np.float32)}, "fixed size"),
        ({"images": ((1, 3, 64, 64), np.int64)}, "float32, float16 or uint8"),
    ],
)
def test_what_takes_no_single_picture_is_refused(tmp_path: Path, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        proposed(tmp_path, FAMILIES["yolov8"], inputs=inputs)


def test_pixels_as_they_are_need_no_scale(tmp_path: Path) -> None:
    taken = proposed(tmp_path, FAMILIES["yolov8"], inputs={"images": ((1, 64, 64, 3), np.uint8)}).tree["input"]
    assert (taken["dtype"], taken["layout"], taken["scale"]) == ("uint8", "nhwc", [1.0] * 3)


@pytest.mark.parametrize("scores", [[0.9, 0.8, 0.1], [0.25, 0.5, 0.234375], [1.0, 0.0, 0.0]])
def test_what_may_be_probabilities_is_never_taken_for_logits(tmp_path: Path, scores: list[float]) -> None:
    """A softmax over them would leave nothing over any threshold."""
    tree = proposed(tmp_path, {"output": np.array([scores], np.float32)}, metadata={"names": NAMES}).tree
    assert tree["decode"]["decoder"] == "classifier"


def test_a_list_that_holds_nothing_is_taken_for_pixels_and_remarked(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, {"output0": zeros(1, 300, 6)}, metadata={"names": NAMES})
    assert proposal.tree["decode"]["decoder"] == "end_to_end"
    assert any("nothing was found in noise" in remark for remark in proposal.remarks)


def test_a_grid_whose_boxes_are_pixels_is_decoded_already(tmp_path: Path) -> None:
    rows = zeros(1, CELLS, 8)
    rows[..., 2] = 20.0
    assert proposed(tmp_path, {"output": rows}, metadata={"names": NAMES}).tree["decode"]["decoder"] == "yolov5"


@pytest.mark.parametrize(
    ("words", "said"),
    [({"Pistl": "gun"}, "no such class, only Pistol"), ({"Pistol": "Gun"}, "a word of the station is a to z")],
)
def test_a_word_that_is_mistyped_is_refused(tmp_path: Path, words: dict[str, str], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        proposed(tmp_path, FAMILIES["yolov8"], metadata={"names": NAMES}, words=words)


def test_a_name_without_a_letter_gets_a_word_that_no_other_has(tmp_path: Path) -> None:
    tree = proposed(tmp_path, FAMILIES["yolov8"], classes=("class_1", "??", "knife")).tree
    assert tree["words"] == {"??": "unnamed_1"}


def test_a_picture_of_no_sensible_size_is_refused_before_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="sides from 32 to 4096"):
        proposed(tmp_path, FAMILIES["yolov8"], inputs={"images": ((1, 3, 60_000, 60_000), np.float32)})


ONE_CLASS = {
    "yolov5": np.full((1, 3 * CELLS, 6), (30.0, 30.0, 9.0, 9.0, 0.4, 0.6), np.float32),
    "yolox": np.full((1, CELLS, 6), (0.2, 0.3, 1.1, 1.2, 0.4, 0.6), np.float32),
}


@pytest.mark.parametrize("family", ONE_CLASS)
def test_a_grid_of_one_class_is_no_list_of_objects(tmp_path: Path, family: str) -> None:
    """Both have six columns; a list has whole numbers in the last."""
    tree = proposed(tmp_path, {"output": ONE_CLASS[family]}, metadata={"names": "{0: 'gun'}"}).tree
    assert (tree["decode"]["decoder"], tree["classes"]) == (family, ["gun"])


@pytest.mark.parametrize(
    ("decoder", "output"),
    [
        ("", np.full((1, 7, CELLS), 0.4, np.float32)),
        ("yolov5", np.full((1, 3 * CELLS, 8), 0.4, np.float32)),
        ("boxes_then_scores", np.full((1, CELLS, 7), 0.4, np.float32)),
    ],
)
def test_boxes_in_shares_are_not_read_as_pixels(tmp_path: Path, decoder: str, output: np.ndarray) -> None:
    """All would lie in the corner of the picture, and an inspector would look there."""
    with pytest.raises(ModelError, match="in a corner; export it with boxes in pixels"):
        proposed(tmp_path, {"output": output}, metadata={"names": NAMES}, decoder=decoder)


def test_of_a_model_that_takes_bytes_colour_and_fit_are_remarked_as_well(tmp_path: Path) -> None:
    proposal = proposed(
        tmp_path,
        FAMILIES["yolov8"],
        inputs={"images": ((1, 3, 64, 64), np.uint8)},
        metadata={"names": NAMES},
    )
    assert any("rgb, centre, values as they are" in remark for remark in proposal.remarks)

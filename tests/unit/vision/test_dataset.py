"""A site's own labelled pictures, in COCO's format and in YOLO's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from station.vision.dataset import DatasetError, read_dataset

GUN, KNIFE = ("gun", (10.0, 20.0, 50.0, 40.0)), ("knife", (0.0, 0.0, 32.0, 24.0))


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8))
    return path


def coco(folder: Path, **changes: Any) -> Path:
    tree = {
        "info": {"annotated": ["gun"]},
        "categories": [{"id": 3, "name": "gun"}, {"id": 7, "name": "knife"}],
        "images": [{"id": 1, "file_name": "a.png", "group": "old"}, {"id": 2, "file_name": "b.png"}],
        "annotations": [
            {"image_id": 1, "category_id": 3, "bbox": [10, 20, 40, 20]},
            {"image_id": 1, "category_id": 7, "bbox": [0, 0, 32, 24]},
        ],
    } | changes
    for name in ("a.png", "b.png"):
        picture(folder / "images" / name)
    (folder / "labels.json").write_text(json.dumps(tree), "utf-8")
    return folder


def yolo(
    folder: Path, names: Any = ("gun", "knife"), text: str = "0 0.46875 0.625 0.625 0.4166667\n1 .25 .25 .5 .5\n"
) -> Path:
    picture(folder / "images" / "old" / "a.png")
    picture(folder / "images" / "b.png")
    (folder / "labels" / "old").mkdir(parents=True)
    (folder / "labels" / "old" / "a.txt").write_text(text, "utf-8")
    (folder / "data.yaml").write_text(yaml.safe_dump({"names": names}), "utf-8")
    return folder


def test_coco_tells_classes_boxes_and_machines(tmp_path: Path) -> None:
    known = read_dataset(coco(tmp_path))
    assert [(item.path.name, item.truth, item.group) for item in known.samples] == [
        ("a.png", (GUN, KNIFE), "old"),
        ("b.png", (), ""),
    ]
    assert known.labelled == ("gun",)


def test_coco_without_a_word_on_it_labels_all_its_classes(tmp_path: Path) -> None:
    assert read_dataset(coco(tmp_path, info={})).labelled == ("gun", "knife")


@pytest.mark.parametrize("names", [["gun", "knife"], {0: "gun", 1: "knife"}])
def test_yolo_tells_the_same(tmp_path: Path, names: Any) -> None:
    first, second = sorted(read_dataset(yolo(tmp_path, names)).samples, key=lambda item: item.path.name)
    assert [label for label, _ in first.truth] == ["gun", "knife"]
    assert first.truth[0][1] == pytest.approx(GUN[1], abs=1e-3)
    assert first.truth[1] == KNIFE
    assert (first.group, second.truth, second.group) == ("old", (), "")


def test_classes_are_told_by_other_words_and_some_not_at_all(tmp_path: Path) -> None:
    known = read_dataset(coco(tmp_path, info={})).in_words({"gun": "weapon", "knife": None})
    assert known.labelled == ("weapon",)
    assert known.samples[0].truth == (("weapon", GUN[1]),)


def test_a_folder_that_is_neither_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a COCO folder holds labels\.json"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"categories": None},
        {"annotations": [{"image_id": 9, "category_id": 3, "bbox": [0, 0, 1, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 8, "bbox": [0, 0, 1, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": [0, 0, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": "all of it"}]},
        {"images": [{"id": 1}]},
        {"info": []},
    ],
)
def test_coco_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match=str(tmp_path)):
        read_dataset(coco(tmp_path, **changes))


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    (coco(tmp_path) / "images" / "b.png").unlink()
    with pytest.raises(DatasetError, match=r"b\.png is named in labels\.json and is not there"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("text", ["2 .5 .5 .5 .5", "0 .5 .5", "gun .5 .5 .5 .5", "0 a b c d"])
def test_a_line_that_is_no_label_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError, match=r"a\.txt line 1: not `class x y width height`"):
        read_dataset(yolo(tmp_path, text=text))


@given(text=st.text(max_size=60))
def test_no_text_is_worse_than_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("set")
    (folder / "labels.json").write_text(text, "utf-8", newline="")
    with pytest.raises(DatasetError):
        read_dataset(folder)
    (folder / "labels.json").unlink()
    (folder / "data.yaml").write_text(text, "utf-8", newline="")
    with pytest.raises(DatasetError):
        read_dataset(folder)

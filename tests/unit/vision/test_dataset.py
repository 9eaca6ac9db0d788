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

from station.vision.dataset import read_dataset
from station.vision.samples import DatasetError

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
        {"info": {"annotated": "gun"}},
        {"info": {"annotated": {"gun": True}}},
        {"images": [], "annotations": []},
        {"images": [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": [0, 0, 1, float("inf")]}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": [float("nan"), 0, 1, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": [10**400, 0, 1, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": [5, 5, 0, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 3, "bbox": [5, 5, 1, -1]}]},
    ],
)
def test_coco_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match=str(tmp_path)):
        read_dataset(coco(tmp_path, **changes))


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    (coco(tmp_path) / "images" / "b.png").unlink()
    with pytest.raises(DatasetError, match=r"b\.png is named in labels\.json and is not there"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "2 .5 .5 .5 .5",
        "0 .5 .5",
        "gun .5 .5 .5 .5",
        "0 a b c d",
        "0 .5 .5 .5",
        "0 nan .5 .5 .5",
        "0 .5 .5 inf .5",
        "0 .5 .5 0 .5",
        "0 .5 .5 .5 -.5",
        "0 32 24 40 20",
        "0 .9 .5 .5 .5",
        "0 .5 -.1 .2 .2",
    ],
)
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


def test_blank_lines_and_a_confidence_change_nothing(tmp_path: Path) -> None:
    known = read_dataset(yolo(tmp_path, text="\n1 .25 .25 .5 .5 0.9\n  \n1 .25 .25 .5 .5\n"))
    assert sorted(item.truth for item in known.samples) == [(), (KNIFE, KNIFE)]


@pytest.mark.parametrize("corners", [3, 4, 9])
def test_an_outline_is_no_box(tmp_path: Path, corners: int) -> None:
    with pytest.raises(DatasetError, match=r"a\.txt line 1: an outline, not a box: export the set for detection"):
        read_dataset(yolo(tmp_path, text="0" + " .1 .2" * corners))


def test_a_picture_with_a_heap_labelled_as_one_is_neither_clean_nor_judged(tmp_path: Path) -> None:
    """As a clean one it would raise the thresholds above what lies in the heap."""
    crowd = {"image_id": 1, "category_id": 3, "bbox": [0, 0, 0, 0], "iscrowd": 1}
    thing = {"image_id": 1, "category_id": 3, "bbox": [10, 20, 40, 20], "iscrowd": 0}
    for listed in ([crowd], [crowd, thing]):
        known = read_dataset(coco(tmp_path, annotations=listed))
        assert ([item.path.name for item in known.samples], known.heaps) == (["b.png"], 1)
    with pytest.raises(DatasetError, match="in every picture a heap is labelled as one"):
        read_dataset(coco(tmp_path, annotations=[crowd, crowd | {"image_id": 2}]))


@pytest.mark.parametrize("name", ["x.txt", "train/a.txt", "old/a.png.txt", "old/a.TXT", "old/ä.txt"])
def test_a_label_of_no_picture_is_named(tmp_path: Path, name: str) -> None:
    """Its picture would count as clean."""
    text = yolo(tmp_path) / "labels" / name
    text.parent.mkdir(exist_ok=True)
    (tmp_path / "labels" / "old" / "a.txt").rename(text)
    with pytest.raises(DatasetError, match=rf"{name} belongs to no PNG or JPEG"):
        read_dataset(tmp_path)


def test_a_set_without_any_label_is_no_set_of_clean_pictures(tmp_path: Path) -> None:
    text = yolo(tmp_path) / "labels" / "old" / "a.txt"
    text.rename(tmp_path / "labels" / "classes.txt")
    with pytest.raises(DatasetError, match=r"put an empty a\.txt|put an empty b\.txt"):
        read_dataset(tmp_path)
    text.touch()
    assert [item.truth for item in read_dataset(tmp_path).samples] == [(), ()]


def test_two_classes_of_one_number_are_refused(tmp_path: Path) -> None:
    """The last name would win: a gun was a bottle."""
    categories = [{"id": 3, "name": "gun"}, {"id": 3, "name": "bottle"}]
    with pytest.raises(DatasetError, match="two categories have the same id"):
        read_dataset(coco(tmp_path, categories=categories, annotations=[]))


@pytest.mark.parametrize("bbox", [[5000, 5000, 40, 20], [-40, 0, 30, 20], [10, 20, 40, 60], [0.2, 0.3, 0.5, 0.4]])
def test_a_coco_box_that_cannot_be_in_the_picture_is_named(tmp_path: Path, bbox: list[float]) -> None:
    with pytest.raises(DatasetError, match=r"labels\.json: (a gun of a\.png lies beyond its 64 x 48|the bbox of)"):
        read_dataset(coco(tmp_path, annotations=[{"image_id": 1, "category_id": 3, "bbox": bbox}]))


def test_a_box_drawn_a_little_too_far_counts(tmp_path: Path) -> None:
    known = read_dataset(coco(tmp_path, annotations=[{"image_id": 1, "category_id": 3, "bbox": [-1, 0, 66, 49]}]))
    assert known.samples[0].truth == (("gun", (-1.0, 0.0, 65.0, 49.0)),)


@pytest.mark.parametrize("size", [{"width": 48, "height": 64}, {"width": 128, "height": 96}, {"width": "64"}])
def test_labels_of_a_picture_turned_or_made_smaller_are_refused(tmp_path: Path, size: dict[str, Any]) -> None:
    images = [{"id": 1, "file_name": "a.png"} | size, {"id": 2, "file_name": "b.png"}]
    with pytest.raises(DatasetError, match=r"a\.png is 64 x 48 pixels, and"):
        read_dataset(coco(tmp_path, images=images))
    whole = {"id": 1, "file_name": "a.png", "width": 64, "height": 48}
    assert read_dataset(coco(tmp_path, images=[whole, images[1]])).samples[0].truth == (GUN, KNIFE)


def test_classes_that_are_a_word_are_no_list(tmp_path: Path) -> None:
    """Each letter was a class."""
    with pytest.raises(DatasetError, match=r"data\.yaml: names is 'gun': make it a list"):
        read_dataset(yolo(tmp_path, names="gun"))


def test_what_is_no_picture_under_images_is_passed_by_or_named(tmp_path: Path) -> None:
    (yolo(tmp_path) / "images" / "thumbs.png").mkdir()
    assert len(read_dataset(tmp_path).samples) == 2
    (tmp_path / "images" / "c.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(DatasetError, match=r"c\.png is a link to a file that is not there"):
        read_dataset(tmp_path)
    (coco(tmp_path / "coco") / "images" / "b.png").unlink()
    (tmp_path / "coco" / "images" / "b.png").mkdir()
    with pytest.raises(DatasetError, match=r"b\.png is named in labels\.json and is not there"):
        read_dataset(tmp_path / "coco")


@pytest.mark.parametrize("name", ["labels.json", "data.yaml"])
def test_labels_nested_without_end_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / name).write_text("[" * 100_000, "utf-8")
    with pytest.raises(DatasetError, match="nested too deeply"):
        read_dataset(tmp_path)


def test_a_set_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "data.yaml").write_text("names: [gun]", "utf-8")
    with pytest.raises(DatasetError, match="holds no pictures"):
        read_dataset(tmp_path)


def test_of_a_set_in_parts_one_is_to_be_named(tmp_path: Path) -> None:
    """As Roboflow lays it out: train/images beside train/labels, data.yaml above."""
    yolo(tmp_path / "train")
    (tmp_path / "train" / "data.yaml").rename(tmp_path / "data.yaml")
    (tmp_path / "valid" / "images").mkdir(parents=True)
    with pytest.raises(DatasetError, match=f"name one of them, {tmp_path}/train or {tmp_path}/valid"):
        read_dataset(tmp_path)
    assert [len(item.truth) for item in read_dataset(tmp_path / "train").samples] == [0, 2]

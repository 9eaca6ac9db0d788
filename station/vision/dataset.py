"""Labelled pictures of a site's own: a folder in COCO's format or in YOLO's."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from station.vision.faults import PictureFault
from station.vision.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from station.vision.seen import Box

_KINDS = {".png", ".jpg", ".jpeg"}
_HELP = "a COCO folder holds labels.json beside images/, a YOLO folder data.yaml, images/ and labels/"


class DatasetError(Exception):
    """A folder that is no set of labelled pictures, or a label in it that means nothing: which, and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture: its file, label and box of each thing in it, and the machine or set that it is from."""

    path: Path
    truth: tuple[tuple[str, Box], ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled pictures.

    Attributes:
        samples: the pictures.
        labelled: the classes that are labelled wherever they are: only these can be judged.
    """

    samples: tuple[Sample, ...]
    labelled: tuple[str, ...]

    def in_words(self, words: Mapping[str, str | None]) -> Dataset:
        """The same with its classes called by other words; those without one are left out."""

        def word(label: str) -> str | None:
            return words.get(label, label)

        samples = tuple(
            replace(item, truth=tuple((named, box) for label, box in item.truth if (named := word(label)) is not None))
            for item in self.samples
        )
        return Dataset(samples, tuple(dict.fromkeys(named for label in self.labelled if (named := word(label)))))


def read_dataset(folder: Path) -> Dataset:
    """Read the labels of a folder; of the pictures themselves no more than their size.

    Args:
        folder: COCO: `labels.json` beside `images/`, with `info.annotated` naming the classes labelled throughout, if
            not all are. YOLO: `data.yaml` with `names`, and for each of `images/**` a text under `labels/**`, which
            may be missing where there is nothing in the picture.

    Raises:
        DatasetError: it is neither, or a label makes no sense.
    """
    try:
        if (folder / "labels.json").is_file():
            return _coco(folder)
        if (folder / "data.yaml").is_file():
            return _yolo(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        detail = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DatasetError(f"{folder} cannot be read as labelled pictures ({detail}): {_HELP}") from error
    raise DatasetError(f"{folder} holds no labelled pictures: {_HELP}")


def _coco(folder: Path) -> Dataset:
    tree = json.loads((folder / "labels.json").read_text("utf-8"))
    names = {item["id"]: str(item["name"]) for item in tree["categories"]}
    truth: dict[Any, list[tuple[str, Box]]] = {item["id"]: [] for item in tree["images"]}
    for item in tree["annotations"]:
        x, y, width, height = (float(value) for value in item["bbox"])
        truth[item["image_id"]].append((names[item["category_id"]], (x, y, x + width, y + height)))
    samples = tuple(
        Sample(folder / "images" / item["file_name"], tuple(truth[item["id"]]), str(item.get("group", "")))
        for item in tree["images"]
    )
    labelled = tree.get("info", {}).get("annotated", names.values())
    return Dataset(_there(samples), tuple(str(name) for name in labelled))


def _yolo(folder: Path) -> Dataset:
    listed = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))["names"]
    names = {int(key): str(name) for key, name in (listed.items() if isinstance(listed, dict) else enumerate(listed))}
    pictures = sorted(path for path in (folder / "images").rglob("*") if path.suffix.lower() in _KINDS)
    return Dataset(tuple(_yolo_sample(folder, path, names) for path in pictures), tuple(names.values()))


def _yolo_sample(folder: Path, path: Path, names: Mapping[int, str]) -> Sample:
    below = path.relative_to(folder / "images")
    text = folder / "labels" / below.with_suffix(".txt")
    group = below.parts[0] if len(below.parts) > 1 else ""
    if not text.is_file():
        return Sample(path, (), group)
    width, height = _size(path)
    truth = []
    for number, line in enumerate(text.read_text("utf-8").splitlines(), 1):
        try:
            label, *shares = line.split()[:5]
            x, y, wide, high = (float(share) for share in shares)
            box = ((x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height)
            truth.append((names[int(label)], box))
        except (ValueError, KeyError) as error:
            raise DatasetError(f"{text} line {number}: not `class x y width height` of a class in data.yaml") from error
    return Sample(path, tuple(truth), group)


def _size(path: Path) -> tuple[int, int]:
    """Width and height; 1 and 1 of a picture that cannot be read: it will be refused, with what is in it."""
    try:
        height, width = read_picture(path.read_bytes()).shape[:2]
    except PictureFault:
        return 1, 1
    return width, height


def _there(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    listed = tuple(samples)
    for item in listed:
        if not item.path.is_file():
            raise DatasetError(f"{item.path} is named in labels.json and is not there: copy the pictures again")
    return listed

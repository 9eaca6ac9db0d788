"""Labelled pictures of a site's own: a folder in COCO's format or in YOLO's."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from station.vision.faults import PictureFault
from station.vision.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from station.vision.seen import Box

_KINDS = {".png", ".jpg", ".jpeg"}
_HELP = "a COCO folder holds labels.json beside images/, a YOLO folder data.yaml, images/ and labels/"


_OUTLINE = 7
"""From so many fields on a line of YOLO's is a class and the corners of an outline: three, or four, or more."""


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
            not all are; annotations with `iscrowd`, which stand for a heap and not for a thing, are left out. YOLO:
            `data.yaml` with `names`, here or in the folder above, and for each of `images/**` a text under
            `labels/**`, which may be missing where there is nothing in the picture.

    Raises:
        DatasetError: it is neither, a label makes no sense, or there is no picture.
    """
    try:
        known = _read(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, yaml.YAMLError) as error:
        detail = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        raise DatasetError(f"{folder} cannot be read as labelled pictures ({detail}): {_HELP}") from error
    except RecursionError as error:
        raise DatasetError(f"{folder} cannot be read: its labels are nested too deeply; export them anew") from error
    if not known.samples:
        raise DatasetError(f"{folder} holds no pictures: {_HELP}")
    return known


def _read(folder: Path) -> Dataset:
    if (folder / "labels.json").is_file():
        return _coco(folder)
    if (folder / "images").is_dir():
        above = folder.resolve().parent
        for where in (folder, above) if (folder / "labels").is_dir() else (folder,):
            if (where / "data.yaml").is_file():
                return _yolo(folder, where / "data.yaml")
    elif parts := sorted(path.parent for path in folder.glob("*/images") if path.is_dir()):
        raise DatasetError(f"{folder} is a set in parts: name one of them, {' or '.join(map(str, parts))}")
    raise DatasetError(f"{folder} holds no labelled pictures: {_HELP}")


def _coco(folder: Path) -> Dataset:
    tree = json.loads((folder / "labels.json").read_text("utf-8"))
    names = {item["id"]: str(item["name"]) for item in tree["categories"]}
    truth: dict[Any, list[tuple[str, Box]]] = {item["id"]: [] for item in tree["images"]}
    if len(truth) != len(tree["images"]):
        raise DatasetError(f"{folder / 'labels.json'}: two images have the same id: export the labels anew")
    for number, item in enumerate(tree["annotations"], 1):
        if item.get("iscrowd"):
            continue
        x, y, width, height = (float(value) for value in item["bbox"])
        if not _is_box(x, y, width, height):
            raise DatasetError(
                f"{folder / 'labels.json'}: the bbox of annotation {number} is {item['bbox']}, not x, y, width and "
                "height in pixels, both over 0: correct it"
            )
        truth[item["image_id"]].append((names[item["category_id"]], (x, y, x + width, y + height)))
    samples = tuple(
        Sample(folder / "images" / item["file_name"], tuple(truth[item["id"]]), str(item.get("group", "")))
        for item in tree["images"]
    )
    labelled = tree.get("info", {}).get("annotated", list(names.values()))
    if not isinstance(labelled, list):
        raise DatasetError(f"{folder / 'labels.json'}: info.annotated is {labelled!r}: make it a list of classes")
    return Dataset(_there(samples), tuple(str(name) for name in labelled))


def _is_box(x: float, y: float, width: float, height: float) -> bool:
    return all(map(math.isfinite, (x, y, width, height))) and width > 0 and height > 0


def _yolo(folder: Path, description: Path) -> Dataset:
    listed = yaml.safe_load(description.read_text("utf-8"))["names"]
    names = {int(key): str(name) for key, name in (listed.items() if isinstance(listed, dict) else enumerate(listed))}
    found = (path for path in (folder / "images").rglob("*") if path.suffix.lower() in _KINDS and not path.is_dir())
    return Dataset(tuple(_yolo_sample(folder, path, names) for path in sorted(found)), tuple(names.values()))


def _yolo_sample(folder: Path, path: Path, names: Mapping[int, str]) -> Sample:
    if not path.is_file():
        raise DatasetError(f"{path} is a link to a file that is not there: copy the pictures again")
    below = path.relative_to(folder / "images")
    text = folder / "labels" / below.with_suffix(".txt")
    group = below.parts[0] if len(below.parts) > 1 else ""
    if not text.is_file():
        return Sample(path, (), group)
    width, height = _size(path)
    truth = []
    for number, line in enumerate(text.read_text("utf-8").splitlines(), 1):
        if not (fields := line.split()):
            continue
        if len(fields) >= _OUTLINE:
            raise DatasetError(f"{text} line {number}: an outline, not a box: export the set for detection, as boxes")
        try:
            truth.append(_yolo_box(fields, names, width, height))
        except (ValueError, KeyError) as error:
            raise DatasetError(f"{text} line {number}: not `class x y width height` of a class in data.yaml") from error
    return Sample(path, tuple(truth), group)


def _yolo_box(fields: Sequence[str], names: Mapping[int, str], width: int, height: int) -> tuple[str, Box]:
    """The label and the box in pixels; a sixth field is a confidence, which says nothing of the truth."""
    label, *shares = fields[:6]
    x, y, wide, high = (float(share) for share in shares[:4])
    if not _is_box(x, y, wide, high):
        raise ValueError(shares)
    box = ((x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height)
    return names[int(label)], box


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

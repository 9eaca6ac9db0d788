"""Labels in the format of YOLO: for each of `images/**` a text under `labels/**`, and `data.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from station.vision.samples import PICTURES, Dataset, DatasetError, Sample, is_box, lies_in, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from station.vision.seen import Box

DESCRIPTION = "data.yaml"
_OUTLINE = 7
"""From so many fields on a line is a class and the corners of an outline: three, or four, or more."""
_LIST_OF_CLASSES = "classes.txt"
"""Programs for labelling put it among the labels."""


def read_yolo(folder: Path, description: Path, depth: int) -> Dataset:
    """Read a folder of YOLO's format.

    Args:
        folder: `images/**`, and for each a text of its name in the same place under `labels/**`; it may be missing
            where there is nothing in the picture.
        description: `data.yaml`, with `names`.
        depth: bits of the pictures' channels, as `read_picture` takes it.

    Raises:
        DatasetError: a label makes no sense, or belongs to no picture.
        OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError: the description is none of YOLO's.
    """
    listed = yaml.safe_load(description.read_text("utf-8"))["names"]
    if not isinstance(listed, list | dict):
        raise DatasetError(f"{description}: names is {listed!r}: make it a list of classes")
    names = {int(key): str(name) for key, name in (listed.items() if isinstance(listed, dict) else enumerate(listed))}
    found = (path for path in (folder / "images").rglob("*") if path.suffix.lower() in PICTURES and not path.is_dir())
    texts = {path: _text_of(folder, path) for path in sorted(found)}
    _no_other(folder, set(texts.values()))
    samples = tuple(_sample(folder, path, text, names, depth) for path, text in texts.items())
    return Dataset(samples, tuple(dict.fromkeys(names.values())))


def _text_of(folder: Path, picture: Path) -> Path:
    return folder / "labels" / picture.relative_to(folder / "images").with_suffix(".txt")


def _no_other(folder: Path, texts: set[Path]) -> None:
    """Labels that are not found would make their pictures clean ones."""
    there = {path for path in (folder / "labels").rglob("*") if path.suffix.lower() == ".txt" and path.is_file()}
    there = {path for path in there if path.name != _LIST_OF_CLASSES}
    if lost := sorted(there - texts):
        raise DatasetError(
            f"{lost[0]} belongs to no PNG or JPEG of {folder / 'images'} ({len(lost)} such): call it as its picture is "
            "called, in the same folder below, ending in .txt; or remove it"
        )
    if texts and not there:
        raise DatasetError(
            f"{folder / 'labels'} holds no label, so all pictures would count as clean: if they are, put an empty "
            f"{next(iter(sorted(texts))).name} there"
        )


def _sample(folder: Path, path: Path, text: Path, names: Mapping[int, str], depth: int) -> Sample:
    if not path.is_file():
        raise DatasetError(f"{path} is a link to a file that is not there: copy the pictures again")
    below = path.relative_to(folder / "images")
    group = below.parts[0] if len(below.parts) > 1 else ""
    if not text.is_file():
        return Sample(path, (), group)
    width, height = size_of(path, depth) or (1, 1)
    truth = []
    for number, line in enumerate(text.read_text("utf-8").splitlines(), 1):
        if not (fields := line.split()):
            continue
        if len(fields) >= _OUTLINE:
            raise DatasetError(f"{text} line {number}: an outline, not a box: export the set for detection, as boxes")
        try:
            label, (x0, y0, x1, y1) = _labelled(fields, names)
        except (ValueError, KeyError) as error:
            raise DatasetError(
                f"{text} line {number}: not `class x y width height` of a class in {DESCRIPTION}, as shares of the "
                "picture's sides"
            ) from error
        truth.append((label, (x0 * width, y0 * height, x1 * width, y1 * height)))
    return Sample(path, tuple(truth), group)


def _labelled(fields: Sequence[str], names: Mapping[int, str]) -> tuple[str, Box]:
    """The label and the box in shares; a sixth field is a confidence, which says nothing of the truth."""
    label, *shares = fields[:6]
    x, y, wide, high = (float(share) for share in shares[:4])
    box = x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
    if not is_box(x, y, wide, high) or not lies_in(box, 1, 1):
        raise ValueError(shares)
    return names[int(label)], box

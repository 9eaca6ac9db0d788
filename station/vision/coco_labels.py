"""Labels in the format of COCO: one `labels.json` beside `images/`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from station.vision.samples import Dataset, DatasetError, Sample, is_box, lies_in, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from station.vision.seen import Box

LABELS = "labels.json"


def read_coco(folder: Path, depth: int) -> Dataset:
    """Read a folder of COCO's format.

    Args:
        folder: `labels.json` beside `images/`, with `info.annotated` naming the classes labelled throughout, if not
            all are. Pictures with an annotation that has `iscrowd` are left out.
        depth: bits of the pictures' channels, as `read_picture` takes it.

    Raises:
        DatasetError: a label makes no sense.
        OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError: the file is none of COCO's.
    """
    file = folder / LABELS
    tree = json.loads(file.read_text("utf-8"))
    names = _unlike(file, "categories", [(item["id"], str(item["name"])) for item in tree["categories"]])
    images = _unlike(file, "images", [(item["id"], item) for item in tree["images"]])
    truth: dict[Any, list[tuple[str, Box]]] = {key: [] for key in images}
    heaps = set()
    for number, item in enumerate(tree["annotations"], 1):
        if item.get("iscrowd"):
            heaps.add(images[item["image_id"]]["id"])
            continue
        truth[item["image_id"]].append((names[item["category_id"]], _box(file, number, item["bbox"])))
    samples = tuple(_sample(folder, item, truth[key], depth) for key, item in images.items() if key not in heaps)
    labelled = tree.get("info", {}).get("annotated", list(names.values()))
    if not isinstance(labelled, list):
        raise DatasetError(f"{file}: info.annotated is {labelled!r}: make it a list of classes")
    return Dataset(samples, tuple(dict.fromkeys(str(name) for name in labelled)), len(heaps))


def _unlike(file: Path, what: str, items: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(items)
    if len(found) != len(items):
        raise DatasetError(f"{file}: two {what} have the same id: export the labels anew")
    return found


def _box(file: Path, number: int, bbox: Sequence[Any]) -> Box:
    x, y, width, height = (float(value) for value in bbox)
    if not is_box(x, y, width, height) or max(width, height) <= 1:
        raise DatasetError(
            f"{file}: the bbox of annotation {number} is {bbox}, not x, y, width and height in pixels, both over 0: "
            "correct it"
        )
    return x, y, x + width, y + height


def _sample(folder: Path, item: Mapping[str, Any], truth: Sequence[tuple[str, Box]], depth: int) -> Sample:
    path = folder / "images" / item["file_name"]
    if not path.is_file():
        raise DatasetError(f"{path} is named in {LABELS} and is not there: copy the pictures again")
    size = size_of(path, depth) if truth else None
    if size is not None:
        told = item.get("width", size[0]), item.get("height", size[1])
        if told != size:
            raise DatasetError(
                f"{path} is {size[0]} x {size[1]} pixels, and {told[0]} x {told[1]} by {LABELS}: its boxes are those "
                "of another picture, or of one turned or made smaller: export pictures and labels together"
            )
        if outside := [label for label, box in truth if not lies_in(box, *size)]:
            raise DatasetError(
                f"{folder / LABELS}: a {outside[0]} of {path.name} lies beyond its {size[0]} x {size[1]} pixels: "
                "correct it"
            )
    return Sample(path, tuple(truth), str(item.get("group", "")))

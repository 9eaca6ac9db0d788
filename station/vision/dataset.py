"""Labelled pictures of a site's own: a folder in COCO's format or in YOLO's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from station.vision.coco_labels import LABELS, read_coco
from station.vision.samples import DatasetError
from station.vision.yolo_labels import DESCRIPTION, read_yolo

if TYPE_CHECKING:
    from pathlib import Path

    from station.vision.samples import Dataset

_HELP = "a COCO folder holds labels.json beside images/, a YOLO folder data.yaml, images/ and labels/"


def read_dataset(folder: Path, depth: int = 8) -> Dataset:
    """Read the labels of a folder; of the pictures themselves no more than their size.

    Args:
        folder: COCO or YOLO, as `read_coco` and `read_yolo` take it; YOLO's `data.yaml` here or in the folder above.
        depth: bits of the pictures' channels, as `read_picture` takes it.

    Raises:
        DatasetError: it is neither, a label makes no sense, or there is no picture.
    """
    try:
        known = _read(folder, depth)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, yaml.YAMLError) as error:
        detail = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        raise DatasetError(f"{folder} cannot be read as labelled pictures ({detail}): {_HELP}") from error
    except RecursionError as error:
        raise DatasetError(f"{folder} cannot be read: its labels are nested too deeply; export them anew") from error
    if known.samples:
        return known
    if known.heaps:
        raise DatasetError(f"{folder}: in every picture a heap is labelled as one (iscrowd): label what is in it")
    raise DatasetError(f"{folder} holds no pictures: {_HELP}")


def _read(folder: Path, depth: int) -> Dataset:
    if (folder / LABELS).is_file():
        return read_coco(folder, depth)
    if (folder / "images").is_dir():
        above = folder.resolve().parent
        for where in (folder, above) if (folder / "labels").is_dir() else (folder,):
            if (where / DESCRIPTION).is_file():
                return read_yolo(folder, where / DESCRIPTION, depth)
    elif parts := sorted(path.parent for path in folder.glob("*/images") if path.is_dir()):
        raise DatasetError(f"{folder} is a set in parts: name one of them, {' or '.join(map(str, parts))}")
    raise DatasetError(f"{folder} holds no labelled pictures: {_HELP}")

"""Pictures and labels as a folder in the COCO format: `images/` and `labels.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.hazards import HAZARDS
from simulator.xray.machines import Machine
from simulator.xray.scene import Label
from simulator.xray.sets import Sample, sample

CATEGORIES = {word: number for number, word in enumerate(HAZARDS, start=1)}


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, list[int]]:
    """A mask bool (H, W) as COCO's uncompressed run lengths: column by column, beginning with what is not in it."""
    flat = mask.ravel(order="F").astype(np.int8)
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    counts = np.diff(edges).tolist()
    if flat[0]:
        counts.insert(0, 0)
    return {"counts": counts, "size": list(mask.shape)}


def export(folder: Path, count: int, seed: int, machine: Machine | None, tell: Callable[[int], None]) -> None:
    """Draw `count` pictures of the sets of a seed into a folder.

    Each image has, beside COCO's fields, `group` (the machine), `split` (train, tune or test), `scene` (its seed) and
    `wanted` (the tier that was asked for); each annotation `visibility`, `facing` and `tier`.

    Args:
        folder: is made; must not hold `labels.json` yet.
        count: how many pictures.
        seed: of the sets.
        machine: on which machine; without it, on all.
        tell: called with the number of pictures newly done.

    Raises:
        FileExistsError: the folder holds labels already.
        OSError: a picture cannot be written.
        ValueError: seed or count is out of range.
    """
    if (folder / "labels.json").exists():
        raise FileExistsError(f"{folder} holds labels already; choose another folder, or remove it first")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(count):
        one = sample(seed, number, machine)
        name = f"{number:06d}.png"
        if not cv2.imwrite(str(folder / "images" / name), cv2.cvtColor(one.picture.pixels, cv2.COLOR_RGB2BGR)):
            raise OSError(f"cannot write {folder / 'images' / name}")
        images.append(_image(number + 1, name, one))
        for label in one.picture.labels:
            annotations.append(_annotation(len(annotations) + 1, number + 1, label))
        tell(1)
    text = json.dumps({
        "info": {"source": "simulated: simulator.xray", "seed": seed, "annotated": list(CATEGORIES)},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": word} for word, number in CATEGORIES.items()],
    })  # fmt: skip
    (folder / "labels.json").write_text(text + "\n", encoding="utf-8")


def _image(number: int, name: str, one: Sample) -> dict[str, object]:
    height, width = one.picture.pixels.shape[:2]
    return {
        "id": number,
        "file_name": name,
        "width": width,
        "height": height,
        "group": one.picture.machine,
        "split": one.role,
        "scene": one.scene,
        "wanted": one.wanted,
    }


def _annotation(number: int, image: int, label: Label) -> dict[str, object]:
    x0, y0, x1, y1 = label.box
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORIES[label.label],
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(label.mask.sum()),
        "segmentation": run_lengths(label.mask),
        "iscrowd": 0,
        "visibility": label.visibility,
        "facing": label.facing,
        "tier": label.tier,
    }

"""How well a model folder does, measured through `station.vision`, from the file's bytes on, as on the line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.dataset import parcel
from simulator.xray import png_bytes
from station.vision import DetectorFault, PictureFault, quality_fault, read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from station.core.events import Finding
    from station.vision import Detector

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture as the station saw it, beside the truth.

    Attributes:
        truth: label and box of each thing that is in it.
        findings: over the model's floor.
        fault: why it was not judged; empty if it was.
        inference_ms: what the look took; 0 with a fault.
        group: which machine or set it is from.
    """

    truth: tuple[tuple[str, Box], ...]
    findings: tuple[Finding, ...]
    fault: str = ""
    inference_ms: float = 0.0
    group: str = ""

    def flagged(self, thresholds: Mapping[str, float]) -> set[str]:
        """The classes of which a finding counts."""
        return {item.label for item in self.findings if item.score >= thresholds[item.label]}


def see(detector: Detector, data: bytes, truth: Iterable[tuple[str, Box]], group: str = "") -> Seen:
    """Take one file the whole way."""
    known = tuple(truth)
    try:
        pixels = read_picture(data)
        result = detector.detect(pixels)
    except (PictureFault, DetectorFault) as fault:
        return Seen(known, (), str(fault), group=group)
    return Seen(known, result.findings, quality_fault(pixels, detector.model), result.inference_ms, group)


def see_parcels(
    detector: Detector, role: str, seed: int, count: int, tell: Callable[[int], None] = lambda _: None
) -> list[Seen]:
    """See simulated parcels of a held-out set; `tell` is called with 1 after each."""
    seen = []
    for number in range(count):
        picture = parcel(role, seed, number)
        truth = ((label.label, label.box) for label in picture.labels)
        seen.append(see(detector, png_bytes(picture), truth))
        tell(1)
    return seen


def parcel_rates(seen: Sequence[Seen], thresholds: Mapping[str, float]) -> dict[str, float]:
    """What share of parcels was flagged.

    A parcel counts as flagged by what the detector found; one that the gate refused goes to inspection too, but is
    counted apart.
    """
    threats = [item for item in seen if item.truth]
    clean = [item for item in seen if not item.truth]
    rates = {
        "parcels": float(len(seen)),
        "threats_flagged": _share(bool(item.flagged(thresholds)) for item in threats),
        "clean_flagged": _share(bool(item.flagged(thresholds)) for item in clean),
        "gate_refused": _share(bool(item.fault) for item in seen),
        "inference_ms_median": round(float(np.median([item.inference_ms for item in seen])), 2),
    }
    for label in thresholds:
        having = [item for item in threats if any(word == label for word, _ in item.truth)]
        rates[f"{label}_flagged_as_such"] = _share(label in item.flagged(thresholds) for item in having)
        rates[f"clean_flagged_as_{label}"] = _share(label in item.flagged(thresholds) for item in clean)
    return rates


def see_folder(detector: Detector, folder: Path, tell: Callable[[int], None] = lambda _: None) -> list[Seen]:
    """See the pictures of a COCO folder: `labels.json` beside `images/`.

    Raises:
        OSError, KeyError, ValueError: the folder is not such a one.
    """
    coco = json.loads((folder / "labels.json").read_text("utf-8"))
    names = {item["id"]: item["name"] for item in coco["categories"]}
    truth: dict[int, list[tuple[str, Box]]] = {item["id"]: [] for item in coco["images"]}
    for item in coco["annotations"]:
        x, y, width, height = item["bbox"]
        truth[item["image_id"]].append((names[item["category_id"]], (x, y, x + width, y + height)))
    seen = []
    for item in coco["images"]:
        data = (folder / "images" / item["file_name"]).read_bytes()
        seen.append(see(detector, data, truth[item["id"]], str(item.get("group", ""))))
        tell(1)
    return seen


@dataclass(frozen=True, slots=True)
class ClassReport:
    """One class over a folder of pictures.

    Attributes:
        label: the class.
        pictures: how many have it.
        flagged: how many of these were flagged as it.
        any_flag: how many of these were flagged as anything.
        others: how many do not have it.
        wrongly: how many of those were flagged as it.
        boxes: how many there are of it.
        boxes_found: how many of these a counting finding of it overlaps by half.
    """

    label: str
    pictures: int
    flagged: int
    any_flag: int
    others: int
    wrongly: int
    boxes: int
    boxes_found: int


def labelled_classes(folder: Path) -> tuple[str, ...] | None:
    """The classes that a COCO folder labels wherever they are (`info.annotated`); None if it does not say."""
    annotated = json.loads((folder / "labels.json").read_text("utf-8")).get("info", {}).get("annotated")
    return None if annotated is None else tuple(annotated)


def folder_report(
    seen: Sequence[Seen], thresholds: Mapping[str, float], labelled: Collection[str] | None = None
) -> list[ClassReport]:
    """By class, what was flagged; pictures that the gate refused count by what the detector said all the same.

    Args:
        seen: the pictures.
        thresholds: by class.
        labelled: the classes that can be judged, since they are labelled throughout; None for all.
    """
    return [_class_report(seen, label, thresholds) for label in thresholds if labelled is None or label in labelled]


def _class_report(seen: Sequence[Seen], label: str, thresholds: Mapping[str, float]) -> ClassReport:
    having = [item for item in seen if any(word == label for word, _ in item.truth)]
    others = [item for item in seen if all(word != label for word, _ in item.truth)]
    boxes = found = 0
    for item in having:
        counting = [f.box for f in item.findings if f.label == label and f.score >= thresholds[label]]
        wanted = [box for word, box in item.truth if word == label]
        boxes += len(wanted)
        found += sum(any(overlap(box, other) >= 0.5 for other in counting) for box in wanted)
    return ClassReport(
        label,
        len(having),
        sum(label in item.flagged(thresholds) for item in having),
        sum(bool(item.flagged(thresholds)) for item in having),
        len(others),
        sum(label in item.flagged(thresholds) for item in others),
        boxes,
        found,
    )


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (areas[0] + areas[1] - width * height)


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0

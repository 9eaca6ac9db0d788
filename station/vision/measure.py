"""How well a model does on labelled pictures: what is flagged by class, and average precision as COCO defines it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from station.vision.seen import Seen, overlap, see

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from station.core.events import Finding
    from station.vision.detector import Detector
    from station.vision.samples import Dataset
    from station.vision.seen import Box

PRECISION_NEEDS = "average precision needs pycocotools: pip install pycocotools"
_FOUND, _ABOUT = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class ClassReport:
    """One class over a set of pictures.

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


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precision of one class: over overlaps from 0.5 to 0.95 in steps of 0.05, at 0.5, and at 0.3; 0 to 1."""

    label: str
    ap: float
    ap50: float
    ap30: float


@dataclass(frozen=True, slots=True)
class Located:
    """How many threats are found in their place, where one threshold for all classes flags few of the clean pictures.

    Attributes:
        threshold: the highest score that flags no more of these than are allowed.
        clean: pictures that have none of the classes.
        flagged: how many of these it flags.
        threats: pictures that have one.
        found: in how many of these a finding over it has the right class, and overlaps by at least 0.5.
        found30: the same, by at least 0.3.
    """

    threshold: float
    clean: int
    flagged: int
    threats: int
    found: int
    found30: int


def located(seen: Sequence[Seen], labels: Collection[str], share: float) -> Located | None:
    """Count the threats found in their place at a share of false alarms.

    Args:
        seen: the pictures; what could not be looked at is left out.
        labels: the classes that are labelled throughout; no others count.
        share: of the pictures without any of them, how many may be flagged, 0 to 1.

    Returns:
        None if there is no picture with one of them, or none without.
    """
    answered = [item for item in seen if not item.unanswered]
    threats = [item for item in answered if any(label in labels for label, _ in item.truth)]
    clean = [item for item in answered if all(label not in labels for label, _ in item.truth)]
    if not threats or not clean:
        return None
    scores = sorted((max((item.best(label) for label in labels), default=0.0) for item in clean), reverse=True)
    threshold = scores[min(int(share * len(clean) + 1e-9), len(clean) - 1)]
    found, found30 = (
        sum(any(_right(f, item, labels, least) for f in item.findings if f.score > threshold) for item in threats)
        for least in (_FOUND, _ABOUT)
    )
    return Located(threshold, len(clean), sum(score > threshold for score in scores), len(threats), found, found30)


def _right(finding: Finding, item: Seen, labels: Collection[str], least: float) -> bool:
    """Whether such a thing is there, in the labels' words and in that place."""
    return finding.label in labels and any(
        label == finding.label and overlap(box, finding.box) >= least for label, box in item.truth
    )


def see_dataset(
    detector: Detector, dataset: Dataset, tell: Callable[[int], None] = lambda _: None, depth: int = 8
) -> list[Seen]:
    """See all pictures of a set, in order; `tell` is called with 1 after each, `depth` is that of `read_picture`."""
    seen = []
    for sample in dataset.samples:
        try:
            seen.append(see(detector, sample.path.read_bytes(), sample.truth, sample.group, depth))
        except OSError as error:
            seen.append(Seen(sample.truth, (), f"the file cannot be read ({error.strerror})", group=sample.group))
        tell(1)
    return seen


def class_reports(
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
        found += sum(any(overlap(box, other) >= _FOUND for other in counting) for box in wanted)
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


def average_precision(seen: Sequence[Seen], labels: Sequence[str]) -> list[Precision] | None:
    """Average precision by class as the COCO challenge defines it; None where pycocotools is not installed.

    Args:
        seen: the pictures; of findings all count, down to the model's floor.
        labels: the classes that are labelled throughout.
    """
    if find_spec("pycocotools") is None:
        return None
    from pycocotools.coco import COCO  # noqa: PLC0415 - an extra that only evaluation needs
    from pycocotools.cocoeval import COCOeval  # noqa: PLC0415

    numbers = {label: number for number, label in enumerate(labels, 1)}
    truth = [(at, label, box, 1.0) for at, item in enumerate(seen) for label, box in item.truth]
    found = [(at, f.label, f.box, f.score) for at, item in enumerate(seen) for f in item.findings]
    with contextlib.redirect_stdout(io.StringIO()):
        known, answers = (_coco(COCO(), rows, len(seen), numbers) for rows in (truth, found))
        judge = COCOeval(known, answers, "bbox")
        judge.params.iouThrs = np.concatenate(([0.3], np.linspace(0.5, 0.95, 10)))
        judge.evaluate()
        judge.accumulate()
    # By overlap, recall, class, size of object (0: all) and number of findings (-1: the most); -1 where there is none.
    precision = judge.eval["precision"][:, :, :, 0, -1]
    return [
        _precision(label, precision[:, :, at]) for at, label in enumerate(labels) if (precision[:, :, at] > -1).any()
    ]


def _precision(label: str, by_overlap: Any) -> Precision:
    means = by_overlap.mean(axis=1)
    return Precision(label, round(float(means[1:].mean()), 4), round(float(means[1]), 4), round(float(means[0]), 4))


def _coco(coco: Any, rows: Sequence[tuple[int, str, Box, float]], pictures: int, numbers: Mapping[str, int]) -> Any:
    coco.dataset = {
        "images": [{"id": at} for at in range(pictures)],
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
        "annotations": [
            {
                "id": count,
                "image_id": at,
                "category_id": numbers[label],
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
                "score": score,
            }
            for count, (at, label, (x0, y0, x1, y1), score) in enumerate(rows, 1)
            if label in numbers
        ],
    }
    coco.createIndex()
    return coco

"""Our path, on a description proposed from the file alone, against what the family's own code found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from station.vision import Detector, read_picture
from station.vision.propose import Known, propose
from station.vision.store import described

if TYPE_CHECKING:
    from pathlib import Path

    from station.core.events import Finding

BOX_PX, SCORE = 1.0, 0.001


@dataclass(frozen=True, slots=True)
class Compared:
    """One model.

    Attributes:
        name: the model.
        decoder: the family that its file was taken for.
        theirs: boxes that the family's own code found.
        ours: boxes that we found.
        box_px: the greatest distance of a corner between the two, in pixels of the picture.
        score: the greatest difference of a score.
        unmatched: boxes that the other did not find at all.
    """

    name: str
    decoder: str
    theirs: int
    ours: int
    box_px: float
    score: float
    unmatched: int

    @property
    def same(self) -> bool:
        """Whether both found the same."""
        return self.theirs > 0 and not self.unmatched and self.box_px <= BOX_PX and self.score <= SCORE


def compare(folder: Path) -> Compared:
    """Compare one model, as `export.py` wrote it."""
    reference: dict[str, Any] = json.loads((folder / "reference.json").read_text("utf-8"))
    known = Known(classes=tuple(reference.get("classes", ())))
    tree = propose(folder / "model.onnx", "foreign", known).tree
    tree["decode"] |= {"floor": reference["floor"], "overlap": reference["overlap"], "most": 1000}
    tree["thresholds"] = dict.fromkeys(tree["thresholds"], reference["floor"])
    model = described(tree, (folder / "model.onnx").read_bytes(), folder)
    findings = Detector(model).detect(read_picture((folder / "picture.png").read_bytes())).findings
    theirs = [(model.spec.labels[label], score, box) for label, score, *box in reference["found"]]
    return _matched(folder.name, tree["decode"]["decoder"], theirs, list(findings))


def _matched(
    name: str, decoder: str, theirs: list[tuple[str | None, float, list[float]]], left: list[Finding]
) -> Compared:
    """Each of theirs with the nearest of ours of the same class that no other has taken, best scores first."""
    count, unmatched, box_px, worst = len(left), 0, 0.0, 0.0
    for label, score, (x0, y0, x1, y1) in sorted(theirs, key=lambda item: -item[1]):
        near = [f for f in left if f.label == label and abs(f.score - score) <= SCORE]
        near.sort(key=lambda f: max(abs(a - b) for a, b in zip(f.box, (x0, y0, x1, y1), strict=True)))
        if not near:
            unmatched += 1
            continue
        best = near[0]
        left.remove(best)
        box_px = max(box_px, *(abs(a - b) for a, b in zip(best.box, (x0, y0, x1, y1), strict=True)))
        worst = max(worst, abs(best.score - score))
    return Compared(name, decoder, len(theirs), count, round(box_px, 4), round(worst, 6), unmatched + len(left))

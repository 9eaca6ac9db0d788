"""From an exported network to a model folder: gate, thresholds on held-out parcels, golden pictures, description."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from models.dataset import parcel
from models.evaluation import parcel_rates, see_parcels
from models.recipe import CLASSES, FILL, HEIGHT_PX, MEAN, SCALE, WIDTH_PX
from simulator.xray import png_bytes
from station.vision import Detector, DetectorFault
from station.vision.folder import classes_sha256
from station.vision.gate import usual
from station.vision.seen import overlap
from station.vision.store import described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from models.dataset import Drawn
    from models.recipe import Recipe
    from simulator.xray import Picture
    from station.vision.seen import Seen

TUNING_PARCELS = 1000
TEST_PARCELS = 500
_FLOOR = 0.05
_CLEAN_SHARE = 0.006
"""Of clean held-out parcels, the share that each class may flag: with four classes, about 2.4 % in all."""
_LOWEST, _HIGHEST = 0.12, 0.9
_GATE_SAMPLE = 2000
_SURE = 0.15
_GOLDEN_TRIES = 800
_HEAD = "# What this model is and needs. Written by `python -m models`; a change by hand is caught or goes untested.\n"


def describe(onnx: bytes, recipe: Recipe, drawn: Drawn, command: str) -> dict[str, Any]:
    """A first description: everything that does not depend on how the model does; thresholds at the floor.

    Args:
        onnx: the exported model.
        recipe: how it was trained.
        drawn: on what.
        command: by which command.
    """
    return {
        "format": 1,
        "name": "first_light",
        "model_sha256": hashlib.sha256(onnx).hexdigest(),
        "classes": list(CLASSES),
        "classes_sha256": classes_sha256(CLASSES),
        "thresholds": dict.fromkeys(CLASSES, _FLOOR),
        "input": {
            "name": "pixels",
            "width": WIDTH_PX,
            "height": HEIGHT_PX,
            "colour": "rgb",
            "layout": "nchw",
            "mean": list(MEAN),
            "scale": list(SCALE),
            "fill": FILL,
        },
        "decode": {"decoder": "boxes_then_scores", "floor": _FLOOR, "overlap": 0.5, "most": 100},
        "gate": {"sides_px": [96, 4096], "aspect": [0.3, 3.5], "measures": _usual(drawn)},
        "golden": [],
        "training": {"command": command, "seed": recipe.seed, "pictures": recipe.pictures, "steps": recipe.steps},
        "metrics": {},
    }


def release(folder: Path, onnx: bytes, tree: dict[str, Any], tell: Callable[[int], None]) -> dict[str, float]:
    """Choose thresholds and golden pictures, measure, and write the folder.

    Args:
        folder: where it goes; a card in it stays.
        onnx: the exported model.
        tree: as `describe` gives it.
        tell: called with 1 after each parcel seen.

    Returns:
        The metrics on the test parcels.
    """
    seed = int(tree["training"]["seed"])
    detector = Detector(described(tree, onnx, folder))
    tree["thresholds"] = choose_thresholds(see_parcels(detector, "tune", seed, TUNING_PARCELS, tell))
    tree["metrics"] = parcel_rates(see_parcels(detector, "test", seed, TEST_PARCELS, tell), tree["thresholds"])
    pictures = _golden(detector, tree, seed)
    (folder / "golden").mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        (folder / "golden" / name).write_bytes(data)
    (folder / "model.onnx").write_bytes(onnx)
    text = yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=110)
    (folder / "model.yaml").write_text(_HEAD + text, "utf-8")
    return dict(tree["metrics"])


def choose_thresholds(seen: Sequence[Seen]) -> dict[str, float]:
    """By class, the lowest score at which no more than a fixed share of the clean parcels is flagged as it."""
    clean = [item for item in seen if not item.truth]
    chosen = {}
    for label in CLASSES:
        best = sorted(
            (max((f.score for f in item.findings if f.label == label), default=0.0) for item in clean), reverse=True
        )
        allowed = best[int(_CLEAN_SHARE * len(best))]
        chosen[label] = round(float(np.clip(allowed + 0.005, _LOWEST, _HIGHEST)), 3)
    return chosen


def _usual(drawn: Drawn) -> dict[str, list[float]]:
    step = max(1, len(drawn.boxes) // _GATE_SAMPLE)
    found = usual(np.asarray(drawn.pixels[at]) for at in range(0, len(drawn.boxes), step))
    return {name: list(interval) for name, interval in found.items()}


def _golden(detector: Detector, tree: dict[str, Any], seed: int) -> dict[str, bytes]:
    """One picture of each class in which the model finds what is there surely, and nothing else; noted in the tree."""
    pictures: dict[str, bytes] = {}
    tree["golden"] = []
    for number in range(0, _GOLDEN_TRIES, 2):
        picture = parcel("golden", seed, number)
        label = picture.labels[0]
        name = f"{label.label}.png"
        if name in pictures:
            continue
        score = _sure_score(detector, picture, tree["thresholds"])
        if score is None:
            continue
        pictures[name] = png_bytes(picture)
        digest = hashlib.sha256(pictures[name]).hexdigest()
        expected = {"label": label.label, "box": list(label.box), "score": round(score, 3)}
        tree["golden"].append({"file": name, "sha256": digest, "expect": [expected]})
    missing = sorted(set(CLASSES) - {name.removesuffix(".png") for name in pictures})
    if missing:
        raise RuntimeError(f"no golden picture for {missing[0]}: the model is too unsure of it; train it for longer")
    return pictures


def _sure_score(detector: Detector, picture: Picture, thresholds: Mapping[str, float]) -> float | None:
    """The score of the one hazard in a picture if the model is sure of it and of nothing else, else None."""
    (label,) = picture.labels
    try:
        found = detector.detect(picture.pixels).findings
    except DetectorFault:
        return None
    counting = [item for item in found if item.score >= thresholds[item.label] - _SURE]
    if len(counting) != 1 or counting[0].label != label.label or overlap(counting[0].box, label.box) < 0.7:
        return None
    score = counting[0].score
    return score if score >= thresholds[label.label] + _SURE else None

"""From a trained network to a model folder: gate, calibration, thresholds, golden pictures, description."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from models.calibration import Curve, fitted, judged, on_curve
from models.evaluation import metrics
from models.held_out import UNSEEN, try_parcels
from models.recipe import CLASSES, FILL, HEIGHT_PX, MEAN, SCALE, WIDTH_PX
from simulator.xray import draw, png_bytes
from simulator.xray.sets import scene_seed
from station.vision import Detector, DetectorFault
from station.vision.folder import classes_sha256
from station.vision.gate import measures
from station.vision.load import read_model
from station.vision.seen import overlap
from station.vision.store import described, write_folder
from station.vision.threshold import choose
from station.vision.usual import usual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from models.dataset import Drawn
    from models.recipe import Recipe
    from simulator.xray import Picture
    from station.vision.seen import Seen

TUNING_PARCELS, TEST_PARCELS, UNSEEN_PARCELS = 9000, 2000, 500
PARCELS = TUNING_PARCELS + TEST_PARCELS + UNSEEN_PARCELS
"""How many looks a release takes."""
FALSE_ALARMS = 0.015
"""Of clean tuning parcels, the share that the thresholds may flag; of others they flag twice as many."""
_FLOOR = 0.02
_GATE_SAMPLE = 2000
_SURE = 0.1
_GOLDEN_FROM = 1 << 22
"""Golden pictures are of the tuning parcels' span, far behind all that are tuned with."""
_GOLDEN_TRIES = 400
_TOGETHER = 3
"""Hazards in one golden picture: all are to be found, and the self-test is to take a moment only."""


def released(
    folder: Path,
    export: Callable[[Curve], bytes],
    recipe: Recipe,
    drawn: Drawn,
    command: str,
    tell: Callable[[int], None],
) -> dict[str, float]:
    """Calibrate, choose thresholds and golden pictures, measure, and write the folder with tables and plots.

    Args:
        folder: where it goes; a card in it stays.
        export: gives the model with its scores on a curve.
        recipe: how it was trained.
        drawn: on what.
        command: by which command.
        tell: called with 1 after each parcel seen.

    Returns:
        The metrics on the test parcels, and how many golden pictures there are: fewer where the model is too unsure.
    """
    gate = {name: list(interval) for name, interval in _usual(drawn).items()}
    plain = export(Curve())
    tree = _description(folder.name, plain, recipe, gate, command)
    detector = Detector(described(tree, plain, folder))
    seen = [one.seen for one in try_parcels(detector, "tune", recipe.seed, TUNING_PARCELS, tell)]
    curve = fitted(*judged(seen))
    onnx = export(curve)
    tree = _description(folder.name, onnx, recipe, gate, command)
    detector = Detector(described(tree, onnx, folder))
    return _judged(folder, tree, onnx, detector, on_curve(seen, curve), tell)


def with_thresholds_anew(folder: Path, tell: Callable[[int], None]) -> dict[str, float]:
    """Choose a released model's thresholds and golden pictures anew, measure it, and write its folder.

    Args:
        folder: of a model that `released` wrote.
        tell: called with 1 after each parcel seen.

    Raises:
        ModelError: it cannot be used.
    """
    model = read_model(folder)
    tree = yaml.safe_load(model.text)
    tree["thresholds"] = dict.fromkeys(CLASSES, _FLOOR)
    detector = Detector(model)
    seen = [one.seen for one in try_parcels(detector, "tune", tree["training"]["seed"], TUNING_PARCELS, tell)]
    return _judged(folder, tree, model.onnx, detector, seen, tell)


def _judged(
    folder: Path,
    tree: dict[str, Any],
    onnx: bytes,
    detector: Detector,
    tuning: Sequence[Seen],
    tell: Callable[[int], None],
) -> dict[str, float]:
    """Thresholds by what was seen of the tuning parcels, golden pictures, figures; and the folder is written."""
    from models.figures import write_figures  # noqa: PLC0415 - needs matplotlib, which judging does not

    seed = tree["training"]["seed"]
    chosen = choose(tuning, CLASSES, tree["thresholds"], _FLOOR, FALSE_ALARMS)
    tree["thresholds"] = {label: round(value, 4) for label, value in chosen.thresholds.items()}
    tried = try_parcels(detector, "test", seed, TEST_PARCELS, tell)
    unseen = try_parcels(detector, "test", seed, UNSEEN_PARCELS, tell, UNSEEN)
    tree["metrics"] = metrics(tried, unseen, tree["thresholds"])
    pictures = _golden(detector, tree, seed)
    put(folder, tree, onnx, pictures)
    write_figures(folder / "figures", tried, unseen, tree["thresholds"])
    return dict(tree["metrics"]) | {"golden_pictures": float(len(pictures))}


def put(folder: Path, tree: Mapping[str, Any], onnx: bytes, pictures: Mapping[str, bytes]) -> None:
    """Make and prove a model folder beside its place, then put it there; card and figures of the one before stay.

    Raises:
        ModelError: it does not hold; the one before is as it was.
        OSError: it cannot be written.
    """
    new, old = (folder.with_name(f"{folder.name}.{word}") for word in ("new", "old"))
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    write_folder(new, tree, onnx, pictures)
    if folder.exists():
        for kept in folder.iterdir():
            if kept.name not in {"golden", "model.onnx", "model.yaml"}:
                (shutil.copytree if kept.is_dir() else shutil.copy2)(kept, new / kept.name)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _description(
    name: str, onnx: bytes, recipe: Recipe, gate: Mapping[str, list[float]], command: str
) -> dict[str, Any]:
    """Everything that does not depend on how the model does; thresholds at the floor."""
    return {
        "format": 1,
        "name": name,
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
            "scale": [round(value, 8) for value in SCALE],
            "fill": FILL,
        },
        "decode": {"decoder": "boxes_then_scores", "floor": _FLOOR, "overlap": 0.6, "most": 100},
        "gate": {"sides_px": [96, 4096], "aspect": [0.3, 3.5], "measures": dict(gate)},
        "golden": [],
        "training": _training(recipe, command),
        "metrics": {},
    }


def sha256_of(folder: Path) -> str:
    """SHA-256 of a released model's network."""
    return hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()


def _training(recipe: Recipe, command: str) -> dict[str, Any]:
    told = {"command": command, "seed": recipe.seed, "pictures": recipe.pictures, "steps": recipe.steps}
    if recipe.start is not None:
        told["started_from"] = sha256_of(recipe.start)
    return told


def _usual(drawn: Drawn) -> dict[str, tuple[float, float]]:
    step = max(1, len(drawn.boxes) // _GATE_SAMPLE)
    return usual([measures(np.asarray(drawn.pixels[at])) for at in range(0, len(drawn.boxes), step)])


def _golden(detector: Detector, tree: dict[str, Any], seed: int) -> dict[str, bytes]:
    """Pictures in which the model surely finds what is there and nothing else, where it does; noted in the tree."""
    pictures: dict[str, bytes] = {}
    tree["golden"] = []
    for words in (CLASSES[at : at + _TOGETHER] for at in range(0, len(CLASSES), _TOGETHER)):
        for number in range(_GOLDEN_TRIES):
            scene = scene_seed("tune", seed, _GOLDEN_FROM + number)
            picture = draw(scene, 500, words, tier="easy")
            expected = _sure(detector, picture, tree["thresholds"])
            if expected:
                name = f"{'-'.join(words)}.png"
                pictures[name] = png_bytes(picture)
                digest = hashlib.sha256(pictures[name]).hexdigest()
                tree["golden"].append({"file": name, "sha256": digest, "expect": expected})
                break
    return pictures


def _sure(detector: Detector, picture: Picture, thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    """What is found in a picture, if it is just what is there, and surely; else nothing."""
    try:
        found = detector.detect(picture.pixels).findings
    except DetectorFault:
        return []
    counting = [item for item in found if item.score >= thresholds[item.label] * (1 - _SURE)]
    if len(counting) != len(picture.labels):
        return []
    expected = []
    for label in picture.labels:
        hit = next((one for one in counting if one.label == label.label and overlap(one.box, label.box) > 0.7), None)
        if hit is None or hit.score < min(thresholds[hit.label] + _SURE, (1 + thresholds[hit.label]) / 2):
            return []
        expected.append({"label": hit.label, "box": list(label.box), "score": round(hit.score, 3)})
    return expected

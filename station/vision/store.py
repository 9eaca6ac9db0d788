"""Writing a model folder: description, model, golden pictures; whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import yaml
from pydantic import ValidationError

from station.vision.detector import Detector
from station.vision.faults import DetectorFault, ModelError, PictureFault
from station.vision.folder import ModelFolder, ModelSpec
from station.vision.gate import as_looked_at, usual
from station.vision.picture import read_picture
from station.vision.png import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_HEAD = (
    "# What this model is and needs. `station model verify` tells whether it holds; docs/models.md explains each key.\n"
)
_SURE = 0.02
"""A golden finding lies this far over its threshold at least, so that another processor finds it too."""


def described(tree: Mapping[str, Any], onnx: bytes, path: Path) -> ModelFolder:
    """A model folder in memory.

    Raises:
        ModelError: the tree is no description.
    """
    try:
        spec = ModelSpec.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from error
    return ModelFolder(path, spec, onnx, {}, text_of(tree))


def text_of(tree: Mapping[str, Any]) -> bytes:
    """The tree as model.yaml."""
    return (_HEAD + yaml.safe_dump(dict(tree), sort_keys=False, default_flow_style=None, width=110)).encode()


def write_folder(folder: Path, tree: Mapping[str, Any], onnx: bytes, golden: Mapping[str, bytes]) -> None:
    """Write a folder that is not there yet.

    Raises:
        ModelError: something lies there.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise ModelError(f"{folder} is there already: name another with --out, or remove it")
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "golden").mkdir(parents=True)
    (partial / "model.onnx").write_bytes(onnx)
    (partial / "model.yaml").write_bytes(text_of(tree))
    for name, data in golden.items():
        (partial / "golden" / name).write_bytes(data)
    partial.rename(folder)


def rewrite(folder: Path, tree: Mapping[str, Any], golden: Mapping[str, bytes]) -> None:
    """Put another description, and more golden pictures, into a folder; the description last, so that it fits always.

    Raises:
        OSError: it cannot be written.
    """
    (folder / "golden").mkdir(exist_ok=True)
    for name, data in golden.items():
        (folder / "golden" / name).write_bytes(data)
    partial = folder / "model.yaml.part"
    partial.write_bytes(text_of(tree))
    partial.replace(folder / "model.yaml")


def golden_pictures(model: ModelFolder, pictures: Sequence[Path]) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """What the model finds in pictures now, as what it must find in them from now on.

    Args:
        model: the model.
        pictures: picture files, in each of which a person sees what the model finds.

    Returns:
        The entries for `golden` of model.yaml, and the pictures by file name.

    Raises:
        ModelError: a picture cannot be read, nothing is found in it, or a finding is too unsure to be relied on.
    """
    detector = Detector(model)
    entries: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    for path in pictures:
        try:
            pixels = read_picture(path.read_bytes())
            findings = detector.detect(pixels).findings
        except (OSError, PictureFault, DetectorFault) as error:
            raise ModelError(f"{path}: {error}: choose another picture") from error
        counted = [item for item in findings if item.score >= model.thresholds[item.label]]
        unsure = [item for item in findings if abs(item.score - model.thresholds[item.label]) < _SURE]
        if not counted or unsure:
            what = f"a {unsure[0].label} is at its threshold" if unsure else "nothing is found in it"
            raise ModelError(f"{path}: {what}: choose a picture in which the model is sure of something")
        name, data = _as_png(path, pixels)
        if name in files:
            raise ModelError(f"{path}: two pictures would be called {name}: give one another name")
        files[name] = data
        expect = [{"label": f.label, "box": [round(v, 1) for v in f.box], "score": round(f.score, 3)} for f in counted]
        entries.append({"file": name, "sha256": hashlib.sha256(data).hexdigest(), "expect": expect})
    return entries, files


def _as_png(path: Path, pixels: NDArray[np.uint8]) -> tuple[str, bytes]:
    """A name and the bytes under which a picture goes into the folder: as it is, if it is a PNG."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", path.stem) + ".png"
    data = path.read_bytes()
    if data.startswith(SIGNATURE):
        return name, data
    return name, cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()


def gate_of(model: ModelFolder, pictures: Sequence[Path]) -> dict[str, Any]:
    """The gate for pictures like these: their sizes, and the usual range of each measure.

    Raises:
        ModelError: one cannot be read.
    """
    seen = []
    for path in pictures:
        try:
            seen.append(read_picture(path.read_bytes()))
        except (OSError, PictureFault) as error:
            raise ModelError(f"{path}: {error}: take it out of the folder") from error
    sides = [side for pixels in seen for side in pixels.shape[:2]]
    aspects = [pixels.shape[1] / pixels.shape[0] for pixels in seen]
    found = usual(as_looked_at(pixels, model.spec.input) for pixels in seen)
    return {
        "sides_px": [min(sides) // 2, max(sides) * 2],
        "aspect": [round(min(aspects) / 1.5, 2), round(max(aspects) * 1.5, 2)],
        "measures": {name: list(interval) for name, interval in found.items()},
    }

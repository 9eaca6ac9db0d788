"""Writing a model folder: description, model, golden pictures; whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import yaml

from station.vision.detector import Detector
from station.vision.faults import DetectorFault, ModelError, PictureFault
from station.vision.folder import ModelFolder
from station.vision.gate import as_looked_at, measures, of_any_machine
from station.vision.load import spec_of
from station.vision.picture import read_picture
from station.vision.png import SIGNATURE
from station.vision.trial import try_out
from station.vision.usual import unlike, usual

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_HEAD = (
    "# What this model is and needs. `station model verify` tells whether it holds; docs/models.md explains each key.\n"
)
_SURE = 0.02
"""A golden finding lies this far over its threshold at least, so that another processor finds it too."""


class _Measured(NamedTuple):
    path: Path
    size: tuple[int, int]
    measures: dict[str, float]


@dataclass(frozen=True, slots=True)
class MeasuredGate:
    """A gate measured on a machine's pictures.

    Attributes:
        tree: `gate` of model.yaml.
        pictures: how many different ones it was measured on.
        left_out: which were not taken, and why.
    """

    tree: dict[str, Any]
    pictures: int
    left_out: tuple[str, ...]


def described(tree: Mapping[str, Any], onnx: bytes, path: Path) -> ModelFolder:
    """A model folder in memory.

    Raises:
        ModelError: the tree is no description.
    """
    spec = spec_of(tree, str(path / "model.yaml"))
    return ModelFolder(path, spec, onnx, {}, text_of(tree))


def text_of(tree: Mapping[str, Any]) -> bytes:
    """The tree as model.yaml."""
    return (_HEAD + yaml.safe_dump(dict(tree), sort_keys=False, default_flow_style=None, width=110)).encode()


def write_folder(folder: Path, tree: Mapping[str, Any], onnx: bytes, golden: Mapping[str, bytes]) -> None:
    """Write a folder that is not there yet, and prove it before it gets its name; if it fails, nothing is left.

    Raises:
        ModelError: something lies there, or the model does not hold.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise ModelError(f"{folder} is there already: name another with --out, or remove it")
    with _partial(folder) as partial:
        (partial / "golden").mkdir(parents=True)
        (partial / "model.onnx").write_bytes(onnx)
        _describe(partial, tree, golden)
        _prove(partial, folder)
        partial.rename(folder)


def rewrite(folder: Path, tree: Mapping[str, Any], golden: Mapping[str, bytes]) -> None:
    """Put another description, and more golden pictures, into a folder, once a copy of it that has them is proved.

    The description comes last, and no picture is replaced by another: so the folder fits at each moment.

    Raises:
        ModelError: the model does not hold any more; the folder is as it was.
        OSError: it cannot be written.
    """
    with _partial(folder) as partial:
        shutil.copytree(folder, partial)
        (partial / "golden").mkdir(exist_ok=True)
        _describe(partial, tree, golden)
        _prove(partial, folder)
        (folder / "golden").mkdir(exist_ok=True)
        for name in golden:
            (partial / "golden" / name).replace(folder / "golden" / name)
        (partial / "model.yaml").replace(folder / "model.yaml")


@contextlib.contextmanager
def _partial(folder: Path) -> Iterator[Path]:
    """A folder to be made beside another; what is left of it in the end is removed."""
    whole = folder.resolve()
    partial = whole.with_name(whole.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _describe(folder: Path, tree: Mapping[str, Any], golden: Mapping[str, bytes]) -> None:
    for name, data in golden.items():
        (folder / "golden" / name).write_bytes(data)
    (folder / "model.yaml").write_bytes(text_of(tree))


def _prove(partial: Path, folder: Path) -> None:
    try:
        try_out(partial)
    except ModelError as error:
        raise ModelError(str(error).replace(str(partial), str(folder))) from error


def golden_pictures(
    model: ModelFolder, pictures: Sequence[Path], depth: int = 8
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """What the model finds in pictures now, as what it must find in them from now on.

    Args:
        model: the model.
        pictures: picture files, in each of which a person sees what the model finds.
        depth: bits of their channels, as `read_picture` takes it; the folder gets them with 8.

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
            pixels = read_picture(path.read_bytes(), depth=depth)
            findings = detector.detect(pixels).findings
        except (OSError, PictureFault, DetectorFault) as error:
            raise ModelError(f"{path}: {error}: choose another picture") from error
        counted = [item for item in findings if item.score >= model.thresholds[item.label]]
        unsure = [item for item in findings if abs(item.score - model.thresholds[item.label]) < _SURE]
        if not counted or unsure:
            what = f"a {unsure[0].label} is at its threshold" if unsure else "nothing is found in it"
            raise ModelError(f"{path}: {what}: choose a picture in which the model is sure of something")
        expect = [{"label": f.label, "box": [round(v, 1) for v in f.box], "score": round(f.score, 3)} for f in counted]
        if flat := [f.label for f in counted if not _has_area(f.box)]:
            raise ModelError(f"{path}: the {flat[0]} found in it has no area: choose another picture")
        data = _as_png(path, pixels, depth)
        name = _free_name(path, data, files, model.path / "golden")
        if name in files:
            continue
        files[name] = data
        entries.append({"file": name, "sha256": hashlib.sha256(data).hexdigest(), "expect": expect})
    return entries, files


def _has_area(box: Sequence[float]) -> bool:
    """Whether there is anything of it once it is written down, to a tenth of a pixel."""
    left, top, right, bottom = (round(value, 1) for value in box)
    return right > left and bottom > top


def _as_png(path: Path, pixels: NDArray[np.uint8], depth: int) -> bytes:
    """The bytes under which a picture goes into the folder: as it is, if it is a PNG of 8 bits."""
    data = path.read_bytes()
    return (
        data
        if data.startswith(SIGNATURE) and depth == 8
        else cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()
    )


def _free_name(path: Path, data: bytes, files: Mapping[str, bytes], there: Path) -> str:
    """What to call a picture in the folder: by its own name, and by its hash as well if another is called by that."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", path.stem) + ".png"
    lies = there / name
    other = files.get(name) or (lies.read_bytes() if lies.is_file() else data)
    return name if other == data else f"{name.removesuffix('.png')}-{hashlib.sha256(data).hexdigest()[:8]}.png"


def gate_of(model: ModelFolder, pictures: Sequence[Path], depth: int = 8) -> MeasuredGate:
    """The gate for pictures like these: their sizes, and the usual range of each measure.

    Args:
        model: the model that will look at such pictures.
        pictures: good ones of the machine; what is faulty among them is left out, for it would open the gate.
        depth: bits of their channels, as `read_picture` takes it.

    Raises:
        ModelError: one cannot be read, or none is left.
    """
    measured: dict[bytes, _Measured] = {}
    left_out: list[str] = []
    for path in pictures:
        try:
            pixels = read_picture(path.read_bytes(), depth=depth)
        except (OSError, PictureFault) as error:
            raise ModelError(f"{path}: {error}: take it out of the folder") from error
        if fault := of_any_machine(pixels).fault:
            left_out.append(f"{path}: {fault}")
            continue
        shown = hashlib.sha256(pixels.tobytes()).digest()
        measured.setdefault(shown, _Measured(path, pixels.shape[:2], measures(as_looked_at(pixels, model.spec.input))))
    each = list(measured.values())
    apart = unlike([item.measures for item in each])
    left_out += [f"{each[at].path}: {why}" for at, why in sorted(apart.items())]
    kept = [item for at, item in enumerate(each) if at not in apart]
    if not kept:
        raise ModelError(f"none of these pictures shows a parcel ({left_out[0]}): give some hundred good ones")
    sides = [side for item in kept for side in item.size]
    aspects = [width / height for height, width in (item.size for item in kept)]
    gate = {
        "sides_px": [min(sides) // 2, max(sides) * 2],
        "aspect": [round(min(aspects) / 1.5, 2), round(max(aspects) * 1.5, 2)],
        "measures": {name: list(interval) for name, interval in usual([item.measures for item in kept]).items()},
    }
    return MeasuredGate(gate, len(kept), tuple(left_out))

"""Loading a model folder: nothing of it is believed before it has been checked, and each refusal says what to do."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from station.vision.detector import Detector
from station.vision.faults import DetectorFault, ModelError
from station.vision.folder import ModelFolder, ModelSpec
from station.yamltree import TreeError, faults_of, parse_tree, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import yaml

_AGAIN = "copy the model folder again, whole, from where it was released"
_POINTER = b"version https://git-lfs.github.com/spec/"


def load_model(folder: Path) -> ModelFolder:
    """The model of a folder, once it has been tried as `load_detector` does.

    Raises:
        ModelError: one sentence: which file, what is wrong with it, what to do.
    """
    return load_detector(folder).model


def load_detector(folder: Path, threads: int = 1) -> Detector:
    """Read a model folder, check it, make it ready to look, and try it on its golden pictures.

    Args:
        folder: as `read_model` takes it.
        threads: cores that one look may use.

    Raises:
        ModelError: one sentence: which file, what is wrong with it, what to do.
    """
    detector = Detector(read_model(folder), threads)
    try:
        detector.self_test()
    except DetectorFault as fault:
        raise ModelError(
            f"{folder / 'model.onnx'} does not do what {folder / 'model.yaml'} says: {fault}; {_AGAIN}"
        ) from fault
    return detector


def read_model(folder: Path) -> ModelFolder:
    """Read a model folder and check that its parts belong together; its network is not run.

    Args:
        folder: holds `model.yaml`, `model.onnx` and the golden pictures in `golden/`.

    Returns:
        The folder's contents, in memory.

    Raises:
        ModelError: one sentence: which file, what is wrong with it, what to do.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder; name the folder that holds model.yaml")
    text = _bytes(folder / "model.yaml")
    spec = _spec(folder / "model.yaml", text)
    onnx = _model_bytes(folder / "model.onnx", spec)
    golden = {item.file: _bytes(folder / "golden" / item.file) for item in spec.golden}
    for item in spec.golden:
        if hashlib.sha256(golden[item.file]).hexdigest() != item.sha256:
            raise ModelError(f"{folder / 'golden' / item.file} is not the picture that model.yaml means: {_AGAIN}")
    return ModelFolder(folder, spec, onnx, golden, text)


def spec_of(tree: Mapping[Any, Any], name: str, node: yaml.Node | None = None) -> ModelSpec:
    """A tree as a description; `name` stands for its file, and `node` knows its lines.

    Raises:
        ModelError: it is none: which key, what is wrong with it, what to do.
    """
    try:
        # As strict JSON, so that a list may stand for a tuple, but no text for a number.
        return ModelSpec.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        first = faults_of(error, (), ModelSpec)[0]
        raise ModelError(f"{told(name, node, [first])}; correct it, or {_AGAIN}") from error
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name} holds something that is neither text, number, list nor mapping: {_AGAIN}") from error


def _spec(file: Path, text: bytes) -> ModelSpec:
    try:
        tree, node = parse_tree(text.decode("utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise ModelError(f"{file} is no text: {_AGAIN}") from error
    except TreeError as error:
        raise ModelError(f"{' '.join(str(error).split())}: {_AGAIN}") from error
    return spec_of(tree, str(file), node)


def _bytes(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}): {_AGAIN}") from error
    if not data:
        raise ModelError(f"{file} is empty: {_AGAIN}")
    if data.startswith(_POINTER):
        raise ModelError(f"{file} is a Git LFS pointer, not the file itself: run `git lfs pull`, or {_AGAIN}")
    return data


def _model_bytes(file: Path, spec: ModelSpec) -> bytes:
    data = _bytes(file)
    found = hashlib.sha256(data).hexdigest()
    if found != spec.model_sha256:
        raise ModelError(
            f"{file} is not the model that model.yaml describes (SHA-256 {found[:12]}..., not "
            f"{spec.model_sha256[:12]}...; cut short, or of another version): {_AGAIN}"
        )
    return data

"""Loading a model folder: nothing of it is believed before it has been checked, and each refusal says what to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from station.vision.detector import Detector
from station.vision.faults import DetectorFault, ModelError
from station.vision.folder import ModelFolder, ModelSpec

if TYPE_CHECKING:
    from pathlib import Path

_AGAIN = "copy the model folder again, whole, from where it was released"
_POINTER = b"version https://git-lfs.github.com/spec/"


def load_model(folder: Path) -> ModelFolder:
    """Read a model folder, check it, and try it on its golden pictures.

    Raises:
        ModelError: one sentence: which file, what is wrong with it, what to do.
    """
    model = read_model(folder)
    detector = Detector(model)
    try:
        detector.self_test()
    except DetectorFault as fault:
        raise ModelError(
            f"{folder / 'model.onnx'} does not do what {folder / 'model.yaml'} says: {fault}; {_AGAIN}"
        ) from fault
    return model


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


def _spec(file: Path, text: bytes) -> ModelSpec:
    try:
        tree: Any = yaml.load(text, _OnceOnly)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise ModelError(f"{file} is not YAML{where}: {_AGAIN}") from error
    try:
        return ModelSpec.model_validate_json(_as_json(tree, file))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{file}: {key}: {_plain(first['msg'])}; correct it, or {_AGAIN}") from error


class _OnceOnly(yaml.SafeLoader):
    """A safe loader that takes each key of a mapping once: of two the last would win unsaid."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """The mapping.

        Raises:
            yaml.constructor.ConstructorError: a key is there twice.
        """
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is there twice", key_node.start_mark)
            seen.add(key if isinstance(key, Hashable) else id(key))
        return super().construct_mapping(node, deep)


def _as_json(tree: object, file: Path) -> str:
    """The tree as strict JSON, so that a list may stand for a tuple, but no text for a number."""
    try:
        return json.dumps(tree)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{file} holds something that is neither text, number, list nor mapping: {_AGAIN}") from error


def _plain(message: str) -> str:
    if message.startswith("Extra inputs"):
        return "there is no such key"
    return message.removeprefix("Value error, ")


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

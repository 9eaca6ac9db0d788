"""The network itself: one ONNX Runtime session on one thread, checked against what `model.yaml` says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnxruntime as ort

from station.vision.decoders import ANY, DECODERS, Canvas, Decoder
from station.vision.faults import DetectorFault, ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from station.vision.folder import ModelFolder

Shape: TypeAlias = "list[int | None]"

_EXTERNAL = re.compile(rb"\x0a\x08location(?<!\x72[\x00-\x7f]\x0a\x08location)")
"""How a tensor says in ONNX's protobuf that its data lie in another file, which no hash would cover.

A key `location` of the model's own metadata (its field 14, hence the byte before) says nothing of the kind. The word
comes first in the pattern, so that megabytes of weights are gone through in milliseconds.
"""
_NUMBERS = {"tensor(float)", "tensor(float16)", "tensor(double)", "tensor(int64)", "tensor(int32)"}
TYPES = {"float32": "tensor(float)", "float16": "tensor(float16)", "uint8": "tensor(uint8)"}
SIZES = "orig_target_sizes"
"""The second input of deployed RT-DETR and D-FINE: width and height of the picture, to which they scale their boxes."""
FIX_SIZE = "export it with a fixed size, or fix it as docs/models.md says"
_OTHER = "use the model.yaml that was released with this model.onnx, or make one with `station model add`"


class Network:
    """A session that was found to be what its description says.

    Args:
        model: the folder.
        threads: cores that one run may use. The session never spins while it waits.

    Attributes:
        decoder: what makes candidates of its outputs.
        canvas: the size of its input.
        takes_several: whether it leaves open how many pictures it takes at once: that it then says of each what it says
            of it alone, only a trial on pictures in which it finds something can show.

    Raises:
        ModelError: the runtime cannot run it, or it is not as its `model.yaml` says.
    """

    def __init__(self, model: ModelFolder, threads: int = 1) -> None:
        self._spec = model.spec
        self._file = model.path / "model.onnx"
        self.canvas = Canvas(model.spec.input.width, model.spec.input.height)
        self.decoder = _decoder(model)
        self._session = open_session(model.onnx, self._file, threads)
        self._more = self._check_inputs()
        self._names = self._check_names()
        self._shapes, self.bounded = self._check_outputs()
        self.takes_several = self._open()

    def run(self, prepared: NDArray[Any]) -> list[NDArray[Any]]:
        """Its outputs for a picture, as float32 where they are numbers with a fraction.

        Raises:
            DetectorFault: it failed, or gave a value that is not a number.
        """
        return self._checked(self._answers(prepared))

    def run_all(self, prepared: Sequence[NDArray[Any]]) -> list[list[NDArray[Any]]]:
        """The same for several pictures at once; for one that `takes_several`.

        Raises:
            DetectorFault: as `run` does, of any of them.
        """
        outputs = self._answers(np.concatenate(prepared))
        if any(len(output) != len(prepared) for output in outputs):
            raise DetectorFault(f"the detector gave outputs {[output.shape for output in outputs]} for {len(prepared)}")
        return [self._checked([output[at : at + 1] for output in outputs]) for at in range(len(prepared))]

    def _answers(self, prepared: NDArray[Any]) -> list[NDArray[Any]]:
        more = {name: np.repeat(value, len(prepared), axis=0) for name, value in self._more.items()}
        try:
            return list(self._session.run(self._names, {self._spec.input.name: prepared, **more}))
        except Exception as error:  # the runtime's errors share no base but Exception
            raise DetectorFault(f"the detector failed: {str(error).splitlines()[0]}") from error

    def _checked(self, outputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        if any(not _like(output.shape, shape) for output, shape in zip(outputs, self._shapes, strict=True)):
            raise DetectorFault(
                f"the detector gave outputs {[output.shape for output in outputs]}, not as at its start"
            )
        with np.errstate(over="ignore"):
            plain = [value if value.dtype.kind in "iu" else np.asarray(value, np.float32) for value in outputs]
        if not all(np.isfinite(value).all() for value in plain):
            raise DetectorFault("the detector gave a value that is not a number")
        return plain

    def _open(self) -> bool:
        """Whether it leaves open how many pictures it takes, and how many answers it gives."""
        taken = next(item for item in self._session.get_inputs() if item.name == self._spec.input.name)
        given = [item for item in self._session.get_outputs() if item.name in self._names]
        return all(item.shape and not isinstance(item.shape[0], int) for item in (taken, *given))

    def _check_inputs(self) -> dict[str, NDArray[Any]]:
        """What it takes beside the picture."""
        spec = self._spec.input
        wanted = list(spec.shape)
        inputs = {item.name: item for item in self._session.get_inputs()}
        taken = inputs.pop(spec.name, None)
        if taken is None:
            raise ModelError(f"{self._file} takes {', '.join(self._inputs())}; model.yaml says {spec.name}: {_OTHER}")
        shape = _for_one(taken.shape)
        if None in shape:
            raise ModelError(f"{self._file} takes pictures of any size {taken.shape}: {FIX_SIZE}")
        if shape != wanted or taken.type != TYPES[spec.dtype]:
            raise ModelError(
                f"{self._file} takes {taken.name} {taken.type} {taken.shape}, model.yaml says {spec.dtype} {wanted}: "
                f"{_OTHER}"
            )
        more = {SIZES: np.array([[spec.width, spec.height]], np.int64)} if SIZES in inputs else {}
        if unknown := sorted(set(inputs) - set(more)):
            raise ModelError(
                f"{self._file} wants a second input {unknown[0]}, which this station cannot give: {_OTHER}"
            )
        return more

    def _inputs(self) -> list[str]:
        return [item.name for item in self._session.get_inputs()]

    def _check_names(self) -> list[str]:
        """The outputs that the decoder takes."""
        there = [item.name for item in self._session.get_outputs()]
        names = list(self._spec.decode.outputs or there)
        if missing := sorted(set(names) - set(there)):
            raise ModelError(f"{self._file} has no output {missing[0]}, only {', '.join(there)}: {_OTHER}")
        kinds = {item.name: item.type for item in self._session.get_outputs()}
        if others := [f"{name} {kinds[name]}" for name in names if kinds[name] not in _NUMBERS]:
            raise ModelError(f"{self._file} gives {', '.join(others)}, which no family does: export it for detection")
        return names

    def _check_outputs(self) -> tuple[list[Shape], bool]:
        """Their shapes as declared, and whether they are a list that can be full.

        What is left open there is measured, to see whether the decoder fits; a list of an open length that has places
        with nothing in them is filled up to a length that is always the same.
        """
        declared = {item.name: _for_one(item.shape) for item in self._session.get_outputs()}
        shapes = [declared[name] for name in self._names]
        outputs = [] if all(None not in shape for shape in shapes) else self._measured()
        measured = [list(output.shape) for output in outputs] or shapes
        count, named = self.decoder.classes_in(measured, self.canvas), len(self._spec.classes)
        if count not in {named, ANY}:
            raise ModelError(
                f"{self._file} has outputs {measured}, which do not fit the {named} classes of model.yaml with decoder "
                f"{self._spec.decode.decoder} ({self.decoder.exports}): {_OTHER}"
            )
        slots = self.decoder.slots
        return shapes, slots is not None and (not outputs or bool((slots(outputs) < self._spec.decode.floor).any()))

    def _measured(self) -> list[NDArray[Any]]:
        spec = self._spec.input
        try:
            return list(self._session.run(self._names, {spec.name: np.zeros(spec.shape, spec.dtype), **self._more}))
        except Exception as error:  # the runtime's errors share no base but Exception
            raise ModelError(f"{self._file} {runtime_reason(str(error))}") from error


def _for_one(shape: Sequence[object]) -> Shape:
    """A declared shape, for one picture: None where it is open."""
    sizes = [size if isinstance(size, int) else None for size in shape]
    return [1 if sizes[0] is None else sizes[0], *sizes[1:]] if sizes else []


def _like(shape: Sequence[int], declared: Shape) -> bool:
    return len(shape) == len(declared) and all(
        wanted in {None, size} for size, wanted in zip(shape, declared, strict=True)
    )


def open_session(onnx: bytes, file: Path, threads: int = 1) -> Any:
    """An ONNX Runtime session on the processor.

    Args:
        onnx: the model.
        file: where it came from, for messages.
        threads: cores that one run may use.

    Raises:
        ModelError: the runtime cannot run it; says what to do.
    """
    if _EXTERNAL.search(onnx):
        raise ModelError(f"{file} {runtime_reason('external')}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors share no base but Exception
        raise ModelError(f"{file} {runtime_reason(str(error))}") from error


def _decoder(model: ModelFolder) -> Decoder:
    name = model.spec.decode.decoder
    decoder = DECODERS.get(name)
    if decoder is None:
        known = ", ".join(DECODERS)
        raise ModelError(
            f"{model.path / 'model.yaml'}: decode.decoder: there is no {name!r}; this station knows {known}"
        )
    return decoder


def runtime_reason(message: str) -> str:
    """What the runtime's error means, and what to do: goes on behind the file's name."""
    if "IR version" in message or "opset" in message.lower():
        return "is of a newer ONNX version than the runtime here reads: export it for this one, or update the station"
    if "external" in message.lower():
        return "keeps its weights in another file: export it as one file with external_data=False"
    if "INVALID_PROTOBUF" in message or "protobuf" in message.lower():
        return "is not an ONNX model, or only a part of one: copy the model folder again, whole"
    if "allocate memory" in message:
        return "wants more memory than a model may have here: export a smaller one"
    return f"cannot be run here ({message.splitlines()[0]}): copy the model folder again, or export the model anew"

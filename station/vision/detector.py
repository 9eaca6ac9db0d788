"""The detector: one ONNX session on one thread, asked with pixels, answering with findings or a fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime as ort

from station.core.events import Finding
from station.vision.decoders import DECODERS, Candidates, without_doubles
from station.vision.faults import DetectorFault, ModelError, PictureFault
from station.vision.picture import read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from station.vision.folder import ExpectedFinding, InputSpec, ModelFolder

_WARM_UPS = 3
_EXTERNAL = b"\x0a\x08location\x12"
"""How a tensor says in ONNX's protobuf that its data lie in another file, which the model's hash would not cover."""
_SAME_PLACE = 0.5
_SCORE_SLACK = 0.1
"""By how much a golden score may differ: other processors round otherwise, other colours change far more."""


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """What the detector saw in one picture.

    Attributes:
        findings: over the model's floor, highest score first.
        inference_ms: the time from pixels to findings.
    """

    findings: tuple[Finding, ...]
    inference_ms: float


class Detector:
    """A model made ready to look; creating one is slow and holds the interpreter lock, so do it before the line runs.

    Args:
        model: the folder, as `load_model` gave it.
        threads: cores that one look may use. The session never spins while it waits.

    Raises:
        ModelError: the file is no model that this runtime can run, or not the one that its `model.yaml` describes.
    """

    def __init__(self, model: ModelFolder, threads: int = 1) -> None:
        self.model = model
        self._spec = model.spec
        decoder = DECODERS.get(self._spec.decode.decoder)
        if decoder is None:
            raise ModelError(
                f"{model.path / 'model.yaml'}: decode.decoder: there is no {self._spec.decode.decoder!r}; "
                f"this station knows {', '.join(DECODERS)}"
            )
        self._decoder = decoder
        self._session = _session(model, threads)
        self._check_shapes()
        blank = np.full((self._spec.input.height, self._spec.input.width, 3), self._spec.input.fill, np.uint8)
        for _ in range(_WARM_UPS):
            self._run(prepare(blank, self._spec.input)[0])

    def detect(self, pixels: NDArray[np.uint8]) -> DetectionResult:
        """Look at one picture.

        Args:
            pixels: uint8 (H, W, 3), RGB, of any size; it is fitted into the network's input, never cropped.

        Returns:
            The findings over the model's floor, boxes in pixels of this picture.

        Raises:
            DetectorFault: no answer that could be believed.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
            raise DetectorFault(f"the detector was given {pixels.dtype} {pixels.shape}, not uint8 (H, W, 3)")
        began = time.perf_counter()
        prepared, zoom = prepare(pixels, self._spec.input)
        output = self._run(prepared)
        decode = self._spec.decode
        found = without_doubles(self._decoder.decode(output, decode.floor), decode.overlap, decode.most)
        findings = self._findings(found, zoom, pixels.shape[1], pixels.shape[0])
        return DetectionResult(findings, (time.perf_counter() - began) * 1e3)

    def self_test(self) -> None:
        """Look at all golden pictures.

        Raises:
            DetectorFault: as `golden_test` does.
        """
        for _ in self.golden_test():
            pass

    def golden_test(self) -> Iterator[None]:
        """Look at the golden pictures, one a step: each finding expected is there, at its place and score, no other.

        Raises:
            DetectorFault: says which picture, and what is otherwise.
        """
        for golden in self._spec.golden:
            try:
                findings = self.detect(read_picture(self.model.golden[golden.file])).findings
            except (PictureFault, DetectorFault) as fault:
                raise DetectorFault(f"golden picture {golden.file}: {fault}") from fault
            sure = [item for item in findings if item.score >= self._spec.thresholds[item.label]]
            for wanted in golden.expect:
                match = next((item for item in sure if _same(item, wanted)), None)
                if match is None:
                    raise DetectorFault(
                        f"golden picture {golden.file}: the {wanted.label} in it is not found as before"
                    )
                sure.remove(match)
            if sure:
                raise DetectorFault(f"golden picture {golden.file}: a {sure[0].label} is found that is not there")
            yield

    def _check_shapes(self) -> None:
        file = self.model.path / "model.onnx"
        (taken,), outputs = self._session.get_inputs(), self._session.get_outputs()
        spec = self._spec.input
        wanted = [1, 3, spec.height, spec.width]
        if taken.name != spec.name or list(taken.shape) != wanted or taken.type != "tensor(float)":
            raise ModelError(
                f"{file} takes {taken.name} {taken.type} {taken.shape}, model.yaml says {spec.name} float {wanted}: "
                "use the model.yaml that was released with this model.onnx"
            )
        shape = [size if isinstance(size, int) else None for size in outputs[0].shape]
        classes = self._decoder.classes_in(shape) if len(outputs) == 1 else None
        if classes != len(self._spec.classes):
            raise ModelError(
                f"{file} has an output {outputs[0].shape}, which does not fit the {len(self._spec.classes)} classes of "
                f"model.yaml with decoder {self._spec.decode.decoder}: use the model.yaml released with this model.onnx"
            )

    def _run(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            (output,) = self._session.run(None, {self._spec.input.name: prepared})
        except Exception as error:  # the runtime's errors share no base but Exception
            raise DetectorFault(f"the detector failed: {str(error).splitlines()[0]}") from error
        if not np.isfinite(output).all():
            raise DetectorFault("the detector gave a value that is not a number")
        return np.asarray(output, np.float32)

    def _findings(self, found: Candidates, zoom: float, width: int, height: int) -> tuple[Finding, ...]:
        boxes = np.clip(found.boxes / zoom, 0, (width, height, width, height))
        return tuple(
            Finding(self._spec.classes[int(label)], float(score), (float(b[0]), float(b[1]), float(b[2]), float(b[3])))
            for label, score, b in zip(found.labels, found.scores, boxes, strict=True)
        )


def prepare(pixels: NDArray[np.uint8], spec: InputSpec) -> tuple[NDArray[np.float32], float]:
    """Fit a picture into the network's input: one zoom for both directions, top left, the rest filled.

    Args:
        pixels: uint8 (H, W, 3), RGB.
        spec: the model's input.

    Returns:
        float32 (1, 3, height, width), normalised, and the zoom from the picture's pixels to the input's.
    """
    rows, columns = pixels.shape[:2]
    zoom = min(spec.width / columns, spec.height / rows)
    fitted = pixels
    if zoom != 1.0:
        size = (max(1, min(spec.width, round(columns * zoom))), max(1, min(spec.height, round(rows * zoom))))
        way = cv2.INTER_AREA if zoom < 1.0 else cv2.INTER_LINEAR
        fitted = np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)
    canvas = np.full((spec.height, spec.width, 3), spec.fill, np.float32)
    canvas[: fitted.shape[0], : fitted.shape[1]] = fitted if spec.colour == "rgb" else fitted[..., ::-1]
    canvas -= np.array(spec.mean, np.float32)
    canvas *= np.array(spec.scale, np.float32)
    return np.ascontiguousarray(canvas.transpose(2, 0, 1))[None], zoom


def _session(model: ModelFolder, threads: int) -> Any:
    if _EXTERNAL in model.onnx:
        raise ModelError(f"{model.path / 'model.onnx'} {_reason('external')}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(model.onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors share no base but Exception
        file = model.path / "model.onnx"
        raise ModelError(f"{file} {_reason(str(error))}") from error


def _reason(message: str) -> str:
    if "IR version" in message or "opset" in message.lower():
        return "is of a newer ONNX version than the runtime here reads: export it for this one, or update the station"
    if "external" in message.lower():
        return "keeps its weights in another file: export it as one file with external_data=False"
    if "INVALID_PROTOBUF" in message or "protobuf" in message.lower():
        return "is not an ONNX model, or only a part of one: copy the model folder again, whole"
    return f"cannot be run here ({message.splitlines()[0]}): copy the model folder again, or export the model anew"


def _same(found: Finding, wanted: ExpectedFinding) -> bool:
    if found.label != wanted.label or abs(found.score - wanted.score) > _SCORE_SLACK:
        return False
    low = np.maximum(found.box[:2], wanted.box[:2])
    high = np.minimum(found.box[2:], wanted.box[2:])
    both = float(np.clip(high - low, 0, None).prod())
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (found.box, wanted.box)]
    return both > _SAME_PLACE * (areas[0] + areas[1] - both)

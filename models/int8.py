"""A released model with convolutions in 8-bit integers: what it would save, and what it would cost.

Only a trial: docs/decisions/0061 says what came of it.
"""

from __future__ import annotations

import logging
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from models.evaluation import metrics
from models.held_out import UNSEEN, parcel, try_parcels
from station.vision import Detector
from station.vision.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from station.vision.folder import ModelFolder

_LAST = (".labels.weight", ".sides.weight")
"""What gives the answer stays in float32: it costs nothing, and would be rounded to 256 scores."""
_BACKBONE = "network.backbone."
_RANGES_FROM = 64
"""Pictures whose values the integers' ranges are taken from."""
_FAR = 1 << 21
"""Numbers of parcels that no release looks at."""
_ROUNDS, _WARM_UPS = 40, 5


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to keep the model: its size, the time of a look (ms, median of all variants in turns), its figures."""

    name: str
    kilobytes: int
    look_ms: float
    figures: dict[str, float]


def variants(model: ModelFolder, parcels: int, tell: Callable[[int], None]) -> list[Variant]:
    """The model as it is, with all but the backbone in 8-bit integers, and with all of it.

    Args:
        model: one that this package released.
        parcels: on how many held-out ones each is tried; a quarter more on the unseen machine.
        tell: called with 1 after each look.
    """
    seed = model.spec.training.seed if model.spec.training else 0
    pictures = [parcel("tune", seed, _FAR + number).pixels for number in range(_RANGES_FROM)]
    inputs = [prepare(pixels, model.spec.input)[0] for pixels in pictures]
    files = {
        "float32": model.onnx,
        "int8 behind the backbone": quantised(model.onnx, inputs, model.spec.input.name, keep=(*_LAST, _BACKBONE)),
        "int8": quantised(model.onnx, inputs, model.spec.input.name, keep=_LAST),
    }
    detectors = {name: Detector(replace(model, onnx=file)) for name, file in files.items()}
    times = _times(list(detectors.values()), pictures)
    found = []
    for (name, detector), look_ms in zip(detectors.items(), times, strict=True):
        tried = try_parcels(detector, "test", seed, parcels, tell)
        unseen = try_parcels(detector, "test", seed, parcels // 4, tell, UNSEEN)
        found.append(Variant(name, len(files[name]) // 1000, look_ms, metrics(tried, unseen, model.thresholds)))
    return found


def quantised(file: bytes, inputs: Iterable[NDArray[np.float32]], name: str, keep: tuple[str, ...]) -> bytes:
    """An exported model with its convolutions in 8-bit integers, each channel with a scale of its own.

    Args:
        file: the ONNX as `to_onnx` gives it.
        inputs: float32 (1, 3, H, W), from which the ranges of what flows through it are taken.
        name: of the input.
        keep: parts of the names of weights whose convolutions stay in float32.
    """
    plain = onnx.load_from_string(file)
    _widen(plain.graph)
    kept = [n.name for n in plain.graph.node if n.op_type == "Conv" and any(part in n.input[1] for part in keep)]
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        source, target = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(plain, source)
        quantize_static(
            source,
            target,
            _Ranges(inputs, name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=kept,
        )
        return target.read_bytes()


@contextmanager
def _without_advice() -> Iterator[None]:
    """The quantiser advises a step that this graph does not need, by the log that all share."""
    log = logging.getLogger()
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


class _Ranges(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: Iterable[NDArray[np.float32]], name: str) -> None:
        self._inputs = iter(inputs)
        self._name = name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        pixels = next(self._inputs, None)
        return None if pixels is None else {self._name: pixels}


def _widen(graph: onnx.GraphProto) -> None:
    """Weights that are kept as float16 become float32, since only constants can be quantised."""
    halves = {weight.name: weight for weight in graph.initializer}
    nodes = []
    for node in graph.node:
        half = halves.get(node.input[0]) if node.op_type == "Cast" else None
        if half is None:
            nodes.append(node)
        else:
            half.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(half).astype(np.float32), node.output[0]))
    del graph.node[:]
    graph.node.extend(nodes)


def _times(detectors: Sequence[Detector], pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
    """Median ms of a look of each, in turns."""
    times = np.zeros((_ROUNDS, len(detectors)))
    for number, row in enumerate(times):
        for at, detector in enumerate(detectors):
            began = time.perf_counter()
            detector.detect(pictures[number % len(pictures)])
            row[at] = (time.perf_counter() - began) * 1e3
    return [float(value) for value in np.median(times[_WARM_UPS:], axis=0)]

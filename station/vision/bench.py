"""Our whole path from a decoded picture to findings, beside what no path can do without: resizing and running."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from station.vision.detector import Detector
from station.vision.prepare import fit_of, prepare, resized
from station.vision.session import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from station.vision.folder import ModelFolder

WARM_UPS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one way, over all rounds: median, and 99th percentile."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Two ways with the same pictures, taken in turns.

    Attributes:
        ours: from pixels to findings.
        bare: resizing to the network's input, and running it on an input prepared before.
        ratio: the median of ours over that of bare, round by round.
    """

    ours: Timing
    bare: Timing
    ratio: float


def bench(
    model: ModelFolder, pictures: Sequence[NDArray[np.uint8]], rounds: int, tell: Callable[[int], None] = lambda _: None
) -> Bench:
    """Time both ways in turns.

    Args:
        model: whose path it is.
        pictures: uint8 (H, W, 3), RGB.
        rounds: how often each picture is looked at.
        tell: called with 1 after each round.
    """
    detector, network, spec = Detector(model), Network(model), model.spec.input
    inputs = [prepare(pixels, spec)[0] for pixels in pictures]
    times: list[tuple[float, float]] = []
    for turn in range(rounds + WARM_UPS):
        for pixels, prepared in zip(pictures, inputs, strict=True):
            began = time.perf_counter()
            detector.detect(pixels)
            between = time.perf_counter()
            resized(pixels, fit_of(pixels.shape[1], pixels.shape[0], spec)[1], spec)
            network.run(prepared)
            ended = time.perf_counter()
            if turn >= WARM_UPS:
                times.append((between - began, ended - between))
        tell(1)
    ours, bare = np.array(times).T * 1e3
    return Bench(_timing(ours), _timing(bare), float(np.median(ours / bare)))


def _timing(values: NDArray[np.float64]) -> Timing:
    return Timing(float(np.median(values)), float(np.percentile(values, 99)))

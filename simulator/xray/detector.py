"""From line integrals to the two signals of a line-scan detector, with its noise, its blur and its faults."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.machines import Machine
from simulator.xray.spectrum import response

_SCATTER_DIVISOR = 16
_LEAST_LIGHT = 2e-4
"""Share of the open signal below which a detector tells nothing."""


@dataclass(frozen=True, slots=True)
class Belt:
    """How the belt ran under a picture.

    Attributes:
        stretch: picture length for one length of parcel; 1 when the speed fits the line rate.
        columns: for each column of the picture, which of an undisturbed one it shows, intp (W,); None when undisturbed.
    """

    stretch: float = 1.0
    columns: NDArray[np.intp] | None = None


def belt_of(machine: Machine, rng: np.random.Generator) -> Belt:
    """Draw how the belt ran: within a half percent, seldom up to six off, seldom a stop that repeats some columns."""
    stretch = 1.0 + float(rng.normal(0, 0.005))
    if rng.random() < machine.faults:
        stretch *= float(rng.uniform(0.94, 1.06))
    if rng.random() >= machine.faults:
        return Belt(stretch)
    width = machine.size_px[0]
    at, repeated, lost = int(rng.integers(20, width - 20)), int(rng.integers(2, 7)), int(rng.integers(0, 5))
    columns = np.concatenate((np.arange(at), np.full(repeated, at), np.arange(at + lost, width)))[:width]
    padded = np.concatenate((columns, np.full(width - columns.size, width - 1)))
    return Belt(stretch, padded.astype(np.intp))


def signals(
    amounts: NDArray[np.float32], machine: Machine, belt: Belt, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What the detector reports for line integrals.

    Args:
        amounts: float32 (B, H, W), millimetres of the basis materials along each ray.
        machine: whose detector.
        belt: how the belt ran; its stretch is taken to be in `amounts` already.
        rng: where noise and faults come from.

    Returns:
        float32 (2, H, W), the low and high layer's share of the open signal, at least `_LEAST_LIGHT`.
    """
    light = response(machine.source).through(amounts)
    for layer in light:
        _scatter(layer, machine.scatter)
        cv2.GaussianBlur(layer, (3, 3), machine.blur_px, layer)
    if belt.columns is not None:
        light = np.ascontiguousarray(light[:, :, belt.columns])
    noise = rng.standard_normal(light.shape, np.float32)
    spread = light * np.float32(1.0 / machine.photons)
    spread += np.float32(machine.electronic**2)
    np.sqrt(spread, out=spread)
    noise *= spread
    light += noise
    light *= _gains(light.shape[1], machine, rng)[None, :, None]
    return np.maximum(light, np.float32(_LEAST_LIGHT), out=light)


def _scatter(layer: NDArray[np.float32], share: float) -> None:
    """Add a smooth floor of scattered light: a share of the mean over some centimetres around, in place."""
    height, width = layer.shape
    small = cv2.resize(layer, (width // _SCATTER_DIVISOR, height // _SCATTER_DIVISOR), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (5, 5), 1.5)
    layer += cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(share)
    layer *= np.float32(1.0 / (1.0 + share))


def _gains(rows: int, machine: Machine, rng: np.random.Generator) -> NDArray[np.float32]:
    """Gain of each element of the array, float32 (rows,): uneven, and in some pictures one is weak or dead."""
    gains = 1.0 + rng.standard_normal(rows) * machine.unevenness
    if rng.random() < machine.faults:
        gains[int(rng.integers(rows))] *= 0.0 if rng.random() < 0.3 else float(rng.uniform(0.6, 0.95))
    return gains.astype(np.float32)

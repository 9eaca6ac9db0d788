"""An X-ray machine: from optical depths at two energies to the coloured picture that its screen shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATIOS = 96
_RATIO_MIN, _RATIO_MAX = 1.0, 4.0
_ORGANIC_RATIO = 1.28
_THIN = 0.035
"""Depth below which colour tells nothing: the ratio is drawn towards organic there."""


@dataclass(frozen=True, slots=True)
class Machine:
    """How one machine sees and shows.

    Attributes:
        name: what to call it.
        organic, mixed, metal: RGB of the three material classes at medium thickness.
        anchors: ratios of low to high depth at which organic ends, mixed lies, and metal begins.
        background: grey value of nothing at all.
        grain: standard deviation of the noise of the transmission where nothing is, as a share of it.
        sharpening: strength of the edge enhancement.
        tone: the greater, the sooner thin things become visible.
        mm_per_px: millimetres of the belt that a pixel covers.
        size_px: width and height of its picture.
    """

    name: str
    organic: tuple[int, int, int] = (238, 138, 44)
    mixed: tuple[int, int, int] = (84, 170, 62)
    metal: tuple[int, int, int] = (28, 66, 196)
    anchors: tuple[float, float, float] = (1.34, 1.72, 2.5)
    background: int = 254
    grain: float = 0.012
    sharpening: float = 0.9
    tone: float = 6.0
    mm_per_px: float = 1.6
    size_px: tuple[int, int] = (416, 320)


BELT = Machine("belt")
MACHINES = (
    BELT,
    Machine("strong", (236, 104, 40), (70, 196, 90), (24, 40, 226), grain=0.008, sharpening=1.3, tone=9.0),
    Machine("pale", (226, 196, 150), (120, 150, 100), (48, 58, 104), grain=0.03, sharpening=1.1, tone=4.0),
    Machine("green", (238, 150, 70), (60, 150, 50), (20, 96, 168), (1.3, 1.6, 2.9), grain=0.006, sharpening=1.4),
    Machine("grey", (232, 120, 70), (100, 190, 130), (36, 60, 210), background=232, grain=0.01, tone=7.0),
)


def develop(depth: NDArray[np.float32], machine: Machine, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn optical depths into the machine's picture.

    Args:
        depth: float32 (H, W, 2), optical depth at the low and the high energy.
        machine: whose picture it is.
        rng: where the grain comes from.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    through = cv2.GaussianBlur(np.exp(-depth), (3, 3), 0.6)
    noise = rng.standard_normal(through.shape, np.float32)
    through += noise * np.float32(machine.grain) * np.sqrt(through + np.float32(0.02))
    seen = -np.log(np.clip(through, 0.004, 1.2))
    smooth = cv2.GaussianBlur(seen, (5, 5), 1.0)
    ratio = (smooth[..., 0] + _THIN * _ORGANIC_RATIO) / (np.maximum(smooth[..., 1], -0.5 * _THIN) + _THIN)
    mixed = np.maximum(0.2 * seen[..., 0] + 0.8 * seen[..., 1], -0.02)
    deepest = np.float32(np.log1p(machine.tone * 3.6))
    light = 1.0 - np.log1p(np.float32(machine.tone) * mixed) / deepest
    light += np.float32(machine.sharpening) * (light - cv2.GaussianBlur(light, (0, 0), 1.6))
    shade = np.clip(light * 255.0, 0, 255).astype(np.uint8)
    step = (_RATIOS - 1) / (_RATIO_MAX - _RATIO_MIN)
    hue = np.clip((ratio - _RATIO_MIN) * step, 0, _RATIOS - 1).astype(np.uint8)
    return _palette(machine)[hue, shade]


@cache
def _palette(machine: Machine) -> NDArray[np.uint8]:
    """Colours by ratio and light, uint8 (_RATIOS, 256, 3): white when thin, full colour in the middle, then black."""
    ratios = np.linspace(_RATIO_MIN, _RATIO_MAX, _RATIOS)
    colours = np.array((machine.organic, machine.mixed, machine.metal), np.float64)
    full = np.stack([np.interp(ratios, machine.anchors, colours[:, channel]) for channel in range(3)], axis=1)
    light = np.linspace(0.0, 1.0, 256)[None, :, None]
    white = np.full(3, machine.background, np.float64)
    thin = full[:, None] + (white - full[:, None]) * np.maximum((light - 0.5) / 0.5, 0.0) ** 1.2
    thick = full[:, None] * (light / 0.5) ** 0.9
    return np.where(light >= 0.5, thin, thick).clip(0, 255).astype(np.uint8)

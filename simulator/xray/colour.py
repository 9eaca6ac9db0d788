"""From two signals to the picture on the screen: effective atomic number, tone, edges, pseudo-colour."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.machines import Machine, Screen
from simulator.xray.materials import BASIS, amounts
from simulator.xray.spectrum import BINS, response

WEDGES = (("polyethylene", 5.5, 700.0), ("water", 7.5, 500.0), ("aluminium", 13.0, 280.0), ("titanium", 20.0, 110.0),
          ("steel", 26.0, 70.0))  # fmt: skip
"""Step wedges that a machine is calibrated with: material, effective atomic number, greatest thickness in mm."""
_LEAST_LEFT = 2e-4
LEAST_SIGNAL = 0.0015
"""Share of the open low signal below which it is too weak to tell materials apart: shown as metal, darkening."""
_TRUSTED = 3.0
"""The low signal is too weak, too, where it is less than so many times the scattered light."""
_SUBTRACTED = 0.75
"""Share of the scattered light of an open picture that a machine takes off again; where it is dark, there is less."""
_DEPTHS, _RATIOS, _HUES, _SHADES = 128, 160, 64, 256
_DEEPEST, _WIDEST = 7.0, 4.5
_Z_LOW, _Z_HIGH = 5.0, 27.0
_OF_WATER = 1.25
"""Ratio of the two attenuations to which thin things are drawn, about that of water."""


@cache
def hues(machine: Machine) -> NDArray[np.uint8]:
    """The machine's calibration: index of the effective atomic number by high attenuation and ratio low to high.

    As real machines do, it is taken from wedges of known materials, so that beam hardening is in it. Along each row
    the ratios of the wedges at that attenuation are interpolated.

    Returns:
        uint8 (_DEPTHS, _RATIOS), 0 to _HUES - 1 for atomic numbers 5 to 27.
    """
    depths = np.linspace(0, _DEEPEST, _DEPTHS)
    depths[0] = depths[1] / 8
    curves = np.stack([_ratios(machine, material, most, depths) for material, _, most in WEDGES])
    curves = np.maximum.accumulate(curves + np.arange(len(WEDGES))[:, None] * 1e-6, axis=0)
    numbers = np.array([number for _, number, _ in WEDGES])
    ratios = np.linspace(0, _WIDEST, _RATIOS)
    found = np.stack([np.interp(ratios, curves[:, column], numbers) for column in range(_DEPTHS)])
    least = max(LEAST_SIGNAL * 2, machine.scatter * _TRUSTED)
    saturated = ratios[None] * depths[:, None] > -np.log(least)
    found[saturated] = np.maximum(found[saturated], WEDGES[-1][1])
    scaled = (found - _Z_LOW) / (_Z_HIGH - _Z_LOW) * (_HUES - 1)
    return np.asarray(np.clip(np.rint(scaled), 0, _HUES - 1), np.uint8)


def _ratios(machine: Machine, material: str, most_mm: float, depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ratio of low to high attenuation of a wedge where its high attenuation has those values; float64 (D,)."""
    thickness = np.geomspace(most_mm / 4000, most_mm, 120)
    wedge = np.zeros((len(BASIS), 1, thickness.size), np.float32)
    for number, amount in enumerate(amounts(material)):
        wedge[number, 0] = thickness * amount
    light = response(machine.source).through(wedge)[:, 0].astype(np.float64)
    low, high = -np.log(np.maximum(light, LEAST_SIGNAL * np.array([[1.0], [0.05]])))
    return np.asarray(np.interp(depths, high, low / high), np.float64)


@cache
def palette(screen: Screen) -> NDArray[np.uint8]:
    """Colours by atomic number and lightness, uint8 (_HUES, 256, 3): white when thin, full in between, then black."""
    numbers = np.linspace(_Z_LOW, _Z_HIGH, _HUES)
    colours = np.array((screen.organic, screen.mixed, screen.metal), np.float64)
    full = np.stack([np.interp(numbers, screen.anchors, colours[:, channel]) for channel in range(3)], axis=1)[:, None]
    light = np.linspace(0.0, 1.0, _SHADES)[None, :, None]
    white = np.full(3, screen.background, np.float64)
    thin = full + (white - full) * np.clip((light - screen.full) / (1 - screen.full), 0, 1)
    thick = full * np.clip(light / screen.full, 0, 1) ** screen.darkening
    return np.asarray(np.where(light >= screen.full, thin, thick).clip(0, 255), np.uint8)


def tone(depth: NDArray[np.float32], screen: Screen) -> NDArray[np.float32]:
    """Lightness by attenuation: 1 where there is nothing, 0 at `screen.deepest` and beyond."""
    risen = depth * np.float32(screen.tone)
    risen += np.float32(1.0)
    np.maximum(risen, np.float32(0.1), out=risen)
    curve = np.asarray(cv2.log(risen), np.float32).reshape(depth.shape)
    curve *= np.float32(-1.0 / np.log1p(screen.tone * screen.deepest))
    curve += np.float32(1.0)
    return curve


def shade(integrals: NDArray[np.float32], machine: Machine) -> NDArray[np.float32]:
    """Lightness without noise, blur or sharpening, at half as many energies: what visibility is reckoned from.

    Args:
        integrals: float32 (B, H, W), mm of the basis materials.
        machine: whose screen.

    Returns:
        float32 (H, W), 0 to 1.
    """
    light = np.maximum(response(machine.source, BINS // 2).through(integrals), np.float32(1e-4))
    return tone(_mixed(_depth(light)), machine.screen)


def _depth(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Attenuation of signals, float32 (2, H, W)."""
    depth = np.asarray(cv2.log(light.reshape(2 * light.shape[1], -1)), np.float32).reshape(light.shape)
    return np.asarray(np.negative(depth, out=depth), np.float32)


def _mixed(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.float32(0.25) * depth[0] + np.float32(0.75) * depth[1], np.float32)


def atomic_numbers(light: NDArray[np.float32], machine: Machine) -> NDArray[np.float32]:
    """Effective atomic number that the machine makes of two signals.

    Args:
        light: float32 (2, H, W), low and high, as shares of the open signal.
        machine: whose calibration.

    Returns:
        float32 (H, W).
    """
    hue = _hue(-np.log(np.clip(light, 1e-5, None)), machine)
    return (hue * np.float32((_Z_HIGH - _Z_LOW) / (_HUES - 1)) + np.float32(_Z_LOW)).astype(np.float32)


def _hue(depth: NDArray[np.float32], machine: Machine) -> NDArray[np.uint8]:
    low, high = depth
    deep = np.clip(high, 0.0, np.float32(_DEEPEST)) + np.float32(machine.screen.unsure)
    ratio = (np.minimum(low, np.float32(-np.log(LEAST_SIGNAL))) + np.float32(machine.screen.unsure * _OF_WATER)) / deep
    row = np.clip(high * np.float32((_DEPTHS - 1) / _DEEPEST), 0, _DEPTHS - 1).astype(np.int32)
    column = np.clip(ratio * np.float32((_RATIOS - 1) / _WIDEST) + np.float32(0.5), 0, _RATIOS - 1).astype(np.int32)
    row *= _RATIOS
    row += column
    return np.asarray(np.take(hues(machine), row), np.uint8)


def develop(light: NDArray[np.float32], machine: Machine) -> NDArray[np.uint8]:
    """Colour two signals as the machine does.

    Args:
        light: float32 (2, H, W), low and high, as shares of the open signal, above zero.
        machine: whose screen.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    screen = machine.screen
    depth = _depth(np.maximum(light - np.float32(machine.scatter * _SUBTRACTED), np.float32(_LEAST_LEFT)))
    smooth = np.empty_like(depth)
    for layer, held in zip(depth, smooth, strict=True):
        cv2.GaussianBlur(layer, (3, 3), 0.9, held)
    lightness = tone(_mixed(depth), screen)
    blurred = cv2.GaussianBlur(lightness, (0, 0), screen.sharpening_px)
    sharp = cv2.addWeighted(lightness, 1.0 + screen.sharpening, blurred, -screen.sharpening, 0.0)
    shades = np.asarray(cv2.convertScaleAbs(np.maximum(sharp, np.float32(0.0)), alpha=_SHADES - 1.0), np.uint8)
    index = _hue(smooth, machine).astype(np.int32)
    index *= _SHADES
    index += shades
    return np.asarray(np.take(palette(screen).reshape(-1, 3), index, axis=0), np.uint8)

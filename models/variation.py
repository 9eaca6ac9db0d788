"""Drawn pictures as other parcels and machines might have given them, varied anew each time one is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.dataset import Drawn

_WHITE = 254.0
_KEPT_SHARE = 0.4
"""What is left of a hazard in a part of a picture must be this share of its box; else it is not asked for."""
_OVERLAID = 0.35
"""How often a second parcel lies over the first: light that has come through both."""
_ASIDE_PX = 40.0


def shown(
    drawn: Drawn, at: int, size: tuple[int, int], rng: np.random.Generator, *, whole: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One picture to learn from.

    Args:
        drawn: the set.
        at: which picture of it.
        size: width and height wanted.
        rng: decides what is done.
        whole: whether all of the picture is in it, about as large as it was drawn; else it is a part around something.

    Returns:
        uint8 (height, width, 3), and boxes as in `Drawn`.
    """
    pixels, boxes = _placed(drawn, at, size, rng, whole=whole)
    if rng.random() < _OVERLAID:
        over, more = _placed(drawn, int(rng.integers(len(drawn.boxes))), size, rng, whole=whole)
        pixels = np.asarray(cv2.multiply(pixels, over, scale=1 / _WHITE), np.uint8)
        boxes = np.concatenate([boxes, more])
    return _toned(pixels, rng), boxes


def _placed(
    drawn: Drawn, at: int, size: tuple[int, int], rng: np.random.Generator, *, whole: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Turned by quarters, mirrored, leaning, larger or smaller."""
    pixels, boxes = np.asarray(drawn.pixels[at]), drawn.boxes[at]
    width, height = size
    zoom = float(np.exp(rng.uniform(-0.25, 0.15) if whole else rng.uniform(-0.45, 0.5)))
    quarter = 0 if whole and rng.random() < 0.8 else int(rng.integers(2))
    flip = rng.choice((-1.0, 1.0), 2) * zoom
    lean = rng.normal(0, 0.04) if rng.random() < 0.3 else 0.0
    turn = np.array([[flip[0], lean * zoom], [-lean * zoom, flip[1]]])
    if quarter:
        turn = turn @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    middle = np.array((pixels.shape[1] / 2, pixels.shape[0] / 2))
    focus = middle + rng.normal(0, 12, 2) if whole else _focus(pixels, boxes, middle, rng)
    matrix = np.column_stack([turn, np.array((width / 2, height / 2)) - turn @ focus])
    ground = np.median(np.concatenate([pixels[0], pixels[-1]]), axis=0)
    moved = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=ground.tolist())
    return np.asarray(moved, np.uint8), _moved(boxes, matrix, width, height)


def _focus(
    pixels: NDArray[np.uint8], boxes: NDArray[np.float32], middle: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Where to look, x and y: near a hazard in most cases, else near anything dense."""
    aside = rng.normal(0, _ASIDE_PX, 2)
    if len(boxes) and rng.random() < 0.7:
        chosen = boxes[int(rng.integers(len(boxes)))]
        return np.asarray((chosen[1:3] + chosen[3:5]) / 2 + aside, np.float64)
    rows, columns = np.nonzero(pixels[::8, ::8, 0] < 150)
    if not rows.size:
        return np.asarray(middle + aside, np.float64)
    at = int(rng.integers(rows.size))
    return np.array((columns[at] * 8.0, rows[at] * 8.0)) + aside


def _moved(boxes: NDArray[np.float32], matrix: NDArray[np.float64], width: int, height: int) -> NDArray[np.float32]:
    if not len(boxes):
        return boxes
    corners = boxes[:, [1, 2, 3, 2, 3, 4, 1, 4]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    limit = np.array((width, height))
    inside_low, inside_high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    share = (inside_high - inside_low).prod(axis=1) / np.maximum((high - low).prod(axis=1), 1.0)
    moved = np.column_stack([boxes[:, 0], inside_low, inside_high]).astype(np.float32)
    kept: NDArray[np.float32] = moved[share > _KEPT_SHARE]
    return kept


def _toned(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another machine's tone, colours, sharpness, noise and compression."""
    if rng.random() < 0.5:
        steps = np.linspace(0, 1, 256)[:, None]
        curve = steps ** (rng.uniform(0.7, 1.4) * rng.uniform(0.9, 1.12, 3)) * rng.uniform(0.92, 1.05, 3)
        pixels = np.asarray(cv2.LUT(pixels, np.clip(curve * 255, 0, 255).astype(np.uint8)[None]), np.uint8)
    if rng.random() < 0.4:
        pixels = _recoloured(pixels, rng)
    if rng.random() < 0.15:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2)), np.uint8)
    if rng.random() < 0.15:
        grain = rng.integers(-12, 13, pixels.shape[:2], np.int16)[..., None] * rng.uniform(0.2, 1)
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        pixels = np.asarray(cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return pixels


def _recoloured(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Hues shifted by up to 24 degrees, and paler or stronger."""
    table = np.stack([np.arange(256)] * 3, 1).astype(np.float64)
    table[:, 0] = (table[:, 0] + rng.uniform(-12, 12)) % 180
    table[:, 1] = np.clip(table[:, 1] * rng.uniform(0.5, 1.3), 0, 255)
    hsv = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), table.astype(np.uint8)[None])
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)

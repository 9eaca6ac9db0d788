"""Drawn pictures as other parcels and machines might have given them, varied anew each time one is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.dataset import Drawn

_WHITE = 254.0
_AS_DRAWN = 0.5
"""How often a picture is turned and mirrored alone, and about as large as it was drawn: as parcels on the belt are."""
_DRAWN_ZOOM = 0.08
_KEPT_SHARE = 0.4
"""What is left of a hazard in a part of a picture must be this share of its box; else it is not asked for."""
_OVERLAID = 0.35
"""How often another parcel lies over what is there, light that has come through all; anew for each, to `_MOST`."""
_FULLER = 0.6
"""The same where things are shown small: what shows much of a belt at once shows bags that are full."""
_SMALL = 0.65
_MOST = 3
_ZOOMS = {True: (-0.65, 0.35), False: (-0.9, 0.5)}
"""Logarithms of the least and greatest zoom, of whole pictures and of parts: real bags are up to a metre wide."""
_COVERED, _MOST_COVERS = 0.5, 4
"""How often sheets of cloth, paper or plastic lie over it, and how many at most: real bags are full of them."""
_SHEET_HUES = (12.0, 16.0, 45.0, 60.0, 75.0)
_HUES, _ANCHORS, _AWAY = 180, (0, 18, 62, 112, 180), (0, 8, 20, 16, 0)
"""Hues of organic, mixed and metal (of OpenCV's 180), between the ends of the scale, which stay, and how far each may
move: what is blue on one machine's screen is teal on another's."""
_LIFTED, _MOST_LIFTED, _DARK = 0.5, 0.3, 0.55
"""How often darks are lifted, the least power of the curve that does it, and below which value something is dark."""
_TINTED, _SHARPENED = 0.3, 0.4
"""How often what is white is tinted, and edges are enhanced as some machines do."""
_ASIDE_PX = 40.0
_APART_PX = 110.0
"""How far the smallest of whole pictures lie from the middle, and so from each other."""


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
    if rng.random() < _AS_DRAWN:
        zoom = float(np.exp(rng.uniform(-_DRAWN_ZOOM, _DRAWN_ZOOM)))
        return _placed(drawn, at, size, zoom, rng, whole=whole)
    zoom = float(np.exp(rng.uniform(*_ZOOMS[whole])))
    pixels, boxes = _placed(drawn, at, size, zoom, rng, whole=whole)
    for _ in range(_MOST):
        if rng.random() >= (_FULLER if zoom < _SMALL else _OVERLAID):
            break
        over, more = _placed(drawn, int(rng.integers(len(drawn.boxes))), size, zoom, rng, whole=whole)
        pixels = np.asarray(cv2.multiply(pixels, over, scale=1 / _WHITE), np.uint8)
        boxes = np.concatenate([boxes, more])
    if rng.random() < _COVERED:
        pixels = _covered(pixels, rng)
    return _toned(pixels, rng), boxes


def _covered(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sheets of cloth, paper or plastic laid over it, light that has come through all."""
    for _ in range(int(rng.integers(1, _MOST_COVERS + 1))):
        sheet = _sheet(pixels.shape[1], pixels.shape[0], rng)
        pixels = np.asarray(cv2.multiply(pixels, sheet, scale=1 / _WHITE), np.uint8)
    return pixels


def _sheet(width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A thin sheet, orange or green, of any outline, with a seam around it and creases in it."""
    hue = rng.choice(_SHEET_HUES) + rng.uniform(-6, 6)
    hsv = np.array([[(hue, rng.uniform(15, 110), rng.uniform(200, 250))]], np.uint8)
    colour = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)[0, 0]
    sheet = np.full((height, width, 3), int(_WHITE), np.uint8)
    middle = rng.uniform((0.1, 0.1), (0.9, 0.9)) * (width, height)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 12))))
    reach = rng.uniform(0.15, 0.6) * width * rng.uniform(0.75, 1.1, angles.size)
    outline = np.rint(middle + np.stack((np.cos(angles), np.sin(angles)), 1) * reach[:, None]).astype(np.int32)
    cv2.fillPoly(sheet, [outline], colour.tolist(), cv2.LINE_AA)
    darker = (colour * rng.uniform(0.7, 0.95)).tolist()
    cv2.polylines(
        sheet, [outline], isClosed=True, color=darker, thickness=int(rng.integers(1, 4)), lineType=cv2.LINE_AA
    )
    for _ in range(int(rng.integers(0, 14))):
        crease = np.cumsum(rng.normal(0, width * 0.035, (6, 2)), axis=0) + middle + rng.normal(0, width * 0.15, 2)
        cv2.polylines(sheet, [np.rint(crease).astype(np.int32)], isClosed=False, color=darker, lineType=cv2.LINE_AA)
    return sheet


def _placed(
    drawn: Drawn, at: int, size: tuple[int, int], zoom: float, rng: np.random.Generator, *, whole: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Turned by quarters, mirrored, leaning, about `zoom` times as large."""
    pixels, boxes = np.asarray(drawn.pixels[at]), drawn.boxes[at]
    width, height = size
    zoom *= float(np.exp(rng.uniform(-0.15, 0.15)))
    quarter = 0 if whole and rng.random() < 0.8 else int(rng.integers(2))
    flip = rng.choice((-1.0, 1.0), 2) * zoom
    lean = rng.normal(0, 0.04) if rng.random() < 0.3 else 0.0
    turn = np.array([[flip[0], lean * zoom], [-lean * zoom, flip[1]]])
    if quarter:
        turn = turn @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    middle = np.array((pixels.shape[1] / 2, pixels.shape[0] / 2))
    aside = 12.0 + max(0.0, 1.0 - zoom) * _APART_PX
    focus = middle + rng.normal(0, aside, 2) if whole else _focus(pixels, boxes, middle, rng)
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
        curve = steps ** (rng.uniform(0.7, 1.4) * rng.uniform(0.9, 1.12, 3))
        if rng.random() < _TINTED:
            curve *= rng.uniform(0.92, 1.05, 3)
        pixels = np.asarray(cv2.LUT(pixels, np.clip(curve * 255, 0, 255).astype(np.uint8)[None]), np.uint8)
    if rng.random() < _LIFTED:
        pixels = _lifted(pixels, float(np.exp(rng.uniform(np.log(_MOST_LIFTED), 0))))
    if rng.random() < 0.6:
        pixels = _recoloured(pixels, rng)
    if rng.random() < _SHARPENED:
        soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.7, 2.0))
        strength = rng.uniform(0.3, 2.0)
        pixels = np.asarray(cv2.addWeighted(pixels, 1 + strength, soft, -strength, 0), np.uint8)
    elif rng.random() < 0.2:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2)), np.uint8)
    if rng.random() < 0.15:
        grain = rng.integers(-12, 13, pixels.shape[:2], np.int16)[..., None] * rng.uniform(0.2, 1)
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        pixels = np.asarray(cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return pixels


def _lifted(pixels: NDArray[np.uint8], power: float) -> NDArray[np.uint8]:
    """What is dark made lighter, black left black: real screens show a gun's steel nearly as light as a blade's."""
    steps = np.linspace(0, 1, 256)
    curve = np.where(steps < _DARK, _DARK * (steps / _DARK) ** power, steps)
    return np.asarray(cv2.LUT(pixels, np.rint(curve * 255).astype(np.uint8)), np.uint8)


def _recoloured(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The hues of organic, mixed and metal moved each by itself, and all paler or stronger."""
    moved = np.array(_ANCHORS) + rng.uniform(-1, 1, len(_ANCHORS)) * _AWAY
    table = np.stack([np.arange(256)] * 3, 1).astype(np.float64)
    table[:, 0] = np.interp(table[:, 0], _ANCHORS, moved) % _HUES
    table[:, 1] = np.clip(table[:, 1] * rng.uniform(0.5, 1.3), 0, 255)
    hsv = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), table.astype(np.uint8)[None])
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)

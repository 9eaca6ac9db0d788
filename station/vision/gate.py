"""The gate: whether a picture is of the kind that the model was trained on, so that the detector's silence may count.

Faults that any machine can have are told by fixed rules; what is usual for the model's pictures by intervals that its
folder brings along, measured on its training pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from station.vision.displaced import displaced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from station.vision.folder import InputSpec, Interval, Measure, ModelFolder

_BLACK = 24
_STEP_OF_CONTENT = 20
_SMEAR_SHARE = 0.06
"""Rows (or columns) in a run that all repeat their neighbour, as a share of all, from which on it is a smear."""
_CODEC_STEP = 6
"""By how much lossy coding may set two rows apart that were the same."""
_BLOCK_SHARE = 0.05
_EMPTY_SHARE = 0.004
_FAINT_STEP = 6
"""What a thin mailer stands out by where it hardly does. Smoothed pictures of an empty belt of eight simulated machines
have less than a seventh of `_EMPTY_SHARE` beyond it."""
_FAINT_SIDE, _FAINT_MARGIN_PX = 0.08, 3
"""A faint thing is a parcel if it is so long and so wide, as a share of the picture's sides, and ends within it."""
_DENSE = 0.45
"""What is darker than this share of the background is dense."""
_PALE, _DARK = 0.8, 0.2
"""What is brighter, or darker, than this share of the background is pale, or dark, for the warmth."""
_PALE_WEIGHT = 2.5
"""Of 2,000 simulated pictures of five machines four come out cold with it; with less, dark wood does, with more, thin
sheets of steel do."""

_NO_LIGHT = 8
_OF_THE_WHOLE = frozenset({"ground", "black"})

_SAID = {
    "sharpness": ("is blurred", "is noise"),
    "warmth": ("has its red and blue exchanged", "has colours unlike the model's pictures"),
    "colour": ("has no colour", "has colours unlike the model's pictures"),
    "dense": ("shows nothing dense enough to be a parcel", "is too dark"),
    "ground": ("is under-exposed: its background is dark", "has a background unlike the model's pictures"),
    "black": ("has nothing black in it", "is black for the most part: inverted, or taken without rays"),
}
"""By measure: what a picture is or has whose value lies below, or above, the model's interval."""


class Quality(NamedTuple):
    """What the gate says of a picture.

    Attributes:
        fault: why it cannot be judged by the model; empty if it can.
        faint: what it shows hardly stands out from its background, as a thin mailer does, or a washed-out picture.
    """

    fault: str
    faint: bool = False


def quality(pixels: NDArray[np.uint8], model: ModelFolder) -> Quality:
    """Whether a picture can be judged by a model.

    Args:
        pixels: uint8 (H, W, 3), RGB.
        model: whose kind of pictures is expected.
    """
    spec = model.spec.gate
    height, width = pixels.shape[:2]
    low, high = spec.sides_px
    if not (low <= min(height, width) and max(height, width) <= high):
        return Quality(f"picture is {width} x {height} pixels; sides from {low} to {high} are expected")
    if not spec.aspect[0] <= width / height <= spec.aspect[1]:
        return Quality(f"picture is {width} x {height} pixels; that is not the shape of the machine's pictures")
    general = of_any_machine(pixels)
    if general.fault:
        return general
    usual = spec.measures
    if general.faint:  # too little to be sharp, dense or of a colour
        usual = {name: interval for name, interval in usual.items() if name in _OF_THE_WHOLE}
    return Quality(_unusual(measures(as_looked_at(pixels, model.spec.input)), usual), general.faint)


def of_any_machine(pixels: NDArray[np.uint8]) -> Quality:
    """What can be said of a picture whatever is usual for its machine."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    ground, smooth = _ground(grey), _smooth(grey)
    faint = _share_beyond(smooth, ground - _STEP_OF_CONTENT) < _EMPTY_SHARE
    fault = _general_fault(pixels, grey, ground, empty=faint and not _faint_parcel(smooth, ground))
    return Quality(fault, faint)


def quality_fault(pixels: NDArray[np.uint8], model: ModelFolder) -> str:
    """Why a picture cannot be judged by this model; empty if it can."""
    return quality(pixels, model).fault


def as_looked_at(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8]:
    """The picture at the size at which a model looks at it, if it is larger: what is blurred is so to the model."""
    zoom = min(spec.width / pixels.shape[1], spec.height / pixels.shape[0])
    if zoom >= 1.0:
        return pixels
    size = (max(1, round(pixels.shape[1] * zoom)), max(1, round(pixels.shape[0] * zoom)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def measures(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """What the gate measures of a picture, by name.

    Args:
        pixels: uint8 (H, W, 3), RGB.

    Returns:
        `sharpness`: mean size of the Laplacian of the light where something is, grey values.
        `colour`: mean difference of the greatest and the least channel there, grey values.
        `warmth`: mean of red less blue of the pale parts there, weighed more, less that of the dark ones, grey values:
        in pseudo-colour what is thin and organic is warm and thick metal is cold, so an exchange of red and blue
        turns the sign round.
        `dense`: share of what is there that is dense.
        `ground`: grey value of the background.
        `black`: share of the whole picture that is black.
    """
    light = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    ground = _ground(light)
    whole = {"ground": float(ground), "black": float((light < _NO_LIGHT).mean())}
    there = light < ground - _STEP_OF_CONTENT
    if not there.any():
        return {"sharpness": 0.0, "colour": 0.0, "warmth": 0.0, "dense": 0.0, **whole}
    edges = np.abs(cv2.Laplacian(light, cv2.CV_16S))
    red, green, blue = cv2.split(pixels)
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    return {
        "sharpness": float(edges[there].mean()),
        "colour": float(spread[there].mean()),
        "warmth": _warmth(pixels),
        "dense": float((light[there] < ground * _DENSE).mean()),
        **whole,
    }


def _warmth(pixels: NDArray[np.uint8]) -> float:
    """The light is reckoned with as much of red as of blue: an exchange then turns the sign round, and that alone."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    light = (red.astype(np.uint16) + 2 * green.astype(np.uint16) + blue) >> 2
    ground = _ground(light)
    red_less_blue = np.subtract(red, blue, dtype=np.int16)
    pale = (light > ground * _PALE) & (light < ground - _STEP_OF_CONTENT)
    return _PALE_WEIGHT * _mean(red_less_blue[pale]) - _mean(red_less_blue[light < ground * _DARK])


def _mean(values: NDArray[np.int16]) -> float:
    return float(values.mean()) if values.size else 0.0


def _ground(light: NDArray[Any]) -> int:
    """The grey value of the background: the 97th percentile, since more than that is never covered."""
    counts = np.cumsum(np.bincount(light.ravel(), minlength=256))
    return int(np.searchsorted(counts, 0.97 * light.size))


def _general_fault(pixels: NDArray[np.uint8], grey: NDArray[np.uint8], ground: int, *, empty: bool) -> str:
    if ground < _BLACK:
        return "picture is black"
    if empty:
        return "picture is empty: nothing stands out from its background"
    light = grey.astype(np.int16)
    for values, word in ((light, "rows"), (light.T, "columns")):
        if _longest_repeat(values) > _SMEAR_SHARE * values.shape[0]:
            return f"picture is smeared: {word} repeat each other"
    if _flat_share(pixels, ground) > _BLOCK_SHARE:
        return "picture has a part of one flat colour, as lost data leave it"
    return displaced(pixels, grey)


def _smooth(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without lines of dead pixels, and without noise: either would be something where nothing is."""
    return np.asarray(cv2.blur(cv2.medianBlur(grey, 5), (5, 5)), np.uint8)


def _share_beyond(smooth: NDArray[np.uint8], bound: int) -> float:
    return float((smooth < bound).mean())


def _faint_parcel(smooth: NDArray[np.uint8], ground: int) -> bool:
    """Whether something as large as a parcel lies in the picture, whole, though it hardly stands out."""
    there = (smooth < ground - _FAINT_STEP).astype(np.uint8)
    height, width = there.shape
    x, y, wide, high = cv2.boundingRect(there)
    margin = _FAINT_MARGIN_PX
    whole = min(x, y) >= margin and x + wide <= width - margin and y + high <= height - margin
    large = wide >= _FAINT_SIDE * width and high >= _FAINT_SIDE * height
    return bool(whole and large and there.mean() >= _EMPTY_SHARE)


def _longest_repeat(light: NDArray[np.int16]) -> int:
    """The longest run of rows that are the same as the row before, and hold more than background."""
    change = np.abs(np.diff(light, axis=0))
    same = (change.mean(axis=1) < 0.25) & (change.max(axis=1) <= _CODEC_STEP) & (light[1:].std(axis=1) > 4)
    ends = np.flatnonzero(np.concatenate(([True], ~same, [True])))
    return int(np.diff(ends).max()) - 1


def _flat_share(pixels: NDArray[np.uint8], ground: int) -> float:
    """Share of 8 x 8 blocks that are one colour through and through, neither background nor black."""
    height, width = (size // 8 * 8 for size in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // 8, 8, width // 8, 8, 3)
    low, high = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    middle = (low.max(axis=2) < ground - _STEP_OF_CONTENT) & (high.max(axis=2) > _BLACK)
    return float(((low == high).all(axis=2) & middle).mean())


def _unusual(found: Mapping[str, float], usual: Mapping[Measure, Interval]) -> str:
    for name, (low, high) in usual.items():
        if not low <= found[name] <= high:
            below, above = _SAID[name]
            what = below if found[name] < low else above
            return f"picture {what} ({name} {found[name]:.1f}, usual {low:.1f} to {high:.1f})"
    return ""

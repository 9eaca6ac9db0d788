"""The shadows that things cast onto the grid of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.materials import BASIS, amounts
from simulator.xray.solids import Matrix, Rays
from simulator.xray.things import Placed, Point, Thing

_LEAST = 2.2
"""Millimetres of polyethylene that may be missing for one of steel: more than in brass, copper or zinc."""
_FOLDS_PX = (10.0, 70.0)
"""Between which distances folds lie, along and across."""
_Window = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class View:
    """The grid of a picture: millimetres a pixel along x and y, and its size in pixels."""

    step_mm: Point
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """What a thing adds to a picture.

    Attributes:
        x, y: corner of its patch, pixels.
        amounts: float32 (B, h, w), millimetres of the basis materials.
    """

    x: int
    y: int
    amounts: NDArray[np.float32]

    def within(self, other: Shadow) -> tuple[_Window, _Window] | None:
        """Where both patches overlap: in the other's amounts, and in this one's; None where they do not."""
        rows, columns = self.amounts.shape[1:]
        height, width = other.amounts.shape[1:]
        x0, y0 = max(self.x, other.x), max(self.y, other.y)
        x1, y1 = min(self.x + columns, other.x + width), min(self.y + rows, other.y + height)
        if x1 <= x0 or y1 <= y0:
            return None
        here = (slice(None), slice(y0 - other.y, y1 - other.y), slice(x0 - other.x, x1 - other.x))
        return here, (slice(None), slice(y0 - self.y, y1 - self.y), slice(x0 - self.x, x1 - self.x))

    def onto(self, whole: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of a picture's (B, H, W) that lies under the patch, as a view."""
        height, width = self.amounts.shape[1:]
        return whole[:, self.y : self.y + height, self.x : self.x + width]


def cast(thing: Thing, turn: Matrix, at_mm: Point, view: View, grow: float = 1.0) -> Shadow | None:
    """The shadow of a thing whose origin is at a place of the picture.

    Args:
        thing: what.
        turn: rotation from the thing's axes to the picture's, rays along z.
        at_mm: where its origin is, from the picture's corner.
        view: the picture's grid.
        grow: how much larger than it is.

    Returns:
        The shadow, or nothing where it lies outside.
    """
    step = np.asarray(view.step_mm) / grow
    centre = np.asarray(at_mm) / grow
    placed = Placed.of(thing, turn)
    low, high = (
        np.floor((placed.bounds[0][:, :2] + centre) / step),
        np.ceil((placed.bounds[1][:, :2] + centre) / step),
    )
    starts = np.maximum(low - 1, 0).astype(np.intp)
    ends = np.minimum(high + 2, view.size_px).astype(np.intp)
    shown = np.flatnonzero((ends - starts > 1).all(axis=1))
    if not shown.size:
        return None
    x0, y0 = starts[shown].min(axis=0).tolist()
    x1, y1 = ends[shown].max(axis=0).tolist()
    grid = [
        ((np.arange(count) + 0.5) * size - start).astype(np.float32)
        for count, size, start in zip(view.size_px, step, centre, strict=True)
    ]
    ways: dict[str, NDArray[np.float32]] = {}
    for number in shown.tolist():
        part, origin = thing.parts[number], placed.origins[number]
        (px0, py0), (px1, py1) = starts[number].tolist(), ends[number].tolist()
        x, y = grid[0][px0:px1] - np.float32(origin[0]), grid[1][py0:py1] - np.float32(origin[1])
        chord = part.solid.chord(Rays(x, y, placed.turns[number]))
        if part.factor != 1.0:
            chord *= np.float32(part.factor)
        if part.material not in ways:
            ways[part.material] = np.zeros((y1 - y0, x1 - x0), np.float32)
        ways[part.material][py0 - y0 : py1 - y0, px0 - x0 : px1 - x0] += chord
    return Shadow(x0, y0, _in_basis(ways, grow))


def crumpled(shadow: Shadow, rng: np.random.Generator) -> Shadow:
    """The shadow of something soft that lies in folds: thicker along wandering lines, uneven in between."""
    height, width = shadow.amounts.shape[1:]
    coarse, fine = (
        cv2.resize(
            rng.standard_normal((int(height / cell_y) + 3, int(width / cell_x) + 3), np.float32),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for cell_x, cell_y in rng.uniform(*_FOLDS_PX, (2, 2)).tolist()
    )
    factor = np.float32(0.7) * np.asarray(cv2.exp(coarse * coarse * np.float32(-40.0)), np.float32)
    factor += np.float32(0.5) * np.asarray(cv2.exp(fine * fine * np.float32(-25.0)), np.float32)
    factor += np.float32(0.12) * fine + np.float32(0.8)
    return Shadow(shadow.x, shadow.y, shadow.amounts * np.maximum(factor, np.float32(0.2)))


def _in_basis(ways: dict[str, NDArray[np.float32]], grow: float) -> NDArray[np.float32]:
    """Ways in each material, float32 (h, w), as millimetres of the basis materials, float32 (B, h, w)."""
    shape = next(iter(ways.values())).shape
    total = np.zeros((len(BASIS), *shape), np.float32)
    for material, way in ways.items():
        for number, amount in enumerate(amounts(material)):
            if amount:
                total[number] += way * np.float32(amount * grow)
    np.maximum(total[1:], np.float32(0.0), out=total[1:])
    np.maximum(total[0], total[1] * np.float32(-_LEAST), out=total[0])
    return total

"""Things made of solids: how one is built up, and the shadow that it casts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.tunnel.flat import Prism, Wire
from simulator.tunnel.materials import BASIS, amounts
from simulator.tunnel.solids import IDENTITY, Ball, Matrix, Rays, Round, Solid, Vector, bevelled, box

Point = tuple[float, float]
_LEAST = 2.2
"""Millimetres of polyethylene that may be missing for one of steel: more than in brass, copper or zinc."""


def about(axis: str, degrees: float) -> Matrix:
    """The rotation about an axis, "x", "y" or "z"; float64 (3, 3)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    one, two = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turn = np.eye(3)
    turn[one, one] = turn[two, two] = cos
    turn[one, two], turn[two, one] = -sin, sin
    return turn


def towards(way: Vector) -> Matrix:
    """A rotation that takes the z axis to a direction; float64 (3, 3)."""
    z = np.asarray(way, np.float64) / np.linalg.norm(way)
    aside = np.array((0.0, 0.0, 1.0)) if abs(z[2]) < 0.9 else np.array((1.0, 0.0, 0.0))
    x = np.cross(aside, z)
    x /= np.linalg.norm(x)
    return np.column_stack((x, np.cross(z, x), z))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A solid of one material within a thing.

    Attributes:
        solid: its shape.
        material: of `materials.MATERIALS`.
        at: where its origin is in the thing, mm.
        turn: rotation from its axes to the thing's.
        factor: 1, or -1 for a hollow, or another share for what is porous.
    """

    solid: Solid
    material: str
    at: NDArray[np.float64]
    turn: Matrix
    factor: float


class Thing:
    """A thing in the making: x along it, y across, z its thickness when it lies flat; around its origin, in mm."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def add(
        self, solid: Solid, material: str, at: Vector = (0, 0, 0), turn: Matrix = IDENTITY, factor: float = 1.0
    ) -> None:
        """Add a solid."""
        self.parts.append(Part(solid, material, np.asarray(at, np.float64), turn, factor))

    def box(self, low: Vector, high: Vector, material: str, factor: float = 1.0) -> None:
        """Add a box between two corners."""
        span, middle = np.subtract(high, low), np.add(high, low) / 2
        half = np.maximum(np.abs(span) / 2, 1e-3)
        self.parts.append(
            Part(box((float(half[0]), float(half[1]), float(half[2]))), material, middle, IDENTITY, factor)
        )

    def shell(self, low: Vector, high: Vector, material: str, wall: float) -> None:
        """Add a closed box with walls of that thickness."""
        self.box(low, high, material)
        inner_low = tuple(float(value) + wall for value in low)
        inner_high = tuple(float(value) - wall for value in high)
        self.box(
            (inner_low[0], inner_low[1], inner_low[2]), (inner_high[0], inner_high[1], inner_high[2]), material, -1
        )

    def tube(
        self,
        start: Vector,
        end: Vector,
        radius: float,
        material: str,
        end_radius: float | None = None,
        wall: float | None = None,
        flat: float = 1.0,
        factor: float = 1.0,
    ) -> None:
        """Add a cylinder or frustum between two points; hollow where `wall` is given.

        `flat` squeezes it along z, for one that lies in the xy plane.
        """
        way = np.subtract(end, start).astype(np.float64)
        half = float(np.linalg.norm(way)) / 2
        middle = np.add(start, end) / 2
        last = radius if end_radius is None else end_radius
        turn = towards((float(way[0]), float(way[1]), float(way[2])))
        self.parts.append(Part(Round(radius, last, half, flat), material, middle, turn, factor))
        if wall is not None and min(radius, last) * min(flat, 1.0) > wall:
            inner = Round(radius - wall, last - wall, half, flat)
            self.parts.append(Part(inner, material, middle, turn, -factor))

    def spin(self, profile: Sequence[Point], material: str, y: float = 0.0, wall: float | None = None) -> None:
        """Add a body of revolution about x: frusta between (x, radius) points."""
        for (x0, r0), (x1, r1) in pairwise(profile):
            if x1 > x0:
                self.tube((x0, y, 0), (x1, y, 0), max(r0, 0.05), material, max(r1, 0.05), wall)

    def ball(self, at: Vector, half: Vector, material: str, wall: float | None = None) -> None:
        """Add an ellipsoid; hollow where `wall` is given."""
        self.add(Ball(half), material, at)
        if wall is not None and min(half) > wall:
            self.add(Ball((half[0] - wall, half[1] - wall, half[2] - wall)), material, at, IDENTITY, -1.0)

    def plate(
        self,
        outlines: Sequence[Sequence[Point]],
        thick: float,
        material: str,
        z: float = 0.0,
        factor: float = 1.0,
    ) -> None:
        """Add outlines in the xy plane, `thick` mm thick around z; an outline within another is a hole."""
        kept = tuple(tuple((float(x), float(y)) for x, y in outline) for outline in outlines)
        self.add(Prism(kept, thick / 2), material, (0, 0, z), IDENTITY, factor)

    def blade(self, outline: Sequence[Point], thick: float, edge_y: float, depth: float, material: str) -> None:
        """Add a bevelled blade; see `solids.bevelled`."""
        self.add(bevelled(outline, thick / 2, edge_y, depth), material)

    def wire(self, points: Sequence[Vector], diameter: float, material: str) -> None:
        """Add a wire along a polyline."""
        self.add(Wire(tuple((float(x), float(y), float(z)) for x, y, z in points), diameter), material)

    def take(self, other: Thing, at: Vector = (0, 0, 0), turn: Matrix = IDENTITY) -> None:
        """Add another thing's parts, turned and moved."""
        for part in other.parts:
            moved = turn @ part.at + np.asarray(at, np.float64)
            self.parts.append(Part(part.solid, part.material, moved, turn @ part.turn, part.factor))

    def centred(self) -> Thing:
        """The same thing with its origin in the middle of it."""
        low, high = self.reach()
        moved = Thing()
        middle = (low + high) / 2
        moved.take(self, (-float(middle[0]), -float(middle[1]), -float(middle[2])))
        return moved

    def reach(self, turn: Matrix = IDENTITY) -> tuple[Matrix, Matrix]:
        """Least and greatest x, y, z when turned; float64 (3,) each, mm.

        Raises:
            ValueError: it has no parts.
        """
        if not self.parts:
            raise ValueError("a thing without parts has no size")
        bounds = [_bounds(part, turn) for part in self.parts]
        return np.min([low for low, _ in bounds], axis=0), np.max([high for _, high in bounds], axis=0)


Maker = Callable[[np.random.Generator], Thing]


def _bounds(part: Part, turn: Matrix) -> tuple[Matrix, Matrix]:
    points = part.solid.corners() @ (turn @ part.turn).T + turn @ part.at
    return points.min(axis=0), points.max(axis=0)


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
    bounds = [_bounds(part, turn) for part in thing.parts]
    pixels = [_pixels(low[:2] + centre, high[:2] + centre, step, view.size_px) for low, high in bounds]
    shown = [(part, patch) for part, patch in zip(thing.parts, pixels, strict=True) if patch is not None]
    if not shown:
        return None
    x0, y0 = min(patch[0] for _, patch in shown), min(patch[1] for _, patch in shown)
    x1, y1 = max(patch[2] for _, patch in shown), max(patch[3] for _, patch in shown)
    total = np.zeros((len(BASIS), y1 - y0, x1 - x0), np.float32)
    for part, (px0, py0, px1, py1) in shown:
        middle = turn @ part.at
        x = ((np.arange(px0, px1) + 0.5) * step[0] - centre[0] - middle[0]).astype(np.float32)
        y = ((np.arange(py0, py1) + 0.5) * step[1] - centre[1] - middle[1]).astype(np.float32)
        chord = part.solid.chord(Rays(x, y, turn @ part.turn))
        for number, amount in enumerate(amounts(part.material)):
            if amount:
                total[number, py0 - y0 : py1 - y0, px0 - x0 : px1 - x0] += chord * np.float32(
                    amount * part.factor * grow
                )
    np.maximum(total[1:], np.float32(0.0), out=total[1:])
    np.maximum(total[0], total[1] * np.float32(-_LEAST), out=total[0])
    return Shadow(x0, y0, total)


def _pixels(low: Matrix, high: Matrix, step: Matrix, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    x0, y0 = (max(0, int(value) - 1) for value in np.floor(low / step))
    x1, y1 = (min(most, int(value) + 2) for value, most in zip(np.ceil(high / step), size, strict=True))
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None

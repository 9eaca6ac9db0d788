"""Things made of solids: how one is built up, and where its parts are when it is turned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.xray.flat import Prism, Wire
from simulator.xray.solids import IDENTITY, Ball, Matrix, Round, Solid, Vector, bevelled, box

Point = tuple[float, float]


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
    long = math.sqrt(way[0] ** 2 + way[1] ** 2 + way[2] ** 2)
    a, b, c = way[0] / long, way[1] / long, way[2] / long
    if abs(c) > 0.9:
        wide = math.sqrt(b * b + c * c)
        x = (0.0, -c / wide, b / wide)
    else:
        wide = math.sqrt(a * a + b * b)
        x = (-b / wide, a / wide, 0.0)
    y = (b * x[2] - c * x[1], c * x[0] - a * x[2], a * x[1] - b * x[0])
    return np.array(((x[0], y[0], a), (x[1], y[1], b), (x[2], y[2], c)))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A solid of one material within a thing.

    Attributes:
        solid: its shape.
        material: of `materials.MATERIALS`.
        at: where its origin is in the thing, mm.
        turn: rotation from its axes to the thing's.
        factor: 1, or -1 for a hollow, or another share for what is porous.
        extent: the solid's extent, float64 (2, 3).
    """

    solid: Solid
    material: str
    at: NDArray[np.float64]
    turn: Matrix
    factor: float
    extent: Matrix


class Thing:
    """A thing in the making: x along it, y across, z its thickness when it lies flat; around its origin, in mm."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def add(
        self, solid: Solid, material: str, at: Vector = (0, 0, 0), turn: Matrix = IDENTITY, factor: float = 1.0
    ) -> None:
        """Add a solid."""
        extent = np.array(solid.extent())
        self.parts.append(Part(solid, material, np.asarray(at, np.float64), turn, factor, extent))

    def box(self, low: Vector, high: Vector, material: str, factor: float = 1.0) -> None:
        """Add a box between two corners."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        half = max(abs(x1 - x0) / 2, 1e-3), max(abs(y1 - y0) / 2, 1e-3), max(abs(z1 - z0) / 2, 1e-3)
        self.add(box(half), material, ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2), IDENTITY, factor)

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
        way = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (start[2] + end[2]) / 2)
        half, last = math.hypot(*way) / 2, radius if end_radius is None else end_radius
        turn = towards(way)
        self.add(Round(radius, last, half, flat), material, middle, turn, factor)
        if wall is not None and min(radius, last) * min(flat, 1.0) > wall:
            self.add(Round(radius - wall, last - wall, half, flat), material, middle, turn, -factor)

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
        kept = tuple(np.array(outline, np.float64) for outline in outlines if len(outline))
        if not kept:
            return
        self.add(Prism(kept, thick / 2), material, (0, 0, z), IDENTITY, factor)

    def blade(self, outline: Sequence[Point], thick: float, edge_y: float, depth: float, material: str) -> None:
        """Add a bevelled blade; see `solids.bevelled`."""
        self.add(bevelled(outline, thick / 2, edge_y, depth), material)

    def wire(self, points: Sequence[Vector], diameter: float, material: str, factor: float = 1.0) -> None:
        """Add a wire along a polyline."""
        self.add(Wire(np.array(points, np.float64), diameter), material, factor=factor)

    def take(self, other: Thing, at: Vector = (0, 0, 0), turn: Matrix = IDENTITY) -> None:
        """Add another thing's parts, turned and moved."""
        offset, kept = np.asarray(at, np.float64), turn is IDENTITY
        for part in other.parts:
            moved = part.at + offset if kept else turn @ part.at + offset
            turned = part.turn if kept else turn @ part.turn
            self.parts.append(Part(part.solid, part.material, moved, turned, part.factor, part.extent))

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
        low, high = Placed.of(self, turn).bounds
        return low.min(axis=0), high.max(axis=0)


Maker = Callable[[np.random.Generator], Thing]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The parts of a thing as it is turned.

    Attributes:
        turns: from each part's axes to the picture's, float64 (N, 3, 3).
        origins: where each part's origin is, float64 (N, 3).
        bounds: least and greatest x, y, z of each part, float64 (N, 3) each.
    """

    turns: Matrix
    origins: Matrix
    bounds: tuple[Matrix, Matrix]

    @classmethod
    def of(cls, thing: Thing, turn: Matrix) -> Placed:
        """The parts of a thing, turned."""
        extents = np.array([part.extent for part in thing.parts])
        turns = turn @ np.array([part.turn for part in thing.parts])
        origins = np.array([part.at for part in thing.parts]) @ turn.T
        middles = origins + (turns @ extents[:, 0, :, None])[..., 0]
        halves = (np.abs(turns) @ extents[:, 1, :, None])[..., 0]
        return cls(turns, origins, (middles - halves, middles + halves))

"""Solids and the way that rays make through them, in closed form.

All rays of a picture of one thing are parallel to z. A solid says how long each ray runs in it; no surface is meshed,
and nothing is sampled in depth. For a ray o + t u in the solid's own axes, every plane bounds t from below or above, a
quadric by the two roots of a quadratic, and the way is what is left between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
Matrix = NDArray[np.float64]
Chord = NDArray[np.float32]
FLAT = 1e-4
"""A plane's or cylinder's slope against the rays is taken to be at least this, so that nothing is divided by zero."""
IDENTITY: Matrix = np.eye(3)


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """The rays of a patch, and how a solid lies in them.

    Attributes:
        x: mm from the solid's origin along the picture's x, float32 (W,).
        y: the same along its y, float32 (H,).
        turn: rotation from the solid's axes to the picture's, float64 (3, 3); z is along the rays.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    turn: Matrix

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the patch, pixels."""
        return self.x.size, self.y.size

    def ramp(self, along_x: float, along_y: float, offset: float) -> Chord:
        """A linear function of the place, float32 (H, W)."""
        rows = self.y * np.float32(along_y)
        rows += np.float32(offset)
        whole: Chord = rows[:, None] + self.x * np.float32(along_x)
        return whole

    def origin(self, axis: int, scale: float) -> Chord:
        """Where each ray starts along an axis of the solid, divided by `scale`, float32 (H, W)."""
        return self.ramp(self.turn[0, axis] / scale, self.turn[1, axis] / scale, 0.0)


class Solid(Protocol):
    """Something that rays run through."""

    def extent(self) -> tuple[Vector, Vector]:
        """Middle and half size of a box around it, in its own axes, mm."""
        ...

    def chord(self, rays: Rays) -> Chord:
        """Way of each ray in it, float32 (H, W), mm."""
        ...


@dataclass(frozen=True, slots=True)
class Ball:
    """An ellipsoid by its three half axes, mm."""

    half: Vector

    def extent(self) -> tuple[Vector, Vector]:
        """As `Solid` says."""
        return (0.0, 0.0, 0.0), self.half

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: twice the root of the discriminant."""
        way = rays.turn[2] / self.half
        square = float(way @ way)
        starts = [rays.origin(axis, size) for axis, size in enumerate(self.half)]
        cross = sum((start * np.float32(part) for start, part in zip(starts, way, strict=True)), np.float32(0.0))
        rest = sum((start * start for start in starts), np.float32(-1.0))
        inside = np.maximum(cross * cross - np.float32(square) * rest, np.float32(0.0))
        return np.asarray(np.sqrt(inside) * np.float32(2.0 / square), np.float32)


@dataclass(frozen=True, slots=True)
class Round:
    """A cylinder, or a frustum of a cone, around its own z axis; elliptical where `flat` is not 1.

    Attributes:
        start_mm, end_mm: radius at -z and at +z, along x.
        half_mm: half its length.
        flat: radius along y for one along x.
    """

    start_mm: float
    end_mm: float
    half_mm: float
    flat: float = 1.0

    def extent(self) -> tuple[Vector, Vector]:
        """As `Solid` says."""
        most = max(self.start_mm, self.end_mm)
        return (0.0, 0.0, 0.0), (most, most * self.flat, self.half_mm)

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: between the mantle's two roots, cut by the planes of the ends."""
        mean = (self.start_mm + self.end_mm) / 2
        slope = (self.end_mm - self.start_mm) / (2 * self.half_mm * mean)
        ux, uy, uz = rays.turn[2]
        ux, uy, rise = ux / mean, uy / (mean * self.flat), slope * uz
        square = ux * ux + uy * uy - rise * rise
        if abs(square) < FLAT**2 / mean**2:
            square = FLAT**2 / mean**2
        ox, oy, oz = rays.origin(0, mean), rays.origin(1, mean * self.flat), rays.origin(2, 1.0)
        wide = np.float32(slope) * oz + np.float32(1.0)
        cross = ox * np.float32(ux) + oy * np.float32(uy) - wide * np.float32(rise)
        root = cross * cross - np.float32(square) * (ox * ox + oy * oy - wide * wide)
        outside = root < 0
        np.sqrt(np.maximum(root, np.float32(0.0), out=root), out=root)
        near, far = (-cross - root) * np.float32(1 / square), (-cross + root) * np.float32(1 / square)
        steep = uz if abs(uz) > FLAT else FLAT
        middle, reach = oz * np.float32(-1 / steep), np.float32(self.half_mm / abs(steep))
        if square > 0:
            way = np.minimum(far, middle + reach) - np.maximum(near, middle - reach)
        elif rise > 0:
            way = middle + reach - np.maximum(near, middle - reach)
        else:
            way = np.minimum(far, middle + reach) - (middle - reach)
        way[outside & (square > 0)] = 0.0
        return np.asarray(np.maximum(way, np.float32(0.0)), np.float32)


@dataclass(frozen=True, slots=True)
class Hull:
    """A convex solid between planes: boxes, wedges, bevelled blades.

    Attributes:
        planes: outward normal x, y, z and its distance from the origin in mm, of each plane; float64 (P, 4).
        around: middle and half size of a box around it, mm.
    """

    planes: tuple[tuple[float, float, float, float], ...]
    around: tuple[Vector, Vector]

    def extent(self) -> tuple[Vector, Vector]:
        """As `Solid` says."""
        return self.around

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: every plane bounds the ray on one side."""
        first: Chord | None = None
        last: Chord | None = None
        turn = rays.turn.tolist()
        for x, y, z, distance in self.planes:
            mx = turn[0][0] * x + turn[0][1] * y + turn[0][2] * z
            my = turn[1][0] * x + turn[1][1] * y + turn[1][2] * z
            mz = turn[2][0] * x + turn[2][1] * y + turn[2][2] * z
            mz = mz if abs(mz) > FLAT else FLAT
            bound = rays.ramp(-mx / mz, -my / mz, distance / mz)
            if mz > 0:
                last = bound if last is None else np.minimum(last, bound, out=last)
            else:
                first = bound if first is None else np.maximum(first, bound, out=first)
        if first is None or last is None:
            raise ValueError("a hull needs planes on both sides of every ray; close it")
        last -= first
        return np.asarray(np.maximum(last, np.float32(0.0)), np.float32)


def around(points: Matrix, half_mm: float) -> tuple[Vector, Vector]:
    """Middle and half size of a box around points (N, 2) in the xy plane, and `half_mm` to either side of it."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    return (float(middle[0]), float(middle[1]), 0.0), (float(half[0]), float(half[1]), half_mm)


def box(half: Vector) -> Hull:
    """A box by its three half sizes, mm."""
    x, y, z = half
    planes = ((1.0, 0.0, 0.0, x), (-1.0, 0.0, 0.0, x), (0.0, 1.0, 0.0, y), (0.0, -1.0, 0.0, y))
    return Hull((*planes, (0.0, 0.0, 1.0, z), (0.0, 0.0, -1.0, z)), ((0.0, 0.0, 0.0), half))


def bevelled(outline: Sequence[tuple[float, float]], half_mm: float, edge_y: float, depth_mm: float) -> Hull:
    """A convex outline in x and y, `half_mm` thick on either side, ground down to nothing at y = `edge_y`.

    Args:
        outline: corners in mm, either way round.
        half_mm: half the thickness at the spine.
        edge_y: y of the edge, the greatest of the outline.
        depth_mm: how far from the edge the grinding begins.
    """
    points = np.asarray(outline, np.float64)
    following = np.roll(points, -1, axis=0)
    turning = np.sum(points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1])
    sides = (following - points) * np.sign(turning)
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    normals = np.column_stack((sides[:, 1], -sides[:, 0])) / np.maximum(lengths, 1e-9)[:, None]
    planes = [(float(n[0]), float(n[1]), 0.0, float(n @ p)) for n, p in zip(normals, points, strict=True)]
    long = float(np.hypot(half_mm, depth_mm))
    for side in (1.0, -1.0):
        planes.append((0.0, 0.0, side, half_mm))
        planes.append((0.0, half_mm / long, side * depth_mm / long, edge_y * half_mm / long))
    return Hull(tuple(planes), around(points, half_mm))

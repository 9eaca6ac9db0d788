"""Solids and the way that rays make through them, in closed form.

All rays of a picture of one thing are parallel to z. A solid says how long each ray runs in it; no surface is meshed and
nothing is sampled in depth. For a ray o + t u in the solid's own axes, every plane and every quadric bounds t from below
or above, or by the two roots of a quadratic, and the way is what is left between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
Matrix = NDArray[np.float64]
Chord = NDArray[np.float32]
_FLAT = 1e-4
"""A plane's or cylinder's slope against the rays is taken to be at least this, so that nothing is divided by zero."""
_FINE = 2
"""Outlines are filled on a grid finer by this."""
_EDGE_ON = 0.45
"""Cosine between rays and a plate's normal below which its outline is clipped ray by ray."""
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

    def ramp(self, along_x: float, along_y: float, offset: float) -> Chord:
        """A linear function of the place, float32 (H, W)."""
        return np.add.outer(self.y * np.float32(along_y) + np.float32(offset), self.x * np.float32(along_x))

    def origin(self, axis: int, scale: float) -> Chord:
        """Where each ray starts along an axis of the solid, divided by `scale`, float32 (H, W)."""
        return self.ramp(self.turn[0, axis] / scale, self.turn[1, axis] / scale, 0.0)


class Solid(Protocol):
    """Something that rays run through."""

    def corners(self) -> Matrix:
        """Points that enclose it, in its own axes, float64 (N, 3), mm."""
        ...

    def chord(self, rays: Rays) -> Chord:
        """Way of each ray in it, float32 (H, W), mm."""
        ...


def _box_corners(half: Vector) -> Matrix:
    return np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64) * half


@dataclass(frozen=True, slots=True)
class Ball:
    """An ellipsoid by its three half axes, mm."""

    half: Vector

    def corners(self) -> Matrix:
        """As `Solid` says."""
        return _box_corners(self.half)

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

    def corners(self) -> Matrix:
        """As `Solid` says."""
        most = max(self.start_mm, self.end_mm)
        return _box_corners((most, most * self.flat, self.half_mm))

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: between the mantle's two roots, cut by the planes of the ends."""
        mean = (self.start_mm + self.end_mm) / 2
        slope = (self.end_mm - self.start_mm) / (2 * self.half_mm * mean)
        ux, uy, uz = rays.turn[2]
        ux, uy, rise = ux / mean, uy / (mean * self.flat), slope * uz
        square = ux * ux + uy * uy - rise * rise
        if abs(square) < _FLAT**2 / mean**2:
            square = _FLAT**2 / mean**2
        ox, oy, oz = rays.origin(0, mean), rays.origin(1, mean * self.flat), rays.origin(2, 1.0)
        wide = np.float32(slope) * oz + np.float32(1.0)
        cross = ox * np.float32(ux) + oy * np.float32(uy) - wide * np.float32(rise)
        root = cross * cross - np.float32(square) * (ox * ox + oy * oy - wide * wide)
        outside = root < 0
        np.sqrt(np.maximum(root, np.float32(0.0), out=root), out=root)
        near, far = (-cross - root) * np.float32(1 / square), (-cross + root) * np.float32(1 / square)
        steep = uz if abs(uz) > _FLAT else _FLAT
        middle, reach = oz * np.float32(-1 / steep), np.float32(self.half_mm / abs(steep))
        if square > 0:
            way = np.minimum(far, middle + reach) - np.maximum(near, middle - reach)
        elif rise > 0:
            way = middle + reach - np.maximum(near, middle - reach)
        else:
            way = np.minimum(far, middle + reach) - (middle - reach)
        way[outside & (square > 0)] = 0.0
        return np.maximum(way, np.float32(0.0), out=way)


@dataclass(frozen=True, slots=True)
class Hull:
    """A convex solid between planes: boxes, wedges, bevelled blades.

    Attributes:
        planes: outward normal x, y, z and its distance from the origin in mm, of each plane; float64 (P, 4).
        enclosing: points that enclose it, float64 (N, 3).
    """

    planes: tuple[tuple[float, float, float, float], ...]
    enclosing: tuple[Vector, ...]

    def corners(self) -> Matrix:
        """As `Solid` says."""
        return np.asarray(self.enclosing, np.float64)

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: every plane bounds the ray on one side."""
        first: Chord | None = None
        last: Chord | None = None
        for x, y, z, distance in self.planes:
            mx, my, mz = rays.turn @ (x, y, z)
            mz = mz if abs(mz) > _FLAT else _FLAT
            bound = rays.ramp(-mx / mz, -my / mz, distance / mz)
            if mz > 0:
                last = bound if last is None else np.minimum(last, bound, out=last)
            else:
                first = bound if first is None else np.maximum(first, bound, out=first)
        if first is None or last is None:
            raise ValueError("a hull needs planes on both sides of every ray; close it")
        last -= first
        return np.maximum(last, np.float32(0.0), out=last)


def box(half: Vector) -> Hull:
    """A box by its three half sizes, mm."""
    x, y, z = half
    planes = ((1.0, 0.0, 0.0, x), (-1.0, 0.0, 0.0, x), (0.0, 1.0, 0.0, y), (0.0, -1.0, 0.0, y))
    corners = tuple((float(a), float(b), float(c)) for a, b, c in _box_corners(half))
    return Hull((*planes, (0.0, 0.0, 1.0, z), (0.0, 0.0, -1.0, z)), corners)


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
    corners = tuple((float(x), float(y), z) for x, y in points for z in (-half_mm, half_mm))
    return Hull(tuple(planes), corners)


@dataclass(frozen=True, slots=True)
class Prism:
    """Outlines in the xy plane, extruded: what lies within an odd number of them is solid.

    Attributes:
        outlines: corners x, y in mm, of each.
        half_mm: half its thickness.
    """

    outlines: tuple[tuple[tuple[float, float], ...], ...]
    half_mm: float

    def corners(self) -> Matrix:
        """As `Solid` says."""
        flat = np.array([point for outline in self.outlines for point in outline], np.float64)
        low, high = flat.min(axis=0), flat.max(axis=0)
        box_points = _box_corners((*((high - low) / 2), self.half_mm))
        box_points[:, :2] += (high + low) / 2
        return box_points

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: the filled outline, drawn out along its tilt; clipped ray by ray when nearly edge-on."""
        upright = float(rays.turn[2, 2])
        if abs(upright) < _EDGE_ON:
            return self._clipped(rays)
        step = float(rays.x[1] - rays.x[0]), float(rays.y[1] - rays.y[0])
        plane = rays.turn[:2, :2]
        points = [np.asarray(outline, np.float64) @ plane.T for outline in self.outlines]
        mask = filled(points, rays)
        mask *= np.float32(2 * self.half_mm / abs(upright) / 255)
        lean = rays.turn[:2, 2] * 2 * self.half_mm / step
        return _drawn_out(mask, float(lean[0]), float(lean[1]))

    def _clipped(self, rays: Rays) -> Chord:
        """Between the two faces, each ray is a stretch in the outline's plane: sum where it crosses the outline."""
        ux, uy, uz = rays.turn[2]
        ox, oy, oz = (rays.origin(axis, 1.0) for axis in range(3))
        steep = uz if abs(uz) > _FLAT else _FLAT
        middle, reach = oz * np.float32(-1 / steep), np.float32(self.half_mm / abs(steep))
        enter, leave = middle - reach, middle + reach
        aside = ox * np.float32(uy) - oy * np.float32(ux)
        total = np.zeros_like(ox)
        for outline in self.outlines:
            points = np.asarray(outline, np.float64)
            sides = points[:, 0] * uy - points[:, 1] * ux
            total += _crossings(points, sides, aside, (ox, oy), (ux, uy), (enter, leave))
        return np.abs(total, out=total)


def _crossings(
    points: Matrix,
    sides: Matrix,
    aside: Chord,
    origin: tuple[Chord, Chord],
    way: tuple[float, float],
    between: tuple[Chord, Chord],
) -> Chord:
    """Signed sum of where each ray crosses an outline, cut to the stretch between the faces."""
    total = np.zeros_like(aside)
    square = way[0] ** 2 + way[1] ** 2
    along_origin = origin[0] * np.float32(way[0]) + origin[1] * np.float32(way[1])
    along = points @ np.asarray(way)
    for at in range(len(points)):
        one, other = sides[at], sides[at - 1]
        if one == other:
            continue
        crossed = ((aside >= np.float32(min(one, other))) & (aside < np.float32(max(one, other)))).astype(np.float32)
        slope = (along[at] - along[at - 1]) / (one - other)
        where = aside * np.float32(slope) + np.float32(along[at] - slope * one)
        where -= along_origin
        where *= np.float32(1 / square)
        np.maximum(where, between[0], out=where)
        np.minimum(where, between[1], out=where)
        crossed *= where
        total += crossed if one > other else -crossed
    return total


def filled(outlines: Sequence[Matrix], rays: Rays) -> Chord:
    """Outlines in the picture's plane, mm from the solid's origin, filled: float32 (H, W), 0 to 255."""
    size = rays.y.size, rays.x.size
    step = float(rays.x[1] - rays.x[0]), float(rays.y[1] - rays.y[0])
    start = np.array((rays.x[0], rays.y[0]))
    fine = np.zeros((size[0] * _FINE, size[1] * _FINE), np.uint8)
    pixels = [((points - start) / step + 0.5) * _FINE - 0.5 for points in outlines]
    cv2.fillPoly(fine, [np.rint(points * 16).astype(np.int32) for points in pixels], 255, shift=4)
    return cv2.resize(fine, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)


def _drawn_out(mask: Chord, dx: float, dy: float) -> Chord:
    """The mean of a picture shifted from half of (dx, dy) pixels back to half on."""
    length = float(np.hypot(dx, dy))
    if length < 1.0:
        return mask
    rx, ry = int(abs(dx) / 2) + 1, int(abs(dy) / 2) + 1
    count = int(length * 2) + 2
    kernel = np.zeros((2 * ry + 1, 2 * rx + 1), np.float32)
    for share in (np.arange(count) + 0.5) / count - 0.5:
        x, y = share * dx + rx, share * dy + ry
        column, row = int(x), int(y)
        fx, fy = x - column, y - row
        corner = np.array(((1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy)).reshape(2, 2)
        held = kernel[row : row + 2, column : column + 2]
        held += corner[: held.shape[0], : held.shape[1]]
    return cv2.filter2D(mask, cv2.CV_32F, kernel / kernel.sum(), borderType=cv2.BORDER_CONSTANT)


@dataclass(frozen=True, slots=True)
class Wire:
    """A round wire along a polyline: as wide as it is, as thick as a wire is on the mean over its width.

    Attributes:
        points: x, y, z in mm.
        diameter_mm: its diameter.
    """

    points: tuple[Vector, ...]
    diameter_mm: float

    def corners(self) -> Matrix:
        """As `Solid` says."""
        points = np.asarray(self.points, np.float64)
        half = self.diameter_mm / 2
        low, high = points.min(axis=0) - half, points.max(axis=0) + half
        return _box_corners((*((high - low) / 2),)) + (high + low) / 2

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says, piece by piece, so that a wire that crosses itself is twice as thick there."""
        points = np.asarray(self.points, np.float64) @ rays.turn.T
        step = float(rays.x[1] - rays.x[0])
        flat = (points[:, :2] - (rays.x[0], rays.y[0])) / step
        pixels = np.rint(((flat + 0.5) * _FINE - 0.5) * 16).astype(np.int32)
        fine = np.zeros((rays.y.size * _FINE, rays.x.size * _FINE), np.uint8)
        wide = self.diameter_mm / step * _FINE
        drawn = max(1, round(wide))
        for piece in _pieces(points):
            line = np.zeros_like(fine)
            cv2.polylines(line, [pixels[piece]], isClosed=False, color=60, thickness=drawn, shift=4)
            if drawn > 3:
                cv2.polylines(line, [pixels[piece]], isClosed=False, color=85, thickness=drawn // 2, shift=4)
            cv2.add(fine, line, fine)
        coarse = cv2.resize(fine, (rays.x.size, rays.y.size), interpolation=cv2.INTER_AREA).astype(np.float32)
        mean = np.pi / 4 * self.diameter_mm * wide / drawn
        return coarse * np.float32(mean / (72.5 if drawn > 3 else 60))


def _pieces(points: Matrix) -> list[slice]:
    """Cut a line where it has turned by half a turn or more, so that no piece crosses itself."""
    ways = np.diff(points[:, :2], axis=0)
    angles = np.unwrap(np.arctan2(ways[:, 1], ways[:, 0]))
    cuts, since = [0], angles[0]
    for at, angle in enumerate(angles):
        if abs(angle - since) > 2.6:
            cuts.append(at)
            since = angle
    cuts.append(len(points) - 1)
    return [slice(a, b + 1) for a, b in zip(cuts[:-1], cuts[1:], strict=True) if b > a]

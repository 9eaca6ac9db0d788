"""Solids drawn as outlines and lines: extruded outlines in any pose, and wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from simulator.xray.solids import FLAT, Chord, Matrix, Rays, Vector, around

_FINE = 2
"""Outlines are filled on a grid finer by this."""
_RIM, _CORE = 56, 84
"""How thick a wire is drawn on its rim and in its middle, of 255: as a round one is, and four may cross."""
_LONG = 16
"""Points of a line from which on it may cross itself."""
_EDGE_ON = 0.45
"""Cosine between rays and a plate's normal below which its outline is clipped ray by ray."""


@dataclass(frozen=True, slots=True, eq=False)
class Prism:
    """Outlines in the xy plane, extruded: what lies within an odd number of them is solid.

    Attributes:
        outlines: corners x, y in mm of each, float64 (N, 2).
        half_mm: half its thickness.
    """

    outlines: tuple[Matrix, ...]
    half_mm: float

    def extent(self) -> tuple[Vector, Vector]:
        """As `Solid` says."""
        return around(np.concatenate(self.outlines), self.half_mm)

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says: the filled outline, drawn out along its tilt; clipped ray by ray when nearly edge-on."""
        upright = float(rays.turn[2, 2])
        if abs(upright) < _EDGE_ON:
            return self._clipped(rays)
        step = float(rays.x[1] - rays.x[0]), float(rays.y[1] - rays.y[0])
        plane = rays.turn[:2, :2]
        points = [outline @ plane.T for outline in self.outlines]
        mask = filled(points, rays)
        mask *= np.float32(2 * self.half_mm / abs(upright) / 255)
        lean = rays.turn[:2, 2] * 2 * self.half_mm / step
        return _drawn_out(mask, float(lean[0]), float(lean[1]))

    def _clipped(self, rays: Rays) -> Chord:
        """Between the two faces, each ray is a stretch in the outline's plane: sum where it crosses the outline."""
        ux, uy, uz = rays.turn[2]
        ox, oy, oz = (rays.origin(axis, 1.0) for axis in range(3))
        steep = uz if abs(uz) > FLAT else FLAT
        middle, reach = oz * np.float32(-1 / steep), np.float32(self.half_mm / abs(steep))
        enter, leave = middle - reach, middle + reach
        aside = ox * np.float32(uy) - oy * np.float32(ux)
        total = np.zeros_like(ox)
        for points in self.outlines:
            sides = points[:, 0] * uy - points[:, 1] * ux
            total += _crossings(points, sides, aside, (ox, oy), (ux, uy), (enter, leave))
        return np.asarray(np.abs(total), np.float32)


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
    step = float(rays.x[1] - rays.x[0]), float(rays.y[1] - rays.y[0])
    start = np.array((rays.x[0], rays.y[0]))
    fine = np.zeros((rays.y.size * _FINE, rays.x.size * _FINE), np.uint8)
    pixels = [((points - start) / step + 0.5) * _FINE - 0.5 for points in outlines]
    cv2.fillPoly(fine, [np.rint(points * 16).astype(np.int32) for points in pixels], 255, shift=4)
    return np.asarray(cv2.resize(fine, rays.size, interpolation=cv2.INTER_AREA), np.float32)


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
    spread = cv2.filter2D(mask, cv2.CV_32F, kernel / kernel.sum(), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(spread, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """A round wire along a polyline: as wide as it is, as thick as a wire is on the mean over its width.

    Attributes:
        points: x, y, z in mm, float64 (N, 3).
        diameter_mm: its diameter.
    """

    points: Matrix
    diameter_mm: float

    def extent(self) -> tuple[Vector, Vector]:
        """As `Solid` says."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        middle, half = (low + high) / 2, (high - low) / 2 + self.diameter_mm / 2
        return (float(middle[0]), float(middle[1]), float(middle[2])), (float(half[0]), float(half[1]), float(half[2]))

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says, piece by piece, so that a wire that crosses itself is twice as thick there."""
        points = self.points @ rays.turn.T
        step = float(rays.x[1] - rays.x[0])
        flat = (points[:, :2] - (rays.x[0], rays.y[0])) / step
        pixels = np.rint(((flat + 0.5) * _FINE - 0.5) * 16).astype(np.int32)
        fine = np.zeros((rays.y.size * _FINE, rays.x.size * _FINE), np.uint8)
        wide = self.diameter_mm / step * _FINE
        thick, drawn = _stroke(wide)
        core, core_drawn = _stroke(wide / 2)
        for piece in _pieces(points):
            line = np.zeros_like(fine)
            cv2.polylines(line, [pixels[piece]], isClosed=False, color=_RIM, thickness=thick, shift=4)
            if drawn > core_drawn + 1:
                cv2.polylines(line, [pixels[piece]], isClosed=False, color=_CORE, thickness=core, shift=4)
            cv2.add(fine, line, fine)
        coarse = np.asarray(cv2.resize(fine, rays.size, interpolation=cv2.INTER_AREA), np.float32)
        rounded = _RIM * drawn + ((_CORE - _RIM) * core_drawn if drawn > core_drawn + 1 else 0.0)
        coarse *= np.float32(np.pi / 4 * self.diameter_mm * wide / rounded)
        return coarse


@dataclass(frozen=True, slots=True, eq=False)
class Creases:
    """Many thin strokes of one width, in one go: folds of cloth, film or paper. Where they cross, they do not add up.

    Attributes:
        lines: x, y, z in mm of each, float64 (N, 3).
        wide_mm: their width.
        thick_mm: their thickness along z.
    """

    lines: tuple[Matrix, ...]
    wide_mm: float
    thick_mm: float

    def extent(self) -> tuple[Vector, Vector]:
        """As `Solid` says."""
        return Wire(np.concatenate(self.lines), max(self.wide_mm, self.thick_mm)).extent()

    def chord(self, rays: Rays) -> Chord:
        """As `Solid` says."""
        step = float(rays.x[1] - rays.x[0])
        start = np.array((rays.x[0], rays.y[0])) / step - 0.5
        pixels = [(line @ rays.turn.T)[:, :2] / step - start for line in self.lines]
        fine = np.zeros((rays.y.size * _FINE, rays.x.size * _FINE), np.uint8)
        wide = self.wide_mm / step * _FINE
        asked, drawn = _stroke(wide)
        whole = [np.rint((line * _FINE - 0.5) * 16).astype(np.int32) for line in pixels]
        cv2.polylines(fine, whole, isClosed=False, color=255, thickness=asked, shift=4)
        coarse = np.asarray(cv2.resize(fine, rays.size, interpolation=cv2.INTER_AREA), np.float32)
        coarse *= np.float32(self.thick_mm * wide / drawn / 255)
        return coarse


def _stroke(wide: float) -> tuple[int, float]:
    """The thickness to ask OpenCV for, and the width in pixels of the line that it then draws, nearest to `wide`."""
    if wide < 4.0:
        return (1, 1.0) if wide < 1.9 else (2, 2.8)
    odd = max(3, 2 * round((wide - 3.0) / 2) + 1)
    return odd, odd + 2.0


def _pieces(points: Matrix) -> list[slice]:
    """Cut a line where it has turned by half a turn or so, so that no piece crosses itself; short ones stay whole."""
    if len(points) < _LONG:
        return [slice(0, len(points))]
    ways = points[1:, :2] - points[:-1, :2]
    angles = np.unwrap(np.arctan2(ways[:, 1], ways[:, 0]))
    cuts, since = [0], float(angles[0])
    for at, angle in enumerate(angles.tolist()):
        if abs(angle - since) > 2.6:
            cuts.append(at)
            since = angle
    cuts.append(len(points) - 1)
    return [slice(a, b + 1) for a, b in pairwise(cuts) if b > a]

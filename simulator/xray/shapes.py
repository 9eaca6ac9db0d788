"""Shapes that weaken rays: prisms, wires and solids of revolution, drawn as optical depth in a sketch of one object.

The depth of a layer is its thickness along the ray times the material's coefficient (Beer and Lambert), and depths of
layers add. A solid of revolution about a line across the ray has the chord 2*sqrt(r^2 - v^2) at the distance v from its
axis; a hollow one is the outer chord less the inner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.xray.materials import Material

PX_PER_MM = 1.25
_SHIFT = 4

Point = tuple[float, float]


class Sketch:
    """One object lying flat, centred on the origin, x to the right and y downwards, all in mm.

    Attributes:
        depth: float32 (H, W, 2), optical depth at the low and the high energy, `PX_PER_MM` pixels a millimetre.
        width_mm: extent along x.
        height_mm: extent along y.
    """

    def __init__(self, width_mm: float, height_mm: float) -> None:
        self.width_mm = width_mm
        self.height_mm = height_mm
        shape = (int(height_mm * PX_PER_MM) + 5, int(width_mm * PX_PER_MM) + 5)
        self.depth: NDArray[np.float32] = np.zeros((*shape, 2), np.float32)

    def polygon(self, points: Sequence[Point], material: Material, thick_mm: float) -> None:
        """Add a prism: a polygon of one thickness."""
        mask = np.zeros(self.depth.shape[:2], np.uint8)
        cv2.fillPoly(mask, [self._pixels(points)], 255, cv2.LINE_AA, _SHIFT)
        self._add(mask, material, thick_mm)

    def stroke(self, points: Sequence[Point], width_mm: float, material: Material, thick_mm: float) -> None:
        """Add a wire or strip along a line of points."""
        mask = np.zeros(self.depth.shape[:2], np.uint8)
        width_px = max(1, round(width_mm * PX_PER_MM))
        share = min(1.0, width_mm * PX_PER_MM / width_px)
        cv2.polylines(mask, [self._pixels(points)], False, 255, width_px, cv2.LINE_AA, _SHIFT)  # noqa: FBT003
        self._add(mask, material, thick_mm * share)

    def ring(self, centre: Point, radius_mm: float, width_mm: float, material: Material, thick_mm: float) -> None:
        """Add a ring, or an arc's full circle, of one thickness."""
        turns = np.linspace(0.0, 2 * np.pi, 33)
        points = [(centre[0] + radius_mm * np.cos(t), centre[1] + radius_mm * np.sin(t)) for t in turns]
        self.stroke(points, width_mm, material, thick_mm)

    def disc(self, centre: Point, radius_mm: float, material: Material, thick_mm: float) -> None:
        """Add a flat round plate."""
        mask = np.zeros(self.depth.shape[:2], np.uint8)
        (centre_px,) = self._pixels([centre])
        radius_px = max(1, round(radius_mm * PX_PER_MM * (1 << _SHIFT)))
        cv2.circle(mask, (int(centre_px[0]), int(centre_px[1])), radius_px, 255, -1, cv2.LINE_AA, _SHIFT)
        self._add(mask, material, thick_mm)

    def plate(
        self, x0: float, y0: float, x1: float, y1: float, material: Material, thick_mm: float
    ) -> None:
        """Add a rectangle along the axes; may remove (negative thickness) what an earlier layer has put there."""
        left, top = self._index(x0, y0)
        right, bottom = self._index(x1, y1)
        area = self.depth[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)]
        area += np.array((material.low_per_mm, material.high_per_mm), np.float32) * np.float32(thick_mm)

    def revolve(
        self, profile: Sequence[Point], y: float, material: Material, wall_mm: float | None = None, *, flat: float = 1.0
    ) -> None:
        """Add a solid of revolution about a line along x.

        Args:
            profile: (x, radius) in mm, x rising; radii between are interpolated.
            y: where the axis lies.
            material: what it is made of.
            wall_mm: thickness of the wall of a hollow one, None for a solid one.
            flat: extent along the ray over extent across it.
        """
        xs = np.array([point[0] for point in profile], np.float32)
        left, _ = self._index(float(xs[0]), 0.0)
        right, _ = self._index(float(xs[-1]), 0.0)
        columns = np.arange(max(left, 0), min(right + 1, self.depth.shape[1]))
        at_mm = (columns - self.depth.shape[1] / 2) / PX_PER_MM
        radius = np.interp(at_mm, xs, [point[1] for point in profile]).astype(np.float32)
        rows = np.arange(self.depth.shape[0], dtype=np.float32)
        across = (((rows + 0.5 - self.depth.shape[0] / 2) / PX_PER_MM - y) ** 2)[:, None]
        chord = np.sqrt(np.maximum(radius**2 - across, 0.0))
        if wall_mm is not None:
            chord -= np.sqrt(np.maximum(np.maximum(radius - wall_mm, 0.0) ** 2 - across, 0.0))
        chord *= 2.0 * flat
        area = self.depth[:, columns[0] : columns[-1] + 1]
        area[..., 0] += chord * np.float32(material.low_per_mm)
        area[..., 1] += chord * np.float32(material.high_per_mm)

    def ball(self, centre: Point, rx: float, ry: float, material: Material, thick_mm: float) -> None:
        """Add an ellipsoid of the given greatest thickness."""
        turns = np.linspace(-1.0, 1.0, 17)
        profile = [(centre[0] + rx * float(t), ry * float(np.sqrt(1 - t * t))) for t in turns]
        self.revolve(profile, centre[1], material, flat=thick_mm / (2 * ry))

    def texture(self, values: NDArray[np.float32], material: Material, thick_mm: float) -> None:
        """Multiply a field of values (any shape, stretched over the sketch) where something is, as added material."""
        field = cv2.resize(values, (self.depth.shape[1], self.depth.shape[0]), interpolation=cv2.INTER_CUBIC)
        field = np.where(self.depth[..., 1] > 0, field, 0.0).astype(np.float32)
        self.depth[..., 0] += np.maximum(field, 0.0) * np.float32(material.low_per_mm * thick_mm)
        self.depth[..., 1] += np.maximum(field, 0.0) * np.float32(material.high_per_mm * thick_mm)

    def _pixels(self, points: Sequence[Point]) -> NDArray[np.int32]:
        scaled = np.asarray(points, np.float64) * PX_PER_MM
        scaled += (self.depth.shape[1] / 2 - 0.5, self.depth.shape[0] / 2 - 0.5)
        return np.rint(scaled * (1 << _SHIFT)).astype(np.int32)

    def _index(self, x: float, y: float) -> tuple[int, int]:
        return (
            round(x * PX_PER_MM + self.depth.shape[1] / 2),
            round(y * PX_PER_MM + self.depth.shape[0] / 2),
        )

    def _add(self, mask: NDArray[np.uint8], material: Material, thick_mm: float) -> None:
        x, y, width, height = cv2.boundingRect(mask)
        if width == 0:
            return
        part = mask[y : y + height, x : x + width].astype(np.float32) * np.float32(thick_mm / 255)
        area = self.depth[y : y + height, x : x + width]
        area[..., 0] += part * np.float32(material.low_per_mm)
        area[..., 1] += part * np.float32(material.high_per_mm)

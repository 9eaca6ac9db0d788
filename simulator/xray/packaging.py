"""What a parcel is wrapped in and padded with: cartons, mailers, cloth, film; drawn into the scene's depth itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from simulator.xray.materials import CARDBOARD, CLOTH, FOAM, PAPER, PLASTIC, STEEL
from simulator.xray.shapes import Sketch

if TYPE_CHECKING:
    from simulator.xray.materials import Material
    from simulator.xray.shapes import Point


def carton(length: float, width: float, rng: np.random.Generator) -> Sketch:
    """A carton from above: double walls seen edge on, flaps meeting in the middle, tape, perhaps staples."""
    sketch = Sketch(length, width)
    left, top = -length / 2, -width / 2
    sketch.plate(left, top, -left, -top, CARDBOARD, 7)
    tall = rng.uniform(50, 160)
    skew = rng.uniform(-4, 4)
    for inset in (1.0, rng.uniform(3, 9)):
        a, b = left + inset, top + inset
        wall: list[Point] = [(a, b), (-a, b + skew), (-a, -b), (a, -b - skew), (a, b)]
        sketch.stroke(wall, 1.6, CARDBOARD, tall * 0.4)
    gap = rng.uniform(-4, 4)
    sketch.stroke([(left, gap), (-left, gap)], 1.2, CARDBOARD, 20)
    for x in (left * rng.uniform(0.3, 0.7), -left * rng.uniform(0.3, 0.7)):
        sketch.stroke([(x, top), (x, -top)], 1.2, CARDBOARD, 14)
    sketch.plate(left, gap - 24, -left, gap + 24, PLASTIC, 0.5)
    if rng.random() < 0.25:
        for x in np.linspace(left + 12, -left - 12, 6):
            sketch.stroke([(float(x), gap - 7), (float(x), gap + 7)], 1.4, STEEL, 0.7)
    return sketch


def mailer(length: float, width: float, rng: np.random.Generator) -> Sketch:
    """A padded bag: thin, wrinkled, a seam and a flap, bubbles."""
    sketch = Sketch(length, width)
    left, top = -length / 2, -width / 2
    bulge = rng.uniform(-4, 4, 8)
    edge: list[Point] = [
        (left, top + bulge[0]), (0, top + abs(bulge[1])), (-left, top + bulge[2]), (-left - abs(bulge[3]), 0),
        (-left, -top + bulge[4]), (0, -top - abs(bulge[5])), (left, -top + bulge[6]), (left + abs(bulge[7]), 0),
    ]  # fmt: skip
    sketch.polygon(edge, PAPER, rng.uniform(1.5, 4))
    sketch.stroke([*edge, edge[0]], 2.0, PAPER, 10)
    flap = left + length * rng.uniform(0.08, 0.25)
    sketch.stroke([(flap, top + 4), (flap, -top - 4)], 1.4, PAPER, 8)
    _creases(sketch, int(rng.integers(12, 34)), PAPER, rng)
    return sketch


def cloth(length: float, width: float, rng: np.random.Generator) -> Sketch:
    """Folded or crumpled cloth: soft outline, uneven, faint crossing strokes."""
    sketch = Sketch(length, width)
    turns = np.linspace(0, 2 * np.pi, 15)[:-1]
    reach = rng.uniform(0.72, 1.0, turns.size)
    edge = [
        (float(np.cos(t) * length / 2 * r), float(np.sin(t) * width / 2 * r)) for t, r in zip(turns, reach, strict=True)
    ]
    sketch.polygon(edge, CLOTH, rng.uniform(15, 60))
    sketch.texture(rng.standard_normal((9, 9)).astype(np.float32), CLOTH, rng.uniform(6, 22))
    _creases(sketch, int(rng.integers(14, 40)), CLOTH, rng)
    return sketch


def filling(length: float, width: float, rng: np.random.Generator) -> Sketch:
    """Padding: crumpled paper or air cushions over the whole inside."""
    sketch = Sketch(length, width)
    sketch.plate(-length / 2, -width / 2, length / 2, width / 2, FOAM, rng.uniform(15, 60))
    sketch.texture(rng.standard_normal((12, 16)).astype(np.float32), PAPER, rng.uniform(0.6, 2.5))
    _creases(sketch, int(rng.integers(10, 30)), PAPER, rng)
    return sketch


def _creases(sketch: Sketch, count: int, material: Material, rng: np.random.Generator) -> None:
    """Short bent strokes, thin and faint, within what is there already."""
    before = sketch.depth[..., 1] > 0
    added = np.zeros(before.shape, np.uint8)
    height, width = before.shape
    for _ in range(count):
        start = rng.uniform((0, 0), (width, height))
        way = rng.normal(0, (width * 0.16, height * 0.16))
        bend = rng.normal(0, min(width, height) * 0.04, 2)
        points = np.rint([start, start + way * 0.5 + bend, start + way]).astype(np.int32)
        cv2.polylines(added, [points], False, int(rng.integers(60, 255)), 1, cv2.LINE_AA)  # noqa: FBT003
    layer = (added * before).astype(np.float32) * np.float32(rng.uniform(5, 11) / 255)
    coefficients = (material.low_per_mm, material.high_per_mm)
    sketch.depth += layer[..., None] * np.array(coefficients, np.float32)

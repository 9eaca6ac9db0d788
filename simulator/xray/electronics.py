"""Harmless electronics: boards, telephones, chargers, cables, all full of small metal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.xray.materials import ALUMINIUM, BOARD, CELL, CHIP, COPPER, GLASS, PLASTIC, PVC, STEEL
from simulator.xray.shapes import Sketch

if TYPE_CHECKING:
    from simulator.xray.shapes import Point


def populate(sketch: Sketch, corners: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    """Put a printed board between the corners x0, y0, x1, y1: chips, passives, sockets, capacitors, copper."""
    x0, y0, x1, y1 = corners
    sketch.plate(x0, y0, x1, y1, BOARD, 1.6)
    area = (x1 - x0) * (y1 - y0)
    for _ in range(min(70, int(area / 90) + 4)):
        x, y = rng.uniform(x0, x1 - 3), rng.uniform(y0, y1 - 3)
        size = rng.uniform(1.2, 4.0)
        sketch.plate(x, y, min(x + size, x1), min(y + size * rng.uniform(0.5, 1.6), y1), COPPER, rng.uniform(0.2, 0.8))
    for _ in range(int(area / 1500) + 1):
        x, y, size = rng.uniform(x0, x1 - 8), rng.uniform(y0, y1 - 8), rng.uniform(7, 18)
        sketch.plate(x, y, min(x + size, x1), min(y + size, y1), CHIP, 2.5)
        sketch.plate(x + 2, y + 2, min(x + size - 2, x1), min(y + size - 2, y1), COPPER, 0.3)
    for _ in range(int(area / 3000) + 1):
        x, y = rng.uniform(x0 + 4, x1 - 4), rng.uniform(y0 + 4, y1 - 4)
        sketch.disc((x, y), rng.uniform(2.5, 5), ALUMINIUM, rng.uniform(6, 14))
    for _ in range(int(rng.integers(1, 4))):
        y = rng.uniform(y0, y1 - 8)
        sketch.plate(x0, y, x0 + rng.uniform(6, 14), y + 7, STEEL, rng.uniform(0.5, 1.2))


def bare_board(rng: np.random.Generator) -> Sketch:
    """A printed board by itself, screws at its corners, sometimes a heat sink."""
    width, height = rng.uniform(60, 200), rng.uniform(45, 140)
    sketch = Sketch(width, height)
    populate(sketch, (-width / 2, -height / 2, width / 2, height / 2), rng)
    for x in (-width / 2 + 5, width / 2 - 5):
        for y in (-height / 2 + 5, height / 2 - 5):
            sketch.disc((x, y), 2.4, STEEL, 5)
    if rng.random() < 0.4:
        x, y, size = rng.uniform(-width / 4, 0), rng.uniform(-height / 4, 0), rng.uniform(20, 35)
        sketch.plate(x, y, x + size, y + size, ALUMINIUM, 3)
        for rib in np.arange(x, x + size, 3.5):
            sketch.plate(float(rib), y, float(rib) + 1.2, y + size, ALUMINIUM, 14)
    return sketch


def telephone(rng: np.random.Generator) -> Sketch:
    """A telephone: glass, frame, camera, board above, a thin cell in the middle that is no power bank."""
    width, height = rng.uniform(130, 165), rng.uniform(64, 78)
    sketch = Sketch(width, height)
    left, top = -width / 2, -height / 2
    sketch.plate(left, top, -left, -top, GLASS, 2.2)
    outline: list[Point] = [
        (left + 1, top + 1),
        (-left - 1, top + 1),
        (-left - 1, -top - 1),
        (left + 1, -top - 1),
        (left + 1, top + 1),
    ]
    sketch.stroke(outline, 2.2, ALUMINIUM, 6)
    populate(sketch, (left + 4, top + 4, left + width * 0.3, -top - 4), rng)
    sketch.plate(left + width * 0.33, top + 8, left + width * 0.8, -top - 16, CELL, 3.4)
    for number in range(int(rng.integers(1, 4))):
        sketch.ring((left + 12 + 14 * number, top + 12), 5, 2, STEEL, 2)
    sketch.plate(-left - 18, -8, -left - 4, 8, COPPER, 0.6)
    return sketch


def charger(rng: np.random.Generator) -> Sketch:
    """A plug charger: transformer with wound core, capacitors, pins."""
    width, height = rng.uniform(55, 90), rng.uniform(38, 60)
    sketch = Sketch(width, height)
    left, top = -width / 2, -height / 2
    sketch.plate(left + 16, top, -left, -top, PLASTIC, 4)
    populate(sketch, (left + 20, top + 4, -left - 3, -top - 4), rng)
    sketch.plate(-8, -10, 14, 12, STEEL, rng.uniform(3, 7))
    sketch.plate(-4, -13, 10, 15, COPPER, 1.2)
    for y in (-9.5, 9.5):
        sketch.plate(left, y - 2.2, left + 20, y + 2.2, STEEL, 4)
    return sketch


def cable(rng: np.random.Generator) -> Sketch:
    """A coil of cable with plugs at its ends; loose, each turn elsewhere."""
    radius = rng.uniform(25, 75)
    sketch = Sketch(2.5 * radius, 2.5 * radius)
    turns = rng.uniform(1.5, 7)
    steps = np.linspace(0, turns * 2 * np.pi, int(turns * 22))
    wobble = np.cumsum(rng.normal(0, 0.012, steps.size)) + rng.uniform(0.85, 1.0)
    squash = rng.uniform(0.5, 1.0)
    drift = rng.uniform(-0.02, 0.02) * radius
    points = np.stack(
        (np.cos(steps) * radius * wobble + drift * steps, np.sin(steps) * radius * wobble * squash), axis=1
    ).tolist()
    thick = rng.uniform(2.5, 6.5)
    sketch.stroke(points, thick, PVC, thick * 0.7)
    sketch.stroke(points, thick * 0.45, COPPER, thick * rng.uniform(0.1, 0.28))
    for x, y in (points[0], points[-1]):
        sketch.plate(x - 7, y - 5, x + 7, y + 5, PVC, 8)
        sketch.plate(x - 7, y - 4, x - 1, y + 4, STEEL, 1.2)
    return sketch


def tablet(rng: np.random.Generator) -> Sketch:
    """A tablet or small notebook: large glass and aluminium, board along one side, wide flat cells, a fan."""
    width, height = rng.uniform(190, 290), rng.uniform(130, 200)
    sketch = Sketch(width, height)
    left, top = -width / 2, -height / 2
    sketch.plate(left, top, -left, -top, ALUMINIUM, 1.4)
    sketch.plate(left + 4, top + 4, -left - 4, -top - 4, GLASS, 1.2)
    populate(sketch, (left + 8, top + 8, -left - 8, top + height * 0.42), rng)
    count = int(rng.integers(2, 4))
    for number in range(count):
        x = left + 10 + (width - 20) * number / count
        sketch.plate(x, top + height * 0.5, x + (width - 20) / count - 4, -top - 10, CELL, rng.uniform(2.5, 4.0))
    if rng.random() < 0.5:
        sketch.ring((left + width * 0.8, top + height * 0.22), 18, 3, STEEL, 1.5)
        sketch.disc((left + width * 0.8, top + height * 0.22), 7, COPPER, 2)
    return sketch


def hair_dryer(rng: np.random.Generator) -> Sketch:
    """A hair dryer: gun-like outline, but plastic, with a motor, a heating coil and a fan ring."""
    length, tall = rng.uniform(150, 200), rng.uniform(130, 170)
    sketch = Sketch(length, tall)
    left, top, radius = -length / 2, -tall / 2, rng.uniform(26, 34)
    axis = top + radius + 1
    sketch.revolve(
        [(left, radius * 0.65), (left + length * 0.6, radius), (-left - 2, radius * 0.95)], axis, PLASTIC, 2.5
    )
    grip: list[Point] = [
        (left + length * 0.55, axis + 18),
        (left + length * 0.8, axis + 18),
        (left + length * 0.78, -top),
        (left + length * 0.58, -top),
    ]
    sketch.polygon(grip, PLASTIC, 7)
    sketch.plate(left + length * 0.66, axis - 14, left + length * 0.86, axis + 14, STEEL, 4)
    coil: list[Point] = [(left + 14 + 4.5 * i, axis + (18 if i % 2 else -18)) for i in range(14)]
    sketch.stroke(coil, 1.4, STEEL, 1.2)
    sketch.plate(left + length * 0.62, axis + 30, left + length * 0.72, axis + 52, COPPER, 0.8)
    return sketch

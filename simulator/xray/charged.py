"""Batteries and aerosol cans, each made anew from a random generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.xray.materials import ALUMINIUM, BOARD, CELL, CHIP, COPPER, PLASTIC, PROPELLANT, PVC, SOAP, STEEL
from simulator.xray.shapes import Sketch

if TYPE_CHECKING:
    from simulator.xray.shapes import Point


def power_bank(rng: np.random.Generator) -> Sketch:
    """A power bank: a case around round cells side by side or flat cells, and a small board with sockets."""
    width, height = rng.uniform(85, 160), rng.uniform(48, 80)
    sketch = Sketch(width, height)
    left, top = -width / 2, -height / 2
    sketch.plate(left, top, -left, -top, PLASTIC, 4)
    sketch.plate(left + 2, top + 2, -left - 2, -top - 2, *((ALUMINIUM, 1.5) if rng.random() < 0.4 else (PLASTIC, 1)))
    board = -left - rng.uniform(12, 18)
    if rng.random() < 0.55:
        count = max(2, int((height - 6) // 19.5))
        for number in range(count):
            y = top + height * (number + 0.5) / count
            _round_cell(sketch, max(left + 4, board - 68), board - 2, y, 9.0)
    else:
        _flat_cell(sketch, (left + 4, top + 4, board - 2, -top - 4), rng.uniform(8, 16))
    _small_board(sketch, (board, top + 4, -left - 2, -top - 4), rng)
    return sketch


def cell_pack(rng: np.random.Generator) -> Sketch:
    """Loose round cells joined by strips, in one or two rows, with wires to a plug."""
    count, rows, radius = int(rng.integers(2, 6)), int(rng.integers(1, 3)), rng.uniform(8.8, 10.5)
    length = rng.uniform(62, 70)
    width, height = rows * (length + 3) + 16, count * 2 * radius + 6
    sketch = Sketch(width, height)
    for row in range(rows):
        x = -width / 2 + 2 + row * (length + 3)
        for number in range(count):
            _round_cell(sketch, x, x + length, -height / 2 + 3 + radius * (2 * number + 1), radius)
        for end in (x, x + length):
            sketch.stroke([(end, -height / 2 + 6), (end, height / 2 - 6)], 3, STEEL, 0.8)
    sketch.stroke([(width / 2 - 14, 0), (width / 2 - 5, height / 4), (width / 2 - 2, -height / 4)], 2, COPPER, 1.5)
    return sketch


def flat_pack(rng: np.random.Generator) -> Sketch:
    """A lithium-polymer pack: two to four flat cells upon each other, balance lead and main leads."""
    width, height = rng.uniform(75, 145), rng.uniform(36, 55)
    sketch = Sketch(width + 34, height)
    left = -(width + 34) / 2
    _flat_cell(sketch, (left + 2, -height / 2 + 2, left + width, height / 2 - 2), rng.uniform(12, 26))
    end = left + width
    sketch.plate(end - 6, -height / 2 + 6, end, height / 2 - 6, BOARD, 2)
    for y in np.linspace(-height / 3, height / 3, int(rng.integers(3, 6))):
        sketch.stroke([(end, y), (end + 16, y * 0.4), (-left - 9, y * 0.5)], 1.6, COPPER, 1.2)
    sketch.plate(-left - 12, -8, -left - 1, 8, PVC, 8)
    return sketch


def battery(rng: np.random.Generator) -> Sketch:
    """A power bank, a pack of round cells, or a flat pack."""
    draw = rng.random()
    if draw < 0.55:
        return power_bank(rng)
    return cell_pack(rng) if draw < 0.8 else flat_pack(rng)


def aerosol(rng: np.random.Generator) -> Sketch:
    """An aerosol can: thin wall with seams, shoulder, crimped valve cup, button or cap, dip tube, liquid below."""
    length, radius = rng.uniform(115, 225), rng.uniform(17, 33)
    sketch = Sketch(length, 2 * radius + 4)
    left = -length / 2
    wall, thick = (STEEL, rng.uniform(0.25, 0.45)) if rng.random() < 0.7 else (ALUMINIUM, rng.uniform(0.9, 1.6))
    neck = length * rng.uniform(0.72, 0.8)
    shoulder = left + neck
    top = shoulder + radius * rng.uniform(0.35, 0.7)
    profile = [(left, radius * 0.93), (left + 3, radius), (shoulder, radius), (top, radius * 0.48)]
    sketch.revolve(profile, 0, wall, thick)
    base = radius * 0.7
    arc: list[Point] = [(left + 1 + 9 * (1 - (y / base) ** 2), float(y)) for y in np.linspace(-base, base, 9)]
    sketch.stroke(arc, 1.6, wall, thick * 14)
    for x in (left + 1.5, shoulder):
        sketch.stroke([(x, -radius + 1), (x, radius - 1)], 2.0, wall, thick * 6)
    level = left + neck * rng.uniform(0.3, 0.95)
    sketch.revolve([(left + 6, radius - 1), (level, radius - 1)], 0, PROPELLANT if rng.random() < 0.5 else SOAP)
    sketch.stroke([(top, -radius * 0.48), (top, radius * 0.48)], 3.2, STEEL, 4)
    sketch.plate(top - 12, -4.5, top + 3, 4.5, STEEL, 2.2)
    sketch.disc((top - 6, 0), 3.2, STEEL, 6)
    bend = radius * rng.uniform(-0.7, 0.7)
    sketch.stroke([(top - 10, 0), (0, bend * 0.4), (left + 10, bend)], 2.6, PLASTIC, 2)
    if rng.random() < 0.6:
        sketch.revolve([(shoulder, radius * 0.97), (-left - 2, radius * 0.95)], 0, PLASTIC, 1.4)
    sketch.revolve([(top + 2, 6.5), (min(top + 18, -left), 6.5)], 0, PLASTIC)
    return sketch


def _round_cell(sketch: Sketch, x0: float, x1: float, y: float, radius: float) -> None:
    sketch.revolve([(x0, radius), (x1, radius)], y, STEEL, 0.25)
    sketch.revolve([(x0 + 2, radius - 0.5), (x1 - 4, radius - 0.5)], y, CELL)
    sketch.plate(x1 - 4, y - radius * 0.7, x1 - 2, y + radius * 0.7, STEEL, 3)


def _flat_cell(sketch: Sketch, corners: tuple[float, float, float, float], thick_mm: float) -> None:
    x0, y0, x1, y1 = corners
    sketch.plate(x0, y0, x1, y1, CELL, thick_mm)
    sketch.plate(x0 + 2, y0 + 2, x1 - 2, y1 - 2, CELL, thick_mm * 0.15)
    sketch.plate(x1 - 4, y0 + 3, x1, y1 - 3, COPPER, 0.4)


def _small_board(sketch: Sketch, corners: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = corners
    sketch.plate(x0, y0, x1, y1, BOARD, 1.6)
    for _ in range(int(rng.integers(5, 12))):
        x, y = rng.uniform(x0, x1 - 4), rng.uniform(y0, y1 - 4)
        sketch.plate(x, y, x + rng.uniform(2, 5), y + rng.uniform(2, 5), CHIP if rng.random() < 0.6 else COPPER, 1.5)
    for y in (y0 + 5, y1 - 16):
        sketch.plate(x1 - 10, y, x1, y + 11, STEEL, 0.9)

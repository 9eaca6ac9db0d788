"""Bags and cases, which people send as they are: soft ones of cloth with zips, hard ones with rails and wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.xray.packing import folds
from simulator.xray.shapes import arc, oblong
from simulator.xray.things import Thing, about

if TYPE_CHECKING:
    from simulator.xray.things import Point


def rounded(length: float, width: float, corner: float, shrink: float = 0.0) -> list[Point]:
    """A rectangle around the origin with round corners, smaller by `shrink` on each side."""
    x, y = length / 2 - shrink, width / 2 - shrink
    radius = max(1.0, min(corner - shrink, x, y))
    quarters = (
        (x - radius, y - radius, 0),
        (radius - x, y - radius, 90),
        (radius - x, radius - y, 180),
        (x - radius, radius - y, 270),
    )
    return [point for cx, cy, start in quarters for point in arc(cx, cy, radius, start, start + 90, 5)]


def _closed(outline: list[Point], z: float) -> list[tuple[float, float, float]]:
    return [(x, y, z) for x, y in (*outline, outline[0])]


def _puller(rng: np.random.Generator) -> Thing:
    """A zip's slider with its puller."""
    thing, long = Thing(), rng.uniform(16, 34)
    metal = str(rng.choice(("zinc", "steel", "brass")))
    thing.box((-5, -4, -3), (5, 4, 3), metal, 0.8)
    thing.plate([oblong(4, -4, 4 + long, 4), oblong(8, -1.8, long - 4, 1.8)], rng.uniform(1.6, 2.6), metal)
    return thing


def _ring(rng: np.random.Generator) -> Thing:
    """A ring or a ladder lock of a strap."""
    thing, size = Thing(), rng.uniform(8, 17)
    material = str(rng.choice(("steel", "zinc", "steel", "nylon")))
    if rng.random() < 0.5:
        thing.plate([arc(0, 0, size, 0, 345, 14), arc(0, 0, size - 3, 0, 345, 14)], 3, material)
    else:
        thing.plate(
            [
                oblong(-size, -size * 0.7, size, size * 0.7),
                oblong(-size + 3, -size * 0.7 + 3, size - 3, size * 0.7 - 3),
            ],
            3,
            material,
        )
    return thing


def _on_edge(thing: Thing, outline: list[Point], height: float, rng: np.random.Generator) -> None:
    """Pullers and rings here and there along an outline, lying any way."""
    for _ in range(int(rng.integers(2, 9))):
        x, y = outline[int(rng.integers(len(outline)))]
        piece = _puller(rng) if rng.random() < 0.6 else _ring(rng)
        turn = about("z", rng.uniform(0, 360)) @ about("x", rng.normal(0, 45))
        along = rng.uniform(0.75, 1.0)
        thing.take(piece, (x * along, y * along, rng.uniform(-0.5, 0.5) * height), turn)


def soft_bag(length: float, width: float, height: float, rng: np.random.Generator) -> Thing:
    """A backpack or holdall: skins of cloth, pockets, seams, a zip round its edge, straps with rings."""
    thing = Thing()
    corner = rng.uniform(0.15, 0.5) * min(length, width)
    cover = str(rng.choice(("coated_cloth", "textile", "leather", "coated_cloth")))
    outline = rounded(length, width, corner)
    thing.plate([outline], rng.uniform(1.5, 5), cover)
    thing.plate([outline, rounded(length, width, corner, rng.uniform(4, 14))], rng.uniform(10, 40), cover)
    for _ in range(int(rng.integers(1, 5))):
        shrink = rng.uniform(0.03, 0.25) * min(length, width)
        pocket = rounded(length * rng.uniform(0.5, 1), width * rng.uniform(0.5, 1), corner, shrink)
        dx, dy = rng.uniform(-0.12, 0.12, 2) * (length, width)
        placed = [(x + float(dx), y + float(dy)) for x, y in pocket]
        material = str(rng.choice(("textile", "coated_cloth", "pvc", "wool")))
        thing.plate([placed], rng.uniform(1, 6), material)
        thing.wire(_closed(placed, 0.0), rng.uniform(1.5, 4), "nylon")
    ridge = rounded(length, width, corner, rng.uniform(5, 20))
    thing.wire(_closed(ridge, height * 0.2), 4.5, "textile")
    thing.wire(_closed(ridge, height * 0.2), rng.uniform(1.2, 3), "brass" if rng.random() < 0.3 else "nylon")
    if rng.random() < 0.4:
        thing.wire(_closed(rounded(length, width, corner, 2), 0), rng.uniform(1.0, 2.2), "steel")
    thing.take(folds(length * 0.9, width * 0.9, cover, int(rng.integers(8, 26)), rng))
    for _ in range(int(rng.integers(1, 4))):
        y = rng.uniform(-0.4, 0.4, 3) * width
        thing.wire(
            [(-length * 0.48, float(y[0]), 0), (0, float(y[1]), 0), (length * 0.48, float(y[2]), 0)],
            rng.uniform(14, 34),
            "textile",
        )
    _on_edge(thing, ridge, height, rng)
    return thing


def hard_case(length: float, width: float, height: float, rng: np.random.Generator) -> Thing:
    """A trolley case: a shell of plastic or stiff cloth, rails, wheels, piping, screws, a lining with its zip."""
    thing = Thing()
    corner = rng.uniform(0.06, 0.2) * min(length, width)
    wall = rng.uniform(1.2, 3.2)
    shell = str(rng.choice(("abs", "polycarbonate", "pvc", "coated_cloth")))
    outline = rounded(length, width, corner)
    thing.plate([outline, rounded(length, width, corner, wall)], height, shell)
    for side in (-1, 1):
        thing.plate([outline], wall, shell, z=side * height / 2)
        thing.plate(
            [rounded(length, width, corner, rng.uniform(6, 30))], rng.uniform(0.5, 3), "textile", z=side * height / 3
        )
        if rng.random() < 0.7:
            thing.wire(_closed(rounded(length, width, corner, 2), side * height / 2), rng.uniform(1.4, 2.6), "steel")
    _rails(thing, length, width, height, rng)
    _wheels(thing, length, width, height, rng)
    inner = rounded(length, width, corner, rng.uniform(8, 18))
    thing.wire(_closed(inner, 0.0), rng.uniform(2, 4), "nylon")
    for _ in range(int(rng.integers(4, 16))):
        x, y = rng.uniform(-0.47, 0.47, 2) * (length, width)
        thing.tube((x, y, -height / 2), (x, y, -height / 2 + 12), rng.uniform(1.5, 3), "steel")
    _on_edge(thing, inner, height, rng)
    return thing


def _rails(thing: Thing, length: float, width: float, height: float, rng: np.random.Generator) -> None:
    """Two channels from end to end with tubes in them, a handle at one end and cross bars."""
    gap, half, deep = rng.uniform(0.3, 0.6) * width, rng.uniform(8, 16), rng.uniform(8, 16)
    material, wall = ("aluminium", rng.uniform(1.2, 2.6)) if rng.random() < 0.7 else ("steel", rng.uniform(0.6, 1.0))
    z, end = -height * 0.42, rng.uniform(0.75, 0.98)
    for y in (-gap / 2, gap / 2):
        thing.shell((-length * 0.46, y - half, z - deep), (length * 0.46 * end, y + half, z + deep), material, wall)
        thing.shell(
            (-length * 0.46, y - half * 0.7, z - deep * 0.7),
            (length * 0.2, y + half * 0.7, z + deep * 0.7),
            material,
            wall,
        )
    thing.box((-length * 0.49, -gap / 2 - half, z - 10), (-length * 0.46, gap / 2 + half, z + 10), "abs", 0.7)
    if rng.random() < 0.5:
        x = rng.uniform(0.1, 0.4) * length
        thing.box((x, -gap / 2, z - 1.5), (x + 14, gap / 2, z + 1.5), material)


def _wheels(thing: Thing, length: float, width: float, height: float, rng: np.random.Generator) -> None:
    """Wheels with axles and forks in the corners of one end."""
    radius = rng.uniform(18, 30)
    lying = rng.random() < 0.6
    for y in (-width / 2 + radius, width / 2 - radius):
        x, z = length / 2 - radius * 0.8, -height * 0.35
        wheel = Thing()
        wheel.tube((0, 0, -9), (0, 0, 9), radius, "polyethylene", wall=radius * 0.3)
        wheel.tube((0, 0, -8), (0, 0, 8), radius * 0.7, "nylon", factor=0.5)
        wheel.tube((0, 0, -14), (0, 0, 14), 4, "steel")
        wheel.box((-radius, -6, 9), (4, 6, 11), "steel")
        thing.take(wheel, (x, y, z), about("z", rng.uniform(0, 360)) @ about("x", 0.0 if lying else 90.0))
        for _ in range(3):
            sx, sy = rng.normal(0, radius * 0.6, 2)
            thing.tube((x + sx, y + sy, z), (x + sx, y + sy, z + 14), 2, "steel")


def small_case(rng: np.random.Generator) -> Thing:
    """A box of plastic with round corners and a lid, as for tools, food or a gift: its walls are seen edge-on."""
    length, width, height = rng.uniform(110, 260), rng.uniform(80, 190), rng.uniform(30, 90)
    thing, corner, wall = Thing(), rng.uniform(6, 26), rng.uniform(1.4, 3.4)
    material = str(rng.choice(("abs", "pvc", "polyethylene", "pvc", "aluminium")))
    wall *= 0.5 if material == "aluminium" else 1.0
    outline = rounded(length, width, corner)
    thing.plate([outline, rounded(length, width, corner, wall)], height, material)
    for side in (-1, 1):
        thing.plate([outline], wall, material, z=side * height / 2)
    thing.plate([rounded(length, width, corner, 4), rounded(length, width, corner, 4 + wall)], 14, material)
    if rng.random() < 0.4:
        thing.plate([rounded(length, width, corner, 5)], rng.uniform(4, 25), "foam")
    for x in (-length * 0.25, length * 0.25):
        if rng.random() < 0.5:
            thing.box(
                (x - 8, width / 2 - 3, -9), (x + 8, width / 2 + 3, 9), "steel" if rng.random() < 0.5 else "abs", 0.5
            )
    return thing

"""Knives, scissors and other things that cut."""

from __future__ import annotations

import numpy as np

from simulator.xray.shapes import arc
from simulator.xray.things import Point, Thing, about

_GRIPS = ("abs", "wood", "nylon", "rubber")


def _edge(thing: Thing, start: float, end: float, half: float, rng: np.random.Generator) -> None:
    """A bevelled blade along x from `start` to its point at `end`."""
    thick, point = rng.uniform(1.4, 3.4), rng.uniform(0.12, 0.5) * (end - start)
    drop = float(rng.choice((-half * 0.9, -half * 0.2, half * 0.8)))
    outline: list[Point] = [(start, -half), (end - point, -half), (end, drop), (end - point * 0.5, half), (start, half)]
    if drop > 0:
        outline = [(start, -half), (end - point, -half), (end, half), (start, half)]
    depth = rng.uniform(0.35, 1.9) * half
    thing.blade(outline, thick, half, depth, "steel" if rng.random() < 0.6 else "stainless")
    if rng.random() < 0.2:
        for x in np.arange(start + 4, start + (end - start) * 0.5, 4.0):
            thing.box((x, -half - 0.5, -thick), (x + 1.8, -half + 2.5, thick), "steel", -0.8)


def fixed_knife(rng: np.random.Generator) -> Thing:
    """A kitchen knife or dagger: blade, tang and rivets in a handle, sometimes a guard or a sheath."""
    blade, handle = rng.uniform(75, 250), rng.uniform(85, 130)
    half = rng.uniform(9, 24) if rng.random() < 0.7 else rng.uniform(7, 11)
    thing = Thing()
    _edge(thing, handle, handle + blade, half, rng)
    grip, thick = rng.uniform(9, 14), rng.uniform(14, 22)
    tang = grip * rng.uniform(0.4, 0.95)
    tail = handle * rng.uniform(0.0, 0.5)
    thing.plate(
        [[(tail, -tang), (handle + 2, -tang), (handle + 2, tang), (tail, tang * 0.8)]], rng.uniform(1.5, 3.2), "steel"
    )
    scale = str(rng.choice(_GRIPS))
    if rng.random() < 0.12:
        thing.tube((0, 0, 0), (handle, 0, 0), grip, "stainless", wall=0.8, flat=0.7)
    else:
        thing.tube((0, 0, 0), (handle * 0.5, 0, 0), grip * 1.05, scale, grip * 0.9, flat=thick / grip / 2)
        thing.tube((handle * 0.5, 0, 0), (handle, 0, 0), grip * 0.9, scale, grip, flat=thick / grip / 2)
    for x in np.linspace(handle * 0.2, handle * 0.85, int(rng.integers(0, 4))):
        thing.tube(
            (float(x), 0, -thick / 2), (float(x), 0, thick / 2), rng.uniform(2, 3), str(rng.choice(("brass", "steel")))
        )
    if rng.random() < 0.3:
        thing.box((handle - 2, -half - 6, -6), (handle + 3, half + 6, 6), "steel" if rng.random() < 0.6 else "brass")
    return thing.centred()


def kitchen_knife(rng: np.random.Generator) -> Thing:
    """A cleaver: a broad rectangular blade with a hole."""
    blade, handle, half = rng.uniform(140, 190), rng.uniform(95, 120), rng.uniform(32, 48)
    thing = Thing()
    outline = [(handle, -half), (handle + blade, -half), (handle + blade, half), (handle, half)]
    thing.blade(outline, rng.uniform(1.8, 4), half, half * rng.uniform(0.3, 1.2), "steel")
    thing.tube((handle + blade - 14, -half + 12, -4), (handle + blade - 14, -half + 12, 4), 5, "steel", factor=-0.45)
    thing.box((0, -half, -1.5), (handle, -half + 18, 1.5), "steel")
    thing.box((0, -half - 3, -9), (handle - 4, -half + 23, 9), str(rng.choice(_GRIPS)))
    for x in np.linspace(14, handle - 18, 3):
        thing.tube((float(x), -half + 10, -9), (float(x), -half + 10, 9), 3, "brass")
    return thing.centred()


def folding_knife(rng: np.random.Generator) -> Thing:
    """A folding knife, open, half open or shut: liners, scales, spring, pivot, and the blade within when shut."""
    handle, half = rng.uniform(85, 125), rng.uniform(9, 13)
    blade = handle * rng.uniform(0.72, 0.9)
    thing = Thing()
    body: list[Point] = [
        (0, -half * 0.7),
        (12, -half),
        (handle, -half * 0.85),
        (handle, half * 0.85),
        (handle * 0.5, half * 0.7),
        (14, half),
    ]
    scale = str(rng.choice(("abs", "wood", "aluminium", "nylon", "titanium", "stainless", "stainless")))
    for side in (-1, 1):
        thing.plate([body], rng.uniform(2, 4), scale, z=side * 5.0)
        holes = [
            arc(x, 0, half * 0.3, 0, 330, 8) for x in np.linspace(handle * 0.25, handle * 0.65, int(rng.integers(0, 4)))
        ]
        thing.plate([body, *holes], rng.uniform(0.9, 1.6), "steel", z=side * 2.5)
    thing.plate(
        [[(4, -half * 0.9), (handle - 6, -half * 0.9), (handle - 6, -half * 0.5), (4, -half * 0.4)]], 3.0, "steel"
    )
    for x, y, radius in ((handle - 6, 0, 4.0), (8, 0, 2.0), (handle * 0.5, -half * 0.6, 1.8)):
        thing.tube((x, y, -6.5), (x, y, 6.5), radius, "steel")
    part = Thing()
    _edge(part, 0, blade, half * 0.8, rng)
    angle = float(rng.choice((0.0, 180.0, rng.uniform(60, 150)), p=(0.42, 0.46, 0.12)))
    thing.take(part, (handle - 6, 0, 0), about("z", angle))
    if rng.random() < 0.4:
        thing.plate([[(20, half), (handle * 0.55, half), (handle * 0.55, half + 2), (20, half + 2)]], 8, "steel")
    return thing.centred()


def cutter(rng: np.random.Generator) -> Thing:
    """A cutter: a segmented blade in a plastic holder with a steel rail, pushed out by half or so."""
    body, out, half = rng.uniform(110, 155), rng.uniform(12, 70), rng.uniform(6, 10)
    thing = Thing()
    thing.shell((0, -half - 2, -6), (body, half + 2, 6), "abs", 2.5)
    rail = [(12, -half), (body + 4, -half), (body + 4, half), (12, half)]
    slot = [(24, -half * 0.5), (body - 10, -half * 0.5), (body - 10, half * 0.5), (24, half * 0.5)]
    thing.plate([rail, slot], 1.8, "steel")
    end = body + out
    start = end - rng.uniform(95, 112)
    thing.plate(
        [[(start, -half * 0.8), (end - 8, -half * 0.8), (end, half * 0.8), (start, half * 0.8)]], 0.8, "steel", z=1
    )
    for x in np.arange(start + 8, end - 8, 9.0):
        thing.plate(
            [[(x, -half * 0.8), (x + 1.6, -half * 0.8), (x + 7.6, half * 0.8), (x + 6, half * 0.8)]],
            0.45,
            "steel",
            z=1,
            factor=-1,
        )
    at = body * rng.uniform(0.35, 0.7)
    thing.box((at, -half, 3), (at + 20, half, 9), "abs")
    thing.box((at + 3, -half * 0.6, 1), (at + 18, half * 0.6, 2.6), "steel")
    thing.tube((10, 0, -6), (10, 0, 6), 3, "steel")
    return thing.centred()


def knife(rng: np.random.Generator) -> Thing:
    """A fixed, folding or kitchen knife, or a cutter."""
    draw = rng.random()
    if draw < 0.38:
        return fixed_knife(rng)
    if draw < 0.76:
        return folding_knife(rng)
    return kitchen_knife(rng) if draw < 0.86 else cutter(rng)


def scissors(rng: np.random.Generator) -> Thing:
    """Scissors: two blades crossing at a screw, bows of plastic around steel, or all of steel."""
    blade, handle, half = rng.uniform(45, 125), rng.uniform(60, 95), rng.uniform(6, 13)
    plastic, point = rng.random() < 0.7, half * rng.uniform(0.1, 0.8)
    shut = -2 * float(np.degrees(np.arctan2((half + point) / 2, blade)))
    spread = shut + (rng.uniform(6, 70) if rng.random() < 0.5 else rng.uniform(0, 5))
    thick, bevel = rng.uniform(2, 4.5), half * rng.uniform(0.4, 1.1)
    outer, bow = rng.uniform(15, 21), rng.uniform(3.5, 8)
    length, depth = rng.uniform(1.1, 1.6), rng.uniform(4, 10)
    thing = Thing()
    for side in (-1.0, 1.0):
        arm = Thing()
        arm.blade(
            [(-8, -half), (blade * 0.4, -half * 0.8), (blade, point), (blade, half), (-8, half)],
            thick,
            half,
            bevel,
            "stainless",
        )
        arm.plate([[(-handle * 0.55, 3), (-6, -half * 0.7), (4, half * 0.8), (-handle * 0.5, 11)]], 3, "stainless")
        ring_x, ring_y = -handle * 0.72, 15.0
        oval = [arc(0, 0, size, 0, 345, 20) for size in (outer, outer - bow)]
        squeezed = [[(ring_x + x * length, ring_y + y * 0.8) for x, y in ring] for ring in oval]
        arm.plate(squeezed, depth if plastic else depth / 2, "abs" if plastic else "stainless")
        if plastic:
            arm.plate([[(-handle * 0.6, 5), (-10, -half * 0.4), (-6, half), (-handle * 0.5, 14)]], 9, "abs")
        flip = np.diag((1.0, side, side))
        thing.take(arm, (0, 0, side * 1.4), about("z", side * spread / 2) @ flip)
    thing.tube((0, 0, -4), (0, 0, 4), 3.6, "steel")
    return thing.centred()


def axe(rng: np.random.Generator) -> Thing:
    """An axe or hatchet: a wedge of a head on a shaft of wood, plastic or steel."""
    shaft = rng.uniform(210, 380)
    head, tall = rng.uniform(85, 140), rng.uniform(22, 34)
    thing = Thing()
    bit = tall * rng.uniform(1.1, 1.8)
    profile: list[Point] = [
        (-18, -tall / 2),
        (18, -tall / 2),
        (head - 18, -bit),
        (head - 18, bit),
        (18, tall / 2),
        (-18, tall / 2),
    ]
    thick = rng.uniform(16, 26)
    turned = Thing()
    turned.blade([(y, x) for x, y in profile[1:5]], thick, head - 18, head - 30, "steel")
    turned.box((-tall / 2, -18, -thick / 2), (tall / 2, 18, thick / 2), "steel")
    turned.box((-tall / 2, -10, -thick / 2 + 4), (tall / 2, 10, thick / 2 - 4), "steel", -1)
    thing.take(turned)
    grip = "wood" if rng.random() < 0.65 else "nylon"
    thing.tube((-tall, 0, 0), (shaft, 0, 0), 14, grip, 17, flat=0.7)
    if rng.random() < 0.3:
        thing.box((-tall, -4, -4), (shaft * 0.9, 4, 4), "steel")
    return thing.centred()

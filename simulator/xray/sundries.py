"""Harmless small metal: cutlery, keys, coins, zips, buckles, brackets, bars, pens; look-alikes of blades and tools."""

from __future__ import annotations

import numpy as np

from simulator.xray.shapes import arc, oblong
from simulator.xray.things import Point, Thing, about


def cutlery(rng: np.random.Generator) -> Thing:
    """One to four spoons and forks of stainless steel: knife-long, but blunt and with a bowl or tines."""
    thing = Thing()
    for number in range(int(rng.integers(1, 5))):
        piece, length, thick = Thing(), rng.uniform(130, 205), rng.uniform(1.4, 2.4)
        piece.plate(
            [[(0, -8), (0, 8), (length * 0.4, 4), (length - 45, 3), (length - 45, -3), (length * 0.4, -4)]],
            thick,
            "stainless",
        )
        if rng.random() < 0.5:
            piece.ball((length - 25, 0, 0), (28, 19, thick * 0.7), "stainless")
        else:
            root = [(-48, -3), (-38, -11), (-28, -11), (-28, 11), (-38, 11), (-48, 3)]
            piece.plate([[(length + x, y) for x, y in root]], thick, "stainless")
            piece.plate(
                [oblong(length - 28, y - 1.6, length + 16, y + 1.6) for y in (-9.4, -3.2, 3.2, 9.4)], thick, "stainless"
            )
        thing.take(piece, (rng.normal(0, 8), number * 21.0, number * 2.0), about("z", rng.normal(0, 9)))
    return thing.centred()


def keys(rng: np.random.Generator) -> Thing:
    """A ring with two to six keys, sometimes a tag."""
    thing = Thing()
    thing.plate([arc(0, 0, 15, 0, 345, 20), arc(0, 0, 12.4, 0, 345, 20)], 2.4, "steel")
    for _ in range(int(rng.integers(2, 7))):
        key = Thing()
        material = "brass" if rng.random() < 0.6 else "steel"
        key.plate([arc(24, 0, 11, 0, 340, 14), arc(18, 0, 3, 0, 330, 8)], 2.2, material)
        notches: list[Point] = [(float(x), float(rng.uniform(1.2, 4.2))) for x in np.linspace(60, 36, 9)]
        key.plate([[(34, -4), (62, -4), (62, 1), *notches, (34, 4)]], 2.2, material)
        thing.take(key, (0, 0, rng.normal(0, 3)), about("z", rng.uniform(0, 360)) @ about("x", rng.normal(0, 25)))
    if rng.random() < 0.4:
        thing.box((-50, -14, -2), (-12, 14, 2), "leather")
    return thing.centred()


def coins(rng: np.random.Generator) -> Thing:
    """Coins, loose or in a purse with a frame."""
    thing = Thing()
    for _ in range(int(rng.integers(4, 18))):
        x, y = rng.normal(0, 20, 2)
        radius = rng.uniform(8, 13)
        single = Thing()
        single.tube((0, 0, -0.9), (0, 0, 0.9), radius, str(rng.choice(("brass", "copper", "stainless"))))
        thing.take(single, (x, y, rng.normal(0, 4)), about("x", rng.normal(0, 40)))
    if rng.random() < 0.5:
        thing.box((-48, -36, -5), (48, 36, 5), "leather", 0.4)
        thing.wire([(float(x), float(y), 0.0) for x, y in arc(0, -30, 46, 180, 360, 12)], 3.2, "steel")
    return thing.centred()


def small_metal(rng: np.random.Generator) -> Thing:
    """A handful of screws, nuts, rings and springs, as in a bag from a hardware store."""
    thing = Thing()
    size = rng.uniform(22, 55)
    for _ in range(int(rng.integers(4, 16))):
        at, draw = rng.uniform(-size, size, 2), rng.random()
        piece = Thing()
        if draw < 0.5:
            long, thick = rng.uniform(12, 45), rng.uniform(1.3, 3)
            piece.tube((0, 0, 0), (long, 0, 0), thick, "steel", thick * 0.8)
            piece.tube((-thick, 0, 0), (0, 0, 0), thick * 2, "steel", thick * 1.2)
        elif draw < 0.75:
            radius = rng.uniform(4, 9)
            piece.plate([arc(0, 0, radius, 0, 300, 6), arc(0, 0, radius * 0.5, 0, 330, 10)], rng.uniform(2, 6), "steel")
        else:
            piece.wire([(1.6 * i, (4 if i % 2 else -4), 0) for i in range(14)], 1.2, "steel")
        thing.take(piece, (at[0], at[1], 0), about("z", rng.uniform(0, 360)))
    return thing.centred()


def zip_strap(rng: np.random.Generator) -> Thing:
    """A zip with its slider and puller, and a strap with buckles, rings and a hook, as on any bag."""
    thing = Thing()
    length = rng.uniform(120, 320)
    bend = rng.normal(0, 25, 4)
    path = [(float(x), float(y), 0.0) for x, y in zip(np.linspace(0, length, 4), bend, strict=True)]
    metal = rng.random() < 0.5
    thing.wire(path, 5.0, "textile")
    thing.wire(path, 1.6 if metal else 3.2, "brass" if metal else "nylon")
    for x, y, _ in (path[0], path[2]):
        thing.box((x - 5, y - 4, -2.5), (x + 5, y + 4, 2.5), "zinc", 0.8)
        thing.plate([oblong(x + 4, y - 3.5, x + 26, y + 3.5), oblong(x + 8, y - 1.5, x + 20, y + 1.5)], 2, "zinc")
    strap = [(0.0, 40.0, 0.0), (length * 0.4, 52.0, 0.0), (length, 38.0, 0.0)]
    thing.wire(strap, rng.uniform(18, 32), "textile")
    for x in (4.0, length * 0.5, length - 4):
        thing.take(_buckle(rng), (x, 45, 2), about("z", rng.uniform(0, 180)) @ about("x", rng.normal(0, 30)))
    return thing.centred()


def _buckle(rng: np.random.Generator) -> Thing:
    thing = Thing()
    w, h, thick = rng.uniform(7, 15), rng.uniform(6, 13), rng.uniform(1.8, 3.2)
    outer, inner = oblong(-w, -h, w, h), oblong(-w + thick, -h + thick, w - thick, h - thick)
    if rng.random() < 0.4:
        outer, inner = arc(0, 0, w, 0, 345, 16), arc(0, 0, w - thick, 0, 345, 16)
    thing.plate([outer, inner], thick, str(rng.choice(("steel", "zinc", "nylon", "aluminium"))))
    if rng.random() < 0.5:
        thing.box((-w, -1.2, 0), (w, 1.2, 2.4), "steel")
    return thing


def buckles(rng: np.random.Generator) -> Thing:
    """A belt of leather, rolled up, with its buckle; or a few buckles and rings."""
    thing = Thing()
    if rng.random() < 0.5:
        angles = np.linspace(0, 2 * np.pi * rng.uniform(1.5, 3), 50)
        size = 26 + angles * 3.2
        roll = [(float(s * np.cos(a)), float(s * np.sin(a)), 0.0) for s, a in zip(size, angles, strict=True)]
        thing.wire(roll, 4.0, "leather")
        thing.wire(roll, 3.0, "leather")
    for _ in range(int(rng.integers(1, 6))):
        at = rng.uniform(-50, 50, 2)
        thing.take(_buckle(rng), (at[0], at[1], 0), about("z", rng.uniform(0, 180)) @ about("x", rng.normal(0, 35)))
    return thing.centred()


def bracket(rng: np.random.Generator) -> Thing:
    """A flat bar with square ends and holes along it, straight or an angle: a shelf bracket, a hinge."""
    length, half, thick = rng.uniform(90, 260), rng.uniform(8, 17), rng.uniform(1.5, 3.5)
    thing = Thing()
    holes = [
        arc(float(x), 0, half * rng.uniform(0.25, 0.45), 0, 330, 12)
        for x in np.arange(12, length - 8, rng.uniform(18, 34))
    ]
    thing.plate([oblong(0, -half, length, half), *holes], thick, "steel" if rng.random() < 0.75 else "aluminium")
    if rng.random() < 0.4:
        thing.box((0, -half, 0), (thick, half, rng.uniform(30, 90)), "steel")
    return thing.centred()


def ruler(rng: np.random.Generator) -> Thing:
    """A ruler of thin steel, aluminium or wood: square ends, a hole at one of them."""
    length, half = rng.uniform(160, 310), rng.uniform(10, 16)
    thing = Thing()
    material, thick = (("stainless", 0.6), ("aluminium", 2.4), ("wood", 4.0))[int(rng.integers(3))]
    thing.plate([oblong(0, -half, length, half), arc(9, 0, 3.5, 0, 330, 12)], thick, material)
    return thing.centred()


def pen(rng: np.random.Generator) -> Thing:
    """One to eight pens: a refill of metal in a barrel, clip, point; or pencils."""
    thing = Thing()
    for number in range(int(rng.integers(1, 9))):
        piece = Thing()
        if rng.random() < 0.3:
            piece.tube((0, 0, 0), (170, 0, 0), 3.6, "wood")
            piece.tube((0, 0, 0), (172, 0, 0), 1.0, "ceramic")
        else:
            piece.tube((0, 0, 0), (125, 0, 0), 5, "abs" if rng.random() < 0.6 else "brass", wall=1.1)
            piece.tube((125, 0, 0), (138, 0, 0), 5, "brass", 1.2, wall=0.8)
            piece.tube((10, 0, 0), (136, 0, 0), 1.5, "brass" if rng.random() < 0.5 else "polyethylene", wall=0.4)
            piece.box((0, -1.5, 5), (38, 1.5, 6), "steel")
            piece.wire([(112 + 1.2 * i, (2 if i % 2 else -2), 0) for i in range(12)], 0.5, "steel")
        thing.take(piece, (rng.normal(0, 8), number * 13.0, rng.normal(0, 3)), about("z", rng.normal(0, 8)))
    return thing.centred()


def trolley_bar(rng: np.random.Generator) -> Thing:
    """Two drawn tubes of aluminium or steel beside each other with a handle, as in a case."""
    length, gap = rng.uniform(220, 420), rng.uniform(70, 150)
    thing = Thing()
    metal, wall = ("aluminium", 1.4) if rng.random() < 0.6 else ("steel", 0.8)
    for y in (0.0, gap):
        thing.shell((0, y - 9, -6), (length, y + 9, 6), metal, wall)
        thing.shell((length * 0.35, y - 6.5, -4), (length * 0.98, y + 6.5, 4), metal, wall)
        thing.box((length - 30, y - 12, -9), (length, y + 12, 9), "nylon")
    thing.box((-24, -12, -10), (0, gap + 12, 10), "abs", 0.6)
    return thing.centred()


def glasses(rng: np.random.Generator) -> Thing:
    """Spectacles in a case of plastic or steel."""
    thing = Thing()
    for x in (-33.0, 33.0):
        thing.plate(
            [arc(x, 0, 25, 0, 345, 18), arc(x, 0, 23, 0, 345, 18)], 2.4, "titanium" if rng.random() < 0.5 else "steel"
        )
        thing.plate([arc(x, 0, 23, 0, 345, 18)], 2.2, "polycarbonate")
        thing.wire([(x * 1.75, -4, 0), (x * 0.5, 12, -6), (-x * 1.5, 14, -8)], 1.8, "steel")
    thing.wire([(-9, -4, 0), (0, -8, 0), (9, -4, 0)], 2.0, "steel")
    thing.ball((0, 4, -4), (82, 32, 20), "abs" if rng.random() < 0.7 else "steel", 0.6)
    return thing.centred()


def watch(rng: np.random.Generator) -> Thing:
    """A wrist watch: case, works, glass, and a strap of leather or of steel links."""
    thing = Thing()
    radius = rng.uniform(14, 22)
    thing.tube((0, 0, -4.5), (0, 0, 4.5), radius, "stainless", wall=3)
    thing.tube((0, 0, -2), (0, 0, 2), radius - 3, "brass", factor=0.6)
    thing.tube((radius, 0, 0), (radius + 4, 0, 0), 2.4, "steel")
    steel = rng.random() < 0.5
    for side in (-1, 1):
        for number in range(9):
            y = side * (radius + 4 + number * 7.5)
            thing.box((-9, y - 3.2, -1.8), (9, y + 3.2, 1.8), "stainless" if steel else "leather", 0.8)
    thing.take(_buckle(rng), (0, radius + 76, 0))
    return thing.centred()

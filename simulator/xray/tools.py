"""Tools that strike, turn or grip, and what restrains."""

from __future__ import annotations

import numpy as np

from simulator.xray.shapes import arc
from simulator.xray.things import Point, Thing, about


def hammer(rng: np.random.Generator) -> Thing:
    """A hammer: head with face and peen or claw, on a shaft of wood, steel in rubber, or glass fibre."""
    shaft, head, size = rng.uniform(190, 320), rng.uniform(85, 130), rng.uniform(11, 17)
    thing = Thing()
    thing.tube((0, -head * 0.42, 0), (0, head * 0.1, 0), size, "steel", size * 0.75)
    thing.tube((0, -head * 0.46, 0), (0, -head * 0.36, 0), size * 1.15, "steel")
    thing.box((-size, -size, -size * 0.8), (size, size, size * 0.8), "steel")
    claw = [(-size * 0.8, size), (size * 0.8, size), (size * 0.3, head * 0.54), (-size * 0.2, head * 0.56)]
    if rng.random() < 0.5:
        curved = [(-size * 0.7, size), (size * 0.7, size), (size * 1.6, head * 0.5), (size * 1.2, head * 0.55)]
        for side in (-1, 1):
            thing.plate([curved], 7, "steel", z=side * size * 0.45)
    else:
        thing.plate([claw], size * 1.4, "steel")
    kind = rng.random()
    if kind < 0.55:
        thing.tube((-size, 0, 0), (shaft, 0, 0), 12, "wood", 16, flat=0.75)
    elif kind < 0.8:
        thing.tube((0, 0, 0), (shaft, 0, 0), 8, "steel", wall=2.2)
        thing.tube((shaft * 0.55, 0, 0), (shaft, 0, 0), 16, "rubber", wall=8)
    else:
        thing.tube((-size, 0, 0), (shaft, 0, 0), 10, "board", 12, flat=0.7)
        thing.tube((shaft * 0.5, 0, 0), (shaft, 0, 0), 16, "rubber", wall=5)
    return thing.centred()


def wrench(rng: np.random.Generator) -> Thing:
    """A spanner: open jaws, rings, one of each, or an adjustable one."""
    length, jaw, thick = rng.uniform(110, 270), rng.uniform(13, 24), rng.uniform(5, 9)
    thing = Thing()
    waist = jaw * rng.uniform(0.45, 0.6)
    outline: list[Point] = [(0, -waist), (length, -waist * 0.9), (length, waist * 0.9), (0, waist)]
    groove = [(jaw, -waist * 0.4), (length - jaw, -waist * 0.4), (length - jaw, waist * 0.4), (jaw, waist * 0.4)]
    thing.plate([outline], thick * 0.8, "steel")
    thing.plate([groove], thick * 0.35, "steel", factor=-1)
    adjustable = rng.random() < 0.25
    for x, side in ((0.0, -1.0), (length, 1.0)):
        if adjustable and side < 0:
            thing.plate([arc(x, 0, waist * 1.4, 0, 330, 12), arc(x, 0, waist * 0.7, 0, 330, 10)], thick, "steel")
        elif adjustable or rng.random() < 0.55:
            _open_jaw(thing, x, side, jaw, thick, rng)
        else:
            ring = [
                arc(x + side * jaw * 0.7, 0, jaw, 0, 340, 18),
                arc(x + side * jaw * 0.7, 0, jaw * 0.62, 0, 330, 12),
            ]
            thing.plate(ring, thick * 1.5, "steel")
    if adjustable:
        thing.tube((length - jaw, jaw * 0.9, 0), (length, jaw * 0.9, 0), jaw * 0.4, "steel")
    return thing.centred()


def _open_jaw(thing: Thing, x: float, side: float, jaw: float, thick: float, rng: np.random.Generator) -> None:
    gap, lean = jaw * rng.uniform(0.5, 0.62), rng.uniform(-18, 18)
    turn = about("z", lean)[:2, :2]
    upper = [(-1.0, -0.5), (-0.2, -1.0), (1.1, -0.95)]
    lower = [(1.0, 0.95), (-0.2, 1.0), (-1.0, 0.5)]
    inside = [(1.3, -gap / jaw), (0.1, -gap / jaw), (0.0, 0.0), (0.1, gap / jaw), (1.25, gap / jaw)]
    raw = [(x * jaw, y * jaw) for x, y in (*upper, *inside, *lower)]
    points = [turn @ (px * side, py) for px, py in raw]
    thing.plate([[(x + side * jaw * 0.6 + float(p[0]), float(p[1])) for p in points]], thick, "steel")


def pliers(rng: np.random.Generator) -> Thing:
    """Pliers or cutters: two arms crossing at a joint, sleeves on the handles, a notch in the jaws."""
    handle, jaw, spread = rng.uniform(95, 140), rng.uniform(32, 65), rng.uniform(3, 16)
    thing = Thing()
    sleeve = str(rng.choice(("rubber", "pvc", "nylon")))
    blunt = rng.uniform(3, 9)
    for side in (-1.0, 1.0):
        arm = Thing()
        bow = [(0, -7), (-handle * 0.3, -12), (-handle * 0.7, -13), (-handle, -8)]
        back = [(x, y + 8) for x, y in reversed(bow)]
        arm.plate([[*bow, *back]], 7, "steel")
        arm.plate([[(x, y - 3) for x, y in bow[1:]] + [(x, y + 3) for x, y in back[:3]]], 13, sleeve)
        arm.plate([[(-6, -2), (jaw * 0.3, 1), (jaw, 0.5), (jaw, blunt), (jaw * 0.4, 10), (-4, 11)]], 10, "steel")
        thing.take(arm, (0, 0, 0), about("z", -side * spread) @ np.diag((1.0, side, side)))
    thing.tube((0, 0, -6.5), (0, 0, 6.5), 11, "steel", factor=0.7)
    thing.tube((0, 0, -8), (0, 0, 8), 4, "steel")
    thing.tube((jaw * 0.45, 0, -6), (jaw * 0.45, 0, 6), 3.4, "steel", factor=-0.8)
    return thing.centred()


def screwdriver(rng: np.random.Generator) -> Thing:
    """A screwdriver, or a set of two to five: round steel shafts in thick plastic handles."""
    if rng.random() < 0.75:
        return _one_driver(rng, rng.uniform(60, 170), rng.uniform(2.2, 4))
    thing = Thing()
    for number in range(int(rng.integers(2, 6))):
        thing.take(
            _one_driver(rng, rng.uniform(40, 110), rng.uniform(1.5, 3)), (rng.uniform(-10, 10), number * 32.0, 0)
        )
    return thing.centred()


def _one_driver(rng: np.random.Generator, shaft: float, radius: float) -> Thing:
    handle, grip = rng.uniform(75, 112), rng.uniform(10, 16)
    thing = Thing()
    material = str(rng.choice(("abs", "polycarbonate", "polyethylene")))
    thing.spin(
        [(0, grip * 0.75), (8, grip), (handle * 0.7, grip * 0.9), (handle * 0.8, grip * 0.6), (handle, grip * 0.75)],
        material,
    )
    for _ in range(4):
        thing.box((12, -1 - grip, -grip * 0.3), (handle * 0.6, 1.5 - grip, grip * 0.3), material, -0.8)
    thing.tube((handle * 0.35, 0, 0), (handle + shaft, 0, 0), radius, "steel")
    end = handle + shaft
    if rng.random() < 0.5:
        thing.plate(
            [[(end - 8, -radius), (end + 2, -radius * 1.5), (end + 2, radius * 1.5), (end - 8, radius)]], 1.4, "steel"
        )
    else:
        thing.tube((end, 0, 0), (end + 6, 0, 0), radius, "steel", 0.4)
    return thing.centred()


def handcuffs(rng: np.random.Generator) -> Thing:
    """Handcuffs: two bows with toothed arms and lock cases, joined by a chain or a hinge."""
    thing = Thing()
    gap = rng.uniform(28, 55)
    for side in (-1.0, 1.0):
        cuff = Thing()
        radius = rng.uniform(30, 34)
        outer, inner = arc(0, 0, radius + 4.5, 0, 345, 24), arc(0, 0, radius - 3.5, 0, 345, 22)
        cuff.plate([outer, inner], rng.uniform(5, 8), "steel")
        cuff.plate([arc(0, 0, radius + 6, 150, 240, 10) + arc(0, 0, radius - 5, 240, 150, 10)], 11, "steel")
        cuff.box((-radius - 20, -14, -5.5), (-radius + 4, 18, 5.5), "steel", 0.75)
        for angle in np.linspace(-70, 60, 12):
            x, y = (radius + 4) * np.cos(np.radians(angle)), (radius + 4) * np.sin(np.radians(angle))
            cuff.tube((x, y, -3), (x, y, 3), 1.2, "steel", factor=-0.7)
        lean = rng.uniform(-50, 50)
        thing.take(
            cuff, (-side * (gap + 34), rng.uniform(-12, 12), side * 3), about("z", lean + (180 if side > 0 else 0))
        )
    for x in np.arange(-gap + 8, gap - 6, 11.0):
        thing.plate([arc(x, 0, 8, 0, 340, 12), arc(x, 0, 4.6, 0, 340, 10)], 3.5, "steel")
    return thing.centred()


def baton(rng: np.random.Generator) -> Thing:
    """A baton: steel tubes that slide into each other, shut or drawn out, or a stick with a side handle."""
    thing = Thing()
    radius = rng.uniform(11, 14)
    if rng.random() < 0.25:
        thing.tube((0, 0, 0), (rng.uniform(380, 520), 0, 0), radius + 3, "nylon")
        thing.tube((150, 0, 0), (150, 110, 0), radius, "nylon")
        return thing.centred()
    length = rng.uniform(160, 230)
    thing.tube((0, 0, 0), (length, 0, 0), radius, "steel", wall=1.8)
    thing.tube((0, 0, 0), (length * 0.9, 0, 0), radius + 3.5, "rubber" if rng.random() < 0.6 else "foam", wall=3.5)
    out = rng.uniform(120, 170) if rng.random() < 0.6 else 0.0
    at = length - 6
    for number in (1, 2):
        size = radius - 2.4 * number
        begin = at if out else 8.0 * number
        thing.tube((begin, 0, 0), (begin + (out or length - 30), 0, 0), size, "steel", size * 0.88, wall=1.6)
        at = begin + out - 6
    tip = at + 6 if out else length
    thing.ball((tip, 0, 0), (6, 6.5, 6.5), "steel")
    thing.tube((-5, 0, 0), (0, 0, 0), radius + 2, "steel")
    return thing.centred()

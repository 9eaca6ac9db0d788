"""What parcels are wrapped and filled with: cartons, envelopes, padded bags, crates; paper, film, cloth."""

from __future__ import annotations

import numpy as np

from simulator.xray.flat import Creases
from simulator.xray.things import Thing


def _tape(thing: Thing, length: float, z: float) -> None:
    thing.box((-length / 2, -26, z), (length / 2, 26, z + 0.12), "polyethylene")


def carton(length: float, width: float, height: float, rng: np.random.Generator) -> Thing:
    """A folding carton: walls, two layers of flaps that meet or overlap at top and bottom, tape, sometimes staples."""
    thing = Thing()
    wall = rng.uniform(2.5, 6.0)
    x, y, z = length / 2, width / 2, height / 2
    for side in (-1, 1):
        thing.box((-x, side * y - wall / 2, -z), (x, side * y + wall / 2, z), "cardboard")
        thing.box((side * x - wall / 2, -y, -z), (side * x + wall / 2, y, z), "cardboard")
        flap = min(x * 0.99, y * rng.uniform(0.7, 1.0))
        for end in (-1, 1):
            inner, outer = sorted((end * x, end * (x - flap)))
            thing.box((inner, -y, side * z - wall / 2), (outer, y, side * z + wall / 2), "cardboard")
        thing.box((-x, -y, side * z), (x, -0.5, side * z + wall), "cardboard")
        thing.box((-x, 0.5, side * z), (x, y, side * z + wall), "cardboard")
        _tape(thing, length, side * z)
    if rng.random() < 0.25:
        for number in range(int(rng.integers(2, 7))):
            at = -x + (number + 0.5) * length / 7
            thing.wire([(at, -y + 8, z), (at + 14, -y + 10, z)], 1.3, "steel")
    return thing


def envelope(length: float, width: float, height: float, rng: np.random.Generator) -> Thing:
    """A padded bag or an envelope: two skins, seams, a flap, bubbles in the better ones."""
    thing = Thing()
    x, y = length / 2, width / 2
    skin = rng.uniform(0.3, 1.2)
    corners = [(-x, -y), (x, -y + rng.uniform(0, 6)), (x - rng.uniform(0, 6), y), (-x, y)]
    thing.plate([corners], skin * 2, "paper" if rng.random() < 0.6 else "polyethylene")
    inner = [(px * 0.96, py * 0.95) for px, py in corners]
    thing.plate([corners, inner], skin * 3, "paper")
    thing.plate([[(x - 45, -y), (x, -y), (x, y), (x - 60, y)]], skin, "paper")
    if rng.random() < 0.5:
        rows = np.arange(-y + 8, y - 6, 11.0)
        for row, at in enumerate(rows):
            start = -x + 8 + (row % 2) * 5.5
            dots = [[(px + 3.4 * c, at + 3.4 * s) for c, s in _CIRCLE] for px in np.arange(start, x - 6, 11.0)]
            if dots:
                thing.plate(dots, 0.5, "polyethylene")
    thing.wire(_crease(length, width, rng), 1.6, "paper")
    del height
    return thing


_CIRCLE = tuple((float(np.cos(a)), float(np.sin(a))) for a in np.linspace(0, 2 * np.pi, 8, endpoint=False))


def crate(length: float, width: float, height: float, rng: np.random.Generator) -> Thing:
    """A crate of thin boards with gaps, battens in its corners, nails."""
    thing = Thing()
    x, y, z = length / 2, width / 2, height / 2
    board, count = rng.uniform(6, 10), int(rng.integers(3, 7))
    for side in (-1, 1):
        for number in range(count):
            low = -y + number * width / count + 3
            thing.box((-x, low, side * z - board / 2), (x, low + width / count - 6, side * z + board / 2), "wood")
        thing.box((-x, side * y - board / 2, -z), (x, side * y + board / 2, z), "wood")
        thing.box((side * x - board / 2, -y, -z), (side * x + board / 2, y, z), "wood")
        for end in (-1, 1):
            thing.box(
                (side * (x - 14) - 12, end * (y - 14) - 12, -z), (side * (x - 14) + 12, end * (y - 14) + 12, z), "wood"
            )
            for number in range(count):
                at = -y + (number + 0.5) * width / count
                thing.tube((side * (x - 14), at, end * z), (side * (x - 14), at, end * (z - 34)), 1.3, "steel")
    return thing


def _crease(length: float, width: float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """A wavering line across a sheet."""
    count = int(rng.integers(4, 9))
    start, end = rng.uniform(-0.5, 0.5, (2, 2)) * (length, width)
    share = np.linspace(0, 1, count)[:, None]
    points = start * (1 - share) + end * share + rng.normal(0, 0.03 * min(length, width), (count, 2))
    points = np.clip(points, (-length / 2, -width / 2), (length / 2, width / 2))
    return [(float(x), float(y), 0.0) for x, y in points]


def folds(length: float, width: float, material: str, count: int, rng: np.random.Generator) -> Thing:
    """Crumpled sheets: faint bands and creases that cross."""
    thing = Thing()
    for share in (0.5, 0.3, 0.2):
        lines = tuple(np.array(_crease(length, width, rng)) for _ in range(max(1, round(count * share))))
        thing.add(Creases(lines, rng.uniform(1.0, 3.2), rng.uniform(1.0, 3.0)), material)
    for _ in range(max(1, count // 4)):
        line = np.array(_crease(length, width, rng))[:, :2]
        wide = rng.uniform(0.04, 0.16) * min(length, width)
        back = line[::-1] + rng.normal(0, wide / 4, line.shape) + rng.choice((-1, 1)) * wide
        back = np.clip(back, (-length / 2, -width / 2), (length / 2, width / 2))
        thing.plate([[*map(tuple, line), *map(tuple, back)]], rng.uniform(0.8, 2.5), material)
    return thing


def cloth(rng: np.random.Generator) -> Thing:
    """A folded garment: layers with rounded corners, hems, creases, sometimes buttons or a zip."""
    length, width = rng.uniform(150, 340), rng.uniform(130, 260)
    material = str(rng.choice(("textile", "wool", "textile", "leather", "coated_cloth")))
    thing = Thing()
    for _ in range(int(rng.integers(2, 5))):
        x0, y0 = -length / 2 * rng.uniform(0.55, 1), -width / 2 * rng.uniform(0.5, 1)
        x1, y1 = length / 2 * rng.uniform(0.55, 1), width / 2 * rng.uniform(0.5, 1)
        cut = rng.uniform(8, 30)
        outline = [(x0 + cut, y0), (x1 - cut, y0 + rng.normal(0, 6)), (x1, y0 + cut), (x1 + rng.normal(0, 6), y1 - cut),
                   (x1 - cut, y1), (x0 + cut, y1 + rng.normal(0, 6)), (x0, y1 - cut), (x0, y0 + cut)]  # fmt: skip
        thing.plate([outline], rng.uniform(3, 14), material)
        inner = [(x * 0.965, y * 0.96) for x, y in outline]
        thing.plate([outline, inner], rng.uniform(1.5, 4), material)
    thing.take(folds(length, width, material, int(rng.integers(6, 18)), rng))
    if rng.random() < 0.4:
        for number in range(int(rng.integers(3, 7))):
            thing.tube((-length * 0.35 + number * 26, 3, -1), (-length * 0.35 + number * 26, 3, 1), 6, "nylon")
    return thing


def lining(length: float, width: float, rng: np.random.Generator) -> Thing:
    """What lies over the whole of a parcel: one to three layers of cloth, film or board, creased, with uneven edges."""
    thing = Thing()
    for _ in range(int(rng.integers(1, 4))):
        material = str(rng.choice(("textile", "coated_cloth", "wool", "polyethylene", "cardboard", "pvc")))
        thick = rng.uniform(3, 16) if material in {"textile", "wool", "cardboard"} else rng.uniform(0.6, 2.5)
        thing.plate([_ragged(length, width, rng)], thick, material)
        thing.take(folds(length * 0.95, width * 0.95, material, int(rng.integers(4, 16)), rng))
    return thing


def _ragged(length: float, width: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """An oval or rectangle with uneven edges, somewhat smaller than it could be."""
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = rng.uniform(0.3, 1.0)
    cos, sin = np.cos(angles), np.sin(angles)
    reach = rng.uniform(0.7, 0.98) * (1 + rng.normal(0, 0.02, angles.size))
    x = np.sign(cos) * np.abs(cos) ** power * reach * length / 2
    y = np.sign(sin) * np.abs(sin) ** power * reach * width / 2
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]

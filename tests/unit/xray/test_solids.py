"""Ways through solids: against formulas, and against points tried along each ray."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.xray.flat import Prism, Wire
from simulator.xray.solids import IDENTITY, Ball, Rays, Round, Solid, bevelled, box
from simulator.xray.things import about, towards

GRID = np.arange(-30, 30, 2.0, dtype=np.float32) + np.float32(0.2)
STEP = 0.15
DEEP = np.arange(-45, 45, STEP)
Inside = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]
NOTCHED = np.array([(-20, -10), (20, -10), (20, 10), (5, 10), (5, 0), (-5, 0), (-5, 10), (-20, 10)], np.float64)

SOLIDS: list[tuple[str, Solid, Inside]] = [
    ("ball", Ball((20, 12, 7)), lambda x, y, z: (x / 20) ** 2 + (y / 12) ** 2 + (z / 7) ** 2 <= 1),
    ("cylinder", Round(10, 10, 20), lambda x, y, z: (x**2 + y**2 <= 100) & (abs(z) <= 20)),
    ("frustum", Round(4, 14, 20, 0.7), lambda x, y, z: (x**2 + (y / 0.7) ** 2 <= (9 + z / 4) ** 2) & (abs(z) <= 20)),
    ("steep cone", Round(4, 24, 5), lambda x, y, z: (x**2 + y**2 <= (14 + 2 * z) ** 2) & (abs(z) <= 5)),
    ("box", box((20, 10, 5)), lambda x, y, z: (abs(x) <= 20) & (abs(y) <= 10) & (abs(z) <= 5)),
    (
        "blade",
        bevelled([(-20, -10), (20, -10), (20, 10), (-20, 10)], 3, 10, 12),
        lambda x, y, z: (abs(x) <= 20) & (abs(y) <= 10) & (abs(z) <= np.minimum(3, (10 - y) / 4)),
    ),
]  # fmt: skip


def ways(solid: Solid, turn: NDArray[np.float64]) -> NDArray[np.float32]:
    return solid.chord(Rays(GRID, GRID, turn))


def at(mm: float) -> int:
    return int(np.abs(GRID - mm).argmin())


def tried(inside: Inside, turn: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.meshgrid(GRID, GRID, DEEP, indexing="xy")
    own = np.stack([x, y, z], axis=-1) @ turn
    return inside(own[..., 0], own[..., 1], own[..., 2]).sum(axis=-1) * STEP


def turned(numbers: tuple[float, float, float]) -> NDArray[np.float64]:
    return about("z", numbers[0]) @ about("x", numbers[1]) @ about("y", numbers[2])


@pytest.mark.parametrize(("name", "solid", "inside"), SOLIDS, ids=[name for name, _, _ in SOLIDS])
@pytest.mark.parametrize("angles", [(0, 0, 0), (0, 90, 0), (33, 20, 71), (-70, 130, 15), (10, 5, 3)], ids=str)
def test_ways_are_those_of_points_tried(
    name: str, solid: Solid, inside: Inside, angles: tuple[float, float, float]
) -> None:
    del name
    turn = turned(angles)
    expected = tried(inside, turn)
    found = ways(solid, turn)
    assert np.abs(found - expected).max() < 2 * STEP + 0.02 * expected.max()
    assert found.sum() == pytest.approx(expected.sum(), rel=0.015)


@given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-180, 180))
@settings(max_examples=40, deadline=None)
def test_turning_a_ball_or_a_box_keeps_its_volume(a: float, b: float, c: float) -> None:
    turn = turned((a, b, c))
    for solid, volume in ((Ball((20, 12, 7)), 4 / 3 * np.pi * 20 * 12 * 7), (box((18, 9, 6)), 8 * 18 * 9 * 6)):
        assert ways(solid, turn).sum() * 4.0 == pytest.approx(volume, rel=0.05)


def test_chords_by_formula() -> None:
    middle = np.zeros(2, np.float32)
    aside = np.array([0, 6], np.float32)
    assert Round(10, 10, 20).chord(Rays(aside, middle, towards((0.0, 1.0, 0.0))))[0] == pytest.approx([20, 16])
    assert Ball((10, 10, 10)).chord(Rays(aside, middle, IDENTITY))[0] == pytest.approx([20, 16])
    assert box((10, 10, 5)).chord(Rays(aside, middle, about("x", 60)))[0, 0] == pytest.approx(20)


@pytest.mark.parametrize("angles", [(0, 80, 0), (25, 70, 10), (0, 90, 45)], ids=str)
def test_a_prism_edge_on_is_clipped_exactly(angles: tuple[float, float, float]) -> None:
    def inside(x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (abs(x) <= 20) & (abs(y) <= 10) & ~((abs(x) < 5) & (y > 0)) & (abs(z) <= 6)

    turn = turned(angles)
    expected, found = tried(inside, turn), ways(Prism((NOTCHED,), 6), turn)
    assert np.abs(found - expected).mean() < STEP
    assert found.sum() == pytest.approx(expected.sum(), rel=0.01)


@pytest.mark.parametrize("tilt", [0, 20, 50])
def test_a_prism_that_lies_flat_keeps_its_volume(tilt: float) -> None:
    """800 mm2 less a notch of 100, 12 mm thick; outlines are filled with half a fine pixel more."""
    found = ways(Prism((NOTCHED,), 6), about("x", tilt)).sum() * 4.0
    assert found == pytest.approx(700 * 12, rel=0.15)


def test_a_hole_in_a_prism_is_open() -> None:
    outer = np.array([(-20, -20), (20, -20), (20, 20), (-20, 20)], np.float64)
    found = ways(Prism((outer, outer / 2), 5), IDENTITY)
    assert found[at(0), at(0)] == 0
    assert found[at(0), at(-15)] == pytest.approx(10, rel=0.01)


def test_a_wire_has_its_volume_and_crosses_itself() -> None:
    straight = Wire(np.array([(-20.0, 0.0, 0.0), (20.0, 0.0, 0.0)]), 4.0)
    assert ways(straight, IDENTITY).sum() * 4.0 == pytest.approx(np.pi * 4 * 40, rel=0.25)
    angles = np.linspace(0, 4 * np.pi, 80)
    coil = Wire(np.column_stack((20 * np.cos(angles), 20 * np.sin(angles), np.zeros(80))), 2.0)
    once = Wire(coil.points[:40], 2.0)
    assert ways(coil, IDENTITY).sum() == pytest.approx(2 * ways(once, IDENTITY).sum(), rel=0.1)


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda way: sum(part**2 for part in way) > 0.01))
def test_towards_is_a_rotation_to_that_way(way: tuple[float, float, float]) -> None:
    turn = towards(way)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert turn[:, 2] == pytest.approx(np.array(way) / np.linalg.norm(way))

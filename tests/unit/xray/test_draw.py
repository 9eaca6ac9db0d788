"""Simulated pictures: the same from the same seed, and truly labelled."""

from __future__ import annotations

import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.xray import HAZARDS, MACHINES, MAX_LENGTH_MM, MIN_LENGTH_MM, draw, png_bytes
from simulator.xray.machine import BELT, develop
from simulator.xray.materials import PAPER, STEEL
from simulator.xray.shapes import PX_PER_MM, Sketch
from simulator.xray.sheet import contact_sheet

WORDS = ("gun", "knife", "battery", "aerosol")


def test_the_hazard_words():
    assert tuple(HAZARDS) == WORDS


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1 << 48),
    length=st.integers(MIN_LENGTH_MM, MAX_LENGTH_MM),
    hazards=st.lists(st.sampled_from(WORDS), max_size=3),
)
def test_any_parcel_is_drawn_and_labelled(seed, length, hazards):
    picture = draw(seed, length, hazards)
    assert picture.pixels.shape == (320, 416, 3)
    assert picture.pixels.dtype == np.uint8
    assert [label.label for label in picture.labels] == hazards
    for label in picture.labels:
        x0, y0, x1, y1 = label.box
        assert 0 <= x0 < x1 <= 416
        assert 0 <= y0 < y1 <= 320
        assert 0.0 <= label.visibility <= 1.0


def test_the_same_arguments_give_the_same_picture():
    first, second = draw(7, 330, ("gun", "battery")), draw(7, 330, ("gun", "battery"))
    assert np.array_equal(first.pixels, second.pixels)
    assert first.labels == second.labels


def test_another_process_gives_the_same_picture():
    code = "import zlib; from simulator.xray import draw; print(zlib.crc32(draw(7, 330, ['knife']).pixels))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(told) == zlib.crc32(draw(7, 330, ["knife"]).pixels)


def test_seed_length_and_hazards_all_matter():
    pictures = [draw(1, 300, ()), draw(2, 300, ()), draw(1, 301, ()), draw(1, 300, ("gun",)), draw(1, 300, ("knife",))]
    assert len({picture.pixels.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.parametrize("word", WORDS)
def test_a_label_lies_where_the_hazard_changed_the_picture(word):
    """The same parcel with and without the hazard: before the grain, the difference is all within the box."""
    grainless = type(BELT)("grainless", grain=0.0)
    for seed in range(4):
        without, holding = draw(seed, 400, (), grainless), draw(seed, 400, (word,), grainless)
        (label,) = holding.labels
        changed = np.abs(holding.pixels.astype(int) - without.pixels).max(axis=2) > 12
        ys, xs = np.nonzero(changed)
        x0, y0, x1, y1 = label.box
        assert xs.min() >= x0 - 6
        assert xs.max() < x1 + 6
        assert ys.min() >= y0 - 6
        assert ys.max() < y1 + 6
        assert (xs.max() - xs.min()) > 0.6 * (x1 - x0)
        assert (ys.max() - ys.min()) > 0.6 * (y1 - y0)


def test_hazards_lie_within_the_parcel():
    """A parcel of 200 mm covers 125 pixels at 1.6 mm a pixel; its hazards are hardly wider."""
    for seed in range(12):
        for label in draw(seed, 200, WORDS[:3]).labels:
            assert label.box[2] - label.box[0] <= 140


def test_a_longer_parcel_covers_more_of_the_picture():
    covered = [(draw(3, length, ()).pixels.min(axis=2) < 225).mean() for length in (150, 300, 600)]
    assert covered == sorted(covered)


def test_an_unknown_hazard_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="unknown hazard 'pistol'; there are gun, knife, battery, aerosol"):
        draw(1, 300, ("pistol",))


@pytest.mark.parametrize("length", [MIN_LENGTH_MM - 1, MAX_LENGTH_MM + 1])
def test_a_length_that_no_picture_shows_is_refused(length):
    with pytest.raises(ValueError, match="mm"):
        draw(1, length, ())


def test_png_bytes_are_the_picture():
    picture = draw(5, 250, ())
    decoded = cv2.imdecode(np.frombuffer(png_bytes(picture), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(decoded[..., ::-1], picture.pixels)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_materials_have_their_colours(machine):
    """Thick paper comes out warm, a thin sheet of steel cold, nothing at all as the background."""
    depth = np.zeros((30, 90, 2), np.float32)
    depth[:, 30:60] = np.array((PAPER.low_per_mm, PAPER.high_per_mm)) * 25
    depth[:, 60:] = np.array((STEEL.low_per_mm, STEEL.high_per_mm)) * 1.5
    pixels = develop(depth, machine, np.random.default_rng(1)).astype(float)
    nothing, paper, steel = (pixels[5:25, at : at + 15].mean(axis=(0, 1)) for at in (5, 38, 70))
    assert abs(nothing.mean() - machine.background) < 10
    assert paper[0] > paper[2] + 20
    assert steel[2] > steel[0] + 20
    assert paper.mean() > steel.mean()


def test_a_cylinder_has_the_chord_of_a_circle():
    """Solid, radius 10 mm: 20 mm thick on its axis, 2*sqrt(100 - 36) = 16 mm at 6 mm from it, nothing at 11 mm."""
    sketch = Sketch(40, 30)
    sketch.revolve([(-15, 10), (15, 10)], 0, PAPER)
    thick = sketch.depth[:, sketch.depth.shape[1] // 2, 1] / PAPER.high_per_mm
    at_mm = (np.arange(thick.size) + 0.5 - thick.size / 2) / PX_PER_MM
    wanted = 2 * np.sqrt(np.maximum(100 - at_mm**2, 0))
    assert np.allclose(thick, wanted, atol=1e-3)
    assert thick.max() == pytest.approx(20, abs=0.1)


def test_a_tube_is_dense_at_its_sides():
    """Radius 10, wall 1 mm: 2 mm on the axis, 2*sqrt(100 - 81) = 8.7 mm where the ray just touches the inside."""
    sketch = Sketch(40, 30)
    sketch.revolve([(-15, 10), (15, 10)], 0, PAPER, 1.0)
    thick = sketch.depth[:, sketch.depth.shape[1] // 2, 1] / PAPER.high_per_mm
    assert thick[thick.size // 2] == pytest.approx(2.0, abs=0.05)
    assert 7.0 < thick.max() <= 8.72


def test_a_prism_has_its_area_and_thickness():
    """Drawn outlines are half a pixel (0.4 mm) wider on each side."""
    sketch = Sketch(60, 40)
    sketch.polygon([(-20, -10), (20, -10), (20, 10), (-20, 10)], PAPER, 5.0)
    volume = float(sketch.depth[..., 1].sum()) / PAPER.high_per_mm / PX_PER_MM**2
    assert 40 * 20 * 5 <= volume <= 41.6 * 21.6 * 5


def test_a_sheet_shows_as_many_as_asked():
    assert contact_sheet(1, 5).shape == (2 * 322, 4 * 418, 3)
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet(1, 0)

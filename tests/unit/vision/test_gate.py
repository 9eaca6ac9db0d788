"""The gate refuses what the detector's silence could not count on, and lets the model's own kind of picture through."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from simulator.xray import BELT, HAZARDS, MACHINES, Machine, draw, png_bytes, scene
from station.vision import load_model, quality, quality_fault, read_picture
from station.vision.folder import ModelFolder

MODELS = Path(__file__).parents[3] / "models"
PARCELS = 24


@pytest.fixture(scope="module")
def model() -> ModelFolder:
    return load_model(MODELS / "xray18")


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Parcels of all lengths, clean and not."""
    words = tuple(HAZARDS)
    return [
        read_picture(png_bytes(draw(9000 + n, 150 + 18 * n, (words[n % len(words)],) if n % 2 else ())))
        for n in range(PARCELS)
    ]


def _faults(pictures, model, spoil) -> list[str]:
    return [quality_fault(np.ascontiguousarray(spoil(picture)), model) for picture in pictures]


def test_normal_pictures_pass(pictures, model):
    assert _faults(pictures, model, lambda picture: picture) == [""] * PARCELS


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: cv2.imdecode(cv2.imencode(".jpg", picture)[1], cv2.IMREAD_COLOR),
        lambda picture: picture[::-1],
        lambda picture: picture[:, ::-1],
        lambda picture: np.clip(picture.astype(int) - 12, 0, 255).astype(np.uint8),
        lambda picture: cv2.resize(picture, (832, 640), interpolation=cv2.INTER_LANCZOS4),
    ],
    ids=["jpeg", "upside down", "mirrored", "somewhat darker", "twice as large"],
)
def test_harmless_changes_pass(pictures, model, change):
    assert _faults(pictures, model, change) == [""] * PARCELS


def _moved(picture: np.ndarray, every: tuple[slice, ...], by: int, axis: int) -> np.ndarray:
    moved = picture.copy()
    moved[every] = np.roll(picture[every], by, axis=axis)
    return moved


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda picture: _moved(picture, (slice(1, None, 2),), 12, 1), "every second row is moved"),
        (lambda picture: _moved(picture, (slice(None), slice(1, None, 2)), 12, 0), "every second column is moved"),
        (lambda picture: _moved(picture, (..., slice(0, 1)), 15, 1), "its colours beside each other"),
        (lambda picture: _moved(picture, (..., slice(2, 3)), -30, 0), "its colours beside each other"),
    ],
    ids=["rows", "columns", "red", "blue"],
)
def test_what_does_not_lie_where_it_belongs_is_refused(pictures, model, spoil, said):
    """The detector finds hardly anything in it; a thin mailer among the parcels shows too little to tell."""
    faults = _faults(pictures, model, spoil)
    assert sum(said in fault for fault in faults) >= 0.9 * PARCELS
    assert all(faults)


def test_red_and_blue_exchanged(pictures, model):
    assert all("red and blue" in fault for fault in _faults(pictures, model, lambda picture: picture[..., ::-1]))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda picture: picture * 0, "black"),
        (lambda picture: picture // 20, "black"),
        (lambda picture: picture * 0 + 254, "empty"),
        (lambda picture: picture // 64 + 250, "empty"),
        (lambda picture: np.repeat(picture.min(axis=2, keepdims=True), 3, axis=2), "no colour"),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 4), "blurred|smeared"),
        (lambda picture: 255 - picture, "red and blue|no colour|under-exposed|black|unlike"),
        (lambda picture: 255 - np.repeat(picture[..., :1], 3, axis=2), "no colour|blurred|black"),
        (lambda picture: picture // 3, "under-exposed|blurred|red and blue|empty"),
    ],
    ids=["black", "nearly black", "white", "nearly white", "grey", "blurred", "inverted", "inverted grey", "dark"],
)
def test_pictures_that_show_nothing_or_not_enough(pictures, model, spoil, said):
    assert all(re.search(said, fault) for fault in _faults(pictures, model, spoil))


def _smeared(picture: np.ndarray, axis: int) -> np.ndarray:
    """From the middle of what it shows on, every row (column) repeats that one."""
    turned = np.swapaxes(picture, 0, axis).copy()
    covered = np.flatnonzero((turned.min(axis=2) < 200).sum(axis=1) > 8)
    from_row = int(covered[len(covered) // 2])
    turned[from_row:] = turned[from_row]
    return np.swapaxes(turned, 0, axis)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
def test_smeared_pictures(pictures, model, axis):
    assert all("smeared" in fault for fault in _faults(pictures, model, lambda picture: _smeared(picture, axis)))


def test_a_smeared_lower_third(pictures, model):
    """Where the parcel reaches into the lower third at all: repeated background hides nothing but background."""

    def spoil(picture: np.ndarray) -> np.ndarray:
        smeared = picture.copy()
        smeared[213:] = picture[213]
        return smeared

    reaching = [picture for picture in pictures if (picture[213].min(axis=1) < 200).sum() > 20]
    assert len(reaching) >= 8
    assert all("smeared" in fault for fault in _faults(reaching, model, spoil))


def test_a_part_lost_to_grey(pictures, model):
    def spoil(picture: np.ndarray) -> np.ndarray:
        lost = picture.copy()
        lost[160:] = 128
        return lost

    assert all(_faults(pictures, model, spoil))


def test_noise_is_no_parcel(model):
    noise = np.random.default_rng(3).integers(0, 256, (320, 416, 3), np.uint8)
    assert quality_fault(noise, model)


@pytest.mark.parametrize(
    ("shape", "said"),
    [((40, 60), "sides"), ((5000, 4000), "sides"), ((100, 800), "not the shape"), ((800, 100), "not the shape")],
)
def test_pictures_of_another_size_or_shape(model, shape, said):
    assert said in quality_fault(np.full((*shape, 3), 200, np.uint8), model)


# --- what hardly stands out -------------------------------------------------------------------------------------------


def _blank(machine: Machine, seed: int) -> np.ndarray:
    """What that machine shows of its belt alone, with its noise and its weak sensors."""
    rng = np.random.default_rng(seed)
    belt = scene.belt_of(machine, rng)
    layout = scene.Layout(300, machine, belt.stretch, rng)
    layout.pack(None)
    return scene.develop(scene.signals(layout.total() * 0, machine, belt, rng), machine)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_an_empty_belt_is_empty(model, machine):
    assert all("empty" in quality_fault(_blank(machine, seed), model) for seed in range(6))


def _mailer(x: int, y: int, wide: int, high: int, step: int = 10) -> np.ndarray:
    """Something thin on an empty belt, darker than it by `step`."""
    picture = _blank(BELT, 1)
    part = picture[y : y + high, x : x + wide]
    part[:] = np.clip(part.astype(int) - step, 0, 255)
    return picture


@pytest.mark.parametrize("place", [(30, 40, 120, 90), (200, 150, 60, 50)])
def test_a_thin_mailer_is_a_parcel(model, place):
    assert quality(_mailer(*place), model) == ("", True)


@pytest.mark.parametrize(
    "place",
    [(0, 40, 120, 90), (30, 0, 120, 90), (296, 40, 120, 90), (30, 230, 120, 90), (30, 40, 120, 12), (30, 40, 20, 90)],
    ids=["at the left", "at the top", "at the right", "at the bottom", "a strip", "another strip"],
)
def test_what_is_cut_off_or_too_narrow_to_be_a_parcel_is_none(model, place):
    """A picture taken too late shows the tail of a parcel at its edge; one whose data ended early a strip of it."""
    assert "empty" in quality_fault(_mailer(*place), model)


def test_what_hardly_differs_from_the_belt_is_none(model):
    assert "empty" in quality_fault(_mailer(30, 40, 120, 90, step=3), model)


def test_most_thin_mailers_as_they_are_drawn_pass(model):
    drawn = [read_picture(png_bytes(draw(5000 + n, 150 + n % 80, ()))) for n in range(150)]
    faint = [fault for fault, faint in (quality(picture, model) for picture in drawn) if faint]
    assert len(faint) >= 3
    assert sum(fault == "" for fault in faint) >= 0.8 * len(faint)

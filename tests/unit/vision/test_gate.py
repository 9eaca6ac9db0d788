"""The gate refuses what the detector's silence could not count on, and lets the model's own kind of picture through."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from simulator.xray import HAZARDS, draw, png_bytes
from station.vision import load_model, quality_fault, read_picture
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

"""What a model learns from and is measured on: repeatable, kept apart, and with boxes where the things are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import dataset, variation
from models.dataset import Drawn, drawn_set
from models.held_out import UNSEEN, parcel
from models.recipe import CLASSES, HEIGHT_PX, WIDTH_PX
from models.variation import shown
from simulator.xray.sets import sample

PICTURES = 6


class StoppedError(Exception):
    pass


def test_a_set_whose_drawing_was_cut_is_drawn_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "_CHUNK", 2)

    def cut(done: int) -> None:
        if done:
            raise StoppedError

    with pytest.raises(StoppedError):
        drawn_set(3, PICTURES, tmp_path, cut)
    told: list[int] = []
    resumed = drawn_set(3, PICTURES, tmp_path, told.append)
    assert told[0] >= 2, "what lay there counts"
    assert sum(told) == PICTURES
    for number in range(PICTURES):
        picture = sample(3, number, role="train").picture
        assert np.array_equal(resumed.pixels[number], picture.pixels)
        expected = [[CLASSES.index(label.label), *label.box] for label in picture.labels]
        assert resumed.boxes[number].tolist() == expected
    again: list[int] = []
    drawn_set(3, PICTURES, tmp_path, again.append)
    assert again == [], "a set that is whole is not touched"


@pytest.fixture(scope="module")
def blocks() -> Drawn:
    """A picture with one dark block, boxed; the others are empty, so that what is laid over changes nothing."""
    pixels = np.full((PICTURES, HEIGHT_PX, WIDTH_PX, 3), 254, np.uint8)
    pixels[0, 120:180, 150:260] = 10
    block = np.array([[4, 150, 120, 260, 180]], np.float32)
    return Drawn(pixels, (block, *[np.zeros((0, 5), np.float32)] * (PICTURES - 1)))


@pytest.mark.parametrize("whole", [True, False])
def test_boxes_follow_what_they_are_around(blocks: Drawn, monkeypatch: pytest.MonkeyPatch, *, whole: bool) -> None:
    monkeypatch.setattr(variation, "_COVERED", 0.0)
    followed = 0
    for seed in range(60):
        rng = np.random.default_rng((seed, whole))
        size = (WIDTH_PX, HEIGHT_PX) if whole else (288, 224)
        pixels, boxes = shown(blocks, 0, size, rng, whole=whole)
        assert pixels.shape == (size[1], size[0], 3)
        if len(boxes) != 1:
            continue
        dark = pixels.max(axis=2) < 110
        rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
        label, *box = boxes[0]
        assert label == 4
        assert np.abs(np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) - box).max() < 12
        followed += 1
    assert followed > 40


def test_sheets_that_lie_over_a_hazard_hide_no_shape_and_bring_no_box(
    blocks: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variation, "_AS_DRAWN", 0.0)
    monkeypatch.setattr(variation, "_OVERLAID", 0.0)
    monkeypatch.setattr(variation, "_FULLER", 0.0)
    monkeypatch.setattr(variation, "_toned", lambda pixels, _: pixels)
    covered = 0
    for seed in range(40):
        pixels, boxes = shown(blocks, 0, (WIDTH_PX, HEIGHT_PX), np.random.default_rng(seed), whole=True)
        assert len(boxes) <= 1
        around = pixels[pixels.max(axis=2) > 60]
        covered += int((around.min(axis=1) < 230).mean() > 0.1)
        for _, x0, y0, x1, y1 in boxes.astype(int):
            assert pixels[(y0 + y1) // 2, (x0 + x1) // 2].max() <= 10, "what is dark stays the darkest"
            assert around.max(axis=1).min() > 60, "and what lies over it is lighter"
    assert 8 < covered < 32


def test_some_pictures_are_as_they_were_drawn_but_for_their_place(blocks: Drawn) -> None:
    plain = 0
    for seed in range(60):
        pixels, boxes = shown(blocks, 0, (WIDTH_PX, HEIGHT_PX), np.random.default_rng(seed), whole=True)
        if len(boxes) != 1:
            continue
        wide, tall = sorted((boxes[0, 3] - boxes[0, 1], boxes[0, 4] - boxes[0, 2]), reverse=True)
        untouched = np.count_nonzero((pixels == 10) | (pixels == 254)) > 0.98 * pixels.size
        plain += int(untouched and 0.75 < wide / 110 < 1.35 and 0.75 < tall / 60 < 1.35)
    assert 15 < plain < 50


def test_what_is_laid_over_brings_its_own_boxes() -> None:
    pixels = np.full((1, HEIGHT_PX, WIDTH_PX, 3), 254, np.uint8)
    pixels[0, 120:180, 150:260] = 100
    drawn = Drawn(pixels, (np.array([[4, 150, 120, 260, 180]], np.float32),))
    counts = [len(shown(drawn, 0, (WIDTH_PX, HEIGHT_PX), np.random.default_rng(n), whole=True)[1]) for n in range(60)]
    assert {1, 2} < set(counts) <= {1, 2, 3, 4}, "at least one is there, and at most three lie over it"


def test_held_out_parcels_are_half_clean_and_their_tiers_take_turns() -> None:
    wanted = {"easy": 0, "hard": 0, "hidden": 0}
    for number in range(0, 10 * len(CLASSES), 9):
        picture = parcel("tune", 1, number)
        assert len(picture.labels) == (0 if number % 2 else 1)
        assert picture.machine != UNSEEN.name
        for label in picture.labels:
            assert label.label == CLASSES[number // 2 % len(CLASSES)]
            wanted[label.tier] += 1
    assert min(wanted.values()) >= 1
    assert max(wanted, key=lambda tier: wanted[tier]) != "hidden"


def test_no_parcel_is_in_two_sets_and_the_unseen_machine_is_asked_for() -> None:
    pictures = [parcel(use, 1, 4).pixels for use in ("tune", "test")]
    pictures.append(sample(1, 4, role="train").picture.pixels)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert parcel("test", 1, 4, UNSEEN).machine == UNSEEN.name
    assert np.array_equal(parcel("test", 1, 4).pixels, pictures[1])

"""Pictures and their labels: repeatable, true to the hazards' own shadows, and in the tier that their numbers say."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from models.recipe import CLASSES
from simulator.config import HAZARDS as CONFIGURED
from simulator.xray import HAZARDS, MACHINES, Picture, draw, machine_named
from simulator.xray.cli import app
from simulator.xray.coco import run_lengths
from simulator.xray.harmless import HARMLESS
from simulator.xray.machines import BELT
from simulator.xray.sets import ROLES, role_of, sample, scene_seed
from simulator.xray.shadows import Shadow, View, cast
from simulator.xray.spectrum import response
from simulator.xray.things import Thing, about
from simulator.xray.visibility import (
    EASY_FROM,
    FACING_EASY,
    FACING_HIDDEN,
    HIDDEN_BELOW,
    Seen,
    shadow_mask,
    tier_of,
    visibility_of,
)


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    words = list(HAZARDS)
    return [
        draw(
            50 + at,
            250 + 20 * at,
            words[at : at + 2],
            MACHINES[at % len(MACHINES)],
            (None, "easy", "hard", "hidden")[at % 4],
        )
        for at in range(9)
    ]


def equal(one: Picture, other: Picture) -> bool:
    labels = zip(one.labels, other.labels, strict=True)
    same = all(a.box == b.box and a.visibility == b.visibility and np.array_equal(a.mask, b.mask) for a, b in labels)
    return same and np.array_equal(one.pixels, other.pixels)


def test_the_same_arguments_give_the_same_picture_bit_for_bit() -> None:
    first = draw(7, 400, ("gun", "lighter"), MACHINES[1], "hard")
    assert equal(first, draw(7, 400, ("gun", "lighter"), MACHINES[1], "hard"))
    assert not np.array_equal(first.pixels, draw(8, 400, ("gun", "lighter"), MACHINES[1], "hard").pixels)


def test_boxes_hold_every_pixel_of_the_mask_and_no_more(pictures: list[Picture]) -> None:
    for picture in pictures:
        assert picture.pixels.shape == (320, 416, 3)
        assert picture.pixels.dtype == np.uint8
        for label in picture.labels:
            rows, columns = np.nonzero(label.mask)
            assert label.mask.shape == (320, 416)
            assert label.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_labels_carry_the_tier_of_their_numbers(pictures: list[Picture]) -> None:
    for picture in pictures:
        for label in picture.labels:
            assert 0 <= label.visibility <= 1
            assert 0 <= label.facing <= 1
            if label.visibility < HIDDEN_BELOW or label.facing < FACING_HIDDEN:
                assert label.tier == "hidden"
            elif label.visibility >= EASY_FROM and label.facing >= FACING_EASY:
                assert label.tier == "easy"
            else:
                assert label.tier == "hard"


def test_a_tier_that_is_asked_for_is_mostly_met() -> None:
    words = list(HAZARDS)
    for tier in ("easy", "hard", "hidden"):
        got = [draw(900 + at, 420, (words[at * 3],), BELT, tier).labels[0].tier for at in range(5)]
        assert got.count(tier) >= 4, (tier, got)


@given(st.floats(0, 1), st.floats(0, 1))
def test_every_hazard_has_one_tier_and_more_light_never_makes_it_harder(visibility: float, facing: float) -> None:
    order = ("hidden", "hard", "easy")
    here = order.index(tier_of(visibility, facing))
    assert order.index(tier_of(min(1.0, visibility + 0.1), facing)) >= here
    assert order.index(tier_of(visibility, min(1.0, facing + 0.1))) >= here


def shadow_of(material: str, thick: float) -> Shadow:
    thing = Thing()
    thing.box((-20, -10, -thick / 2), (20, 10, thick / 2), material)
    shadow = cast(thing, about("z", 0), (50, 40), View((1.0, 1.0), (100, 80)))
    assert shadow is not None
    return shadow


def test_a_box_casts_its_own_thickness() -> None:
    shadow = shadow_of("polyethylene", 8)
    assert shadow.amounts[0].max() == pytest.approx(8, rel=1e-5)
    assert shadow.amounts[0].sum() == pytest.approx(40 * 20 * 8, rel=0.01)
    assert shadow_mask(shadow).sum() == 40 * 20


def test_visibility_falls_as_more_lies_over_it() -> None:
    shadow = shadow_of("steel", 2)
    own = Seen.of(shadow, BELT)
    rest = np.zeros_like(shadow.amounts)
    found = []
    for steel_mm in (0.0, 4.0, 40.0):
        rest[1] = steel_mm
        found.append(visibility_of(own, rest, BELT))
    assert found[0] == 1
    assert found[2] == 0
    assert found[0] >= found[1] >= found[2]


def test_clutter_around_drowns_what_is_faint() -> None:
    shadow = shadow_of("polyethylene", 4)
    own = Seen.of(shadow, BELT)
    rest = np.zeros_like(shadow.amounts)
    rest[1] = np.random.default_rng(1).random(rest[1].shape, np.float32) > 0.5
    assert visibility_of(own, rest, BELT) < 0.3


def test_a_copper_wire_in_air_adds_nothing_negative() -> None:
    thing = Thing()
    thing.tube((-20, 0, 0), (20, 0, 0), 5, "copper", wall=1)
    thing.box((-5, -30, -30), (5, 30, 30), "steel", -1)
    shadow = cast(thing, about("x", 10), (50, 40), View((1.0, 1.0), (100, 80)))
    assert shadow is not None
    assert (response(BELT.source).through(shadow.amounts) <= 1 + 1e-6).all()


@pytest.mark.parametrize("name", [*HAZARDS, *HARMLESS])
def test_every_thing_can_be_made_and_casts_a_shadow(name: str) -> None:
    maker = HAZARDS[name] if name in HAZARDS else HARMLESS[name]
    for seed in range(3):
        thing = maker(np.random.default_rng(seed))
        low, high = thing.reach()
        assert (high - low).max() < 900
        shadow = cast(thing, about("z", 20) @ about("x", 15), (300, 240), View((3.0, 3.0), (200, 160)))
        assert shadow is not None
        assert shadow_mask(shadow).any()


def test_there_are_enough_kinds() -> None:
    assert tuple(HAZARDS) == CONFIGURED == CLASSES
    assert len(HAZARDS) >= 14
    assert len(HARMLESS) >= 25
    assert not set(HAZARDS) & set(HARMLESS)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown hazard 'bomb'; there are gun"):
        draw(1, 300, ("bomb",))
    with pytest.raises(ValueError, match="length 50 mm"):
        draw(1, 50, ())
    with pytest.raises(ValueError, match="unknown tier"):
        draw(1, 300, (), BELT, "none")  # type: ignore[arg-type]


@given(st.integers(0, 65535), st.integers(0, (1 << 24) - 1), st.integers(0, 65535), st.integers(0, (1 << 24) - 1))
def test_no_two_scenes_of_the_sets_have_one_seed(seed: int, number: int, seed2: int, number2: int) -> None:
    for role in ROLES:
        for other in ROLES:
            same = (role, seed, number) == (other, seed2, number2)
            assert (scene_seed(role, seed, number) == scene_seed(other, seed2, number2)) == same


def test_the_machine_that_is_kept_for_testing_is_only_tested_on() -> None:
    kept = next(machine for machine in MACHINES if machine.testing)
    assert {role_of(number, kept) for number in range(20)} == {"test"}
    with pytest.raises(ValueError, match="kept for testing"):
        sample(1, 0, kept, "train")
    roles = [role_of(number) for number in range(100)]
    assert [roles.count(role) for role in ROLES] == [80, 10, 10]
    for number in range(3):
        assert sample(2, number).picture.machine != kept.name


def test_run_lengths_tell_the_mask_again() -> None:
    mask = np.zeros((4, 3), np.bool_)
    mask[0, 0] = mask[1:3, 1] = mask[3, 2] = True
    told = run_lengths(mask)
    assert told == {"counts": [0, 1, 4, 2, 4, 1], "size": [4, 3]}


def test_export_and_sheet(tmp_path: Path) -> None:
    run = CliRunner()
    folder = tmp_path / "pictures"
    done = run.invoke(app, ["export", str(folder), "--count", "3", "--seed", "4", "--machine", "vivid"])
    assert done.exit_code == 0, done.output
    told = json.loads((folder / "labels.json").read_text("utf-8"))
    assert [image["group"] for image in told["images"]] == ["vivid"] * 3
    assert {image["split"] for image in told["images"]} == {"train"}
    names = {category["id"]: category["name"] for category in told["categories"]}
    again = [sample(4, number, machine_named("vivid")).picture for number in range(3)]
    for image, picture in zip(told["images"], again, strict=True):
        pixels = cv2.imread(str(folder / "images" / image["file_name"]))
        assert pixels is not None
        assert np.array_equal(pixels[..., ::-1], picture.pixels)
        held = [note for note in told["annotations"] if note["image_id"] == image["id"]]
        assert [names[note["category_id"]] for note in held] == [label.label for label in picture.labels]
        assert [note["tier"] for note in held] == [label.tier for label in picture.labels]
    assert run.invoke(app, ["export", str(folder), "--count", "1"]).exit_code == 2
    assert run.invoke(app, ["sheet", str(tmp_path / "sheet.png"), "--count", "2", "--machine", "none"]).exit_code == 2
    assert run.invoke(app, ["sheet", str(tmp_path / "sheet.png"), "--count", "2"]).exit_code == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (322, 4 * 418, 3)

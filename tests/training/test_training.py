"""A short run over pictures of one bright square each: it learns, goes on where it was cut, and comes out the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from models.dataset import Drawn
from models.recipe import HEIGHT_PX, WIDTH_PX, Recipe
from models.training import Trainer

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(seed=5, pictures=8, steps=6, batch=2, rate=1e-3, threads=1, bfloat16=False)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    rng = np.random.default_rng(1)
    pixels = np.full((RECIPE.pictures, HEIGHT_PX, WIDTH_PX, 3), 250, np.uint8)
    boxes = []
    for picture in pixels:
        x, y = int(rng.integers(40, WIDTH_PX - 120)), int(rng.integers(40, HEIGHT_PX - 120))
        picture[y : y + 80, x : x + 80] = (40, 60, 200)
        boxes.append(np.array([[0, x, y, x + 80, y + 80]], np.float32))
    return Drawn(pixels, tuple(boxes))


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {**trainer.network.state_dict(), **{f"mean {k}": v for k, v in trainer.averaged.state_dict().items()}}


def same(one: Trainer, other: Trainer) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_run_that_was_cut_and_resumed_comes_out_as_the_whole_one(drawn: Drawn, tmp_path: Path) -> None:
    whole = Trainer(RECIPE, drawn, tmp_path / "whole.pt")
    told: list[int] = []
    assert whole.run(math.inf, lambda step, _: told.append(step))
    assert told == [1, 2, 3, 4, 5, 6]

    class CutError(Exception):
        pass

    def cut(step: int, _: float) -> None:
        if step == 3:
            begun.save()
            raise CutError

    begun = Trainer(RECIPE, drawn, tmp_path / "cut.pt")
    assert not begun.resume()
    with pytest.raises(CutError):
        begun.run(math.inf, cut)
    resumed = Trainer(RECIPE, drawn, tmp_path / "cut.pt")
    assert resumed.resume()
    assert resumed.step == 3
    assert not same(resumed, whole)
    assert resumed.run(math.inf, lambda *_: None)
    assert same(resumed, whole)


def test_another_seed_comes_out_otherwise(drawn: Drawn, tmp_path: Path) -> None:
    one, other = (
        Trainer(replace(RECIPE, seed=seed, steps=1), drawn, tmp_path / f"{seed}.pt") for seed in (RECIPE.seed, 6)
    )
    for trainer in (one, other):
        trainer.run(math.inf, lambda *_: None)
    assert not same(one, other)


def test_the_time_that_a_run_may_take_ends_it_and_is_told(drawn: Drawn, tmp_path: Path) -> None:
    trainer = Trainer(RECIPE, drawn, tmp_path / "late.pt")
    assert not trainer.run(-math.inf, lambda *_: None)
    assert trainer.step == 0
    assert (tmp_path / "late.pt").exists()


def test_it_learns(drawn: Drawn, tmp_path: Path) -> None:
    losses: list[float] = []
    recipe = replace(RECIPE, steps=40, rate=3e-2)
    Trainer(recipe, drawn, tmp_path / "learns.pt").run(math.inf, lambda _, value: losses.append(value))
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])

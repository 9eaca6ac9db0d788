"""What training minimises, on pictures of one object and cells that can be counted by hand."""

from __future__ import annotations

import pytest
import torch

from models.losses import assigned, loss, overlaps
from models.network import BINS, boxes_of, cells

CENTRES, STRIDES = cells(64, 64)
"""64 cells of stride 8, then 16 of 16, then 4 of 32."""
BOX = (16.0, 16.0, 48.0, 48.0)


def truth(*objects: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor([objects or [(-1.0, 0.0, 0.0, 0.0, 0.0)]])


def saying(box: tuple[float, ...]) -> torch.Tensor:
    """Sides of every cell, as far as its bins reach, such that its box is this one."""
    corners = torch.tensor(box)
    away = torch.cat((CENTRES - corners[:2], corners[2:] - CENTRES), 1) / STRIDES[:, None]
    away = away.clamp(0, BINS - 1.01)
    low = away.floor()
    bins = torch.arange(BINS)
    share = torch.where(bins == low[..., None], 1 - (away - low)[..., None], torch.zeros(()))
    share = torch.where(bins == low[..., None] + 1, (away - low)[..., None], share)
    return (share + 1e-9).log()[None]


def test_overlap_of_boxes_that_can_be_reckoned_by_hand() -> None:
    one = torch.tensor([0.0, 0.0, 10.0, 10.0])
    half_beside = torch.tensor([5.0, 0.0, 15.0, 10.0])
    apart = torch.tensor([20.0, 0.0, 30.0, 10.0])
    assert [float(value) for value in overlaps(one, one)] == pytest.approx([1.0, 1.0])
    assert [float(value) for value in overlaps(one, half_beside)] == pytest.approx([1 / 3, 1 / 3])
    # The hull of 30 by 10 is a third empty.
    assert [float(value) for value in overlaps(one, apart)] == pytest.approx([0.0, -1 / 3])


def test_ten_cells_in_an_object_are_to_find_it_and_none_outside() -> None:
    boxes = boxes_of(saying(BOX), CENTRES, STRIDES)
    scores = torch.full((1, len(CENTRES), 3), 0.5)
    wanted = assigned(scores, boxes, truth((2.0, *BOX)), CENTRES)
    assert int(wanted.chosen.sum()) == 10
    assert ((CENTRES[wanted.chosen[0]] > 16) & (CENTRES[wanted.chosen[0]] < 48)).all()
    assert wanted.boxes[wanted.chosen].unique(dim=0).tolist() == [list(BOX)]
    assert wanted.scores[0][wanted.chosen[0], 2].amax() == pytest.approx(1.0, abs=1e-3)
    assert float(wanted.scores[..., :2].sum()) == 0
    assert float(wanted.scores[0][~wanted.chosen[0]].sum()) == 0


def test_a_cell_in_two_objects_is_to_find_the_one_that_it_fits() -> None:
    small = (24.0, 24.0, 40.0, 40.0)
    boxes = boxes_of(saying(small), CENTRES, STRIDES)
    scores = torch.full((1, len(CENTRES), 3), 0.5)
    wanted = assigned(scores, boxes, truth((0.0, 0.0, 0.0, 64.0, 64.0), (1.0, *small)), CENTRES)
    inner = ((CENTRES - 32).abs() < 8).all(1)
    assert (wanted.boxes[0][wanted.chosen[0] & inner] == torch.tensor(small)).all()
    assert (wanted.chosen[0] & inner).any()


def test_an_empty_picture_asks_for_nothing() -> None:
    boxes = boxes_of(saying(BOX), CENTRES, STRIDES)
    wanted = assigned(torch.full((1, len(CENTRES), 3), 0.5), boxes, truth(), CENTRES)
    assert not wanted.chosen.any()
    assert float(wanted.scores.sum()) == 0


def test_what_is_right_costs_less_than_what_is_beside_it_or_of_another_class() -> None:
    def cost(box: tuple[float, ...], label: int) -> float:
        logits = torch.full((1, len(CENTRES), 3), -6.0)
        within = ((CENTRES - 32).abs() < 16).all(1)
        logits[0, within, label] = 2.0
        return float(loss(logits, saying(box), truth((1.0, *BOX)), CENTRES, STRIDES))

    right = cost(BOX, 1)
    assert right < cost((20.0, 16.0, 52.0, 48.0), 1) < cost((30.0, 16.0, 62.0, 48.0), 1)
    assert right < cost(BOX, 0)


@pytest.mark.parametrize("objects", [(), ((0.0, *BOX),)], ids=["clean", "one"])
def test_every_weight_gets_a_finite_gradient(objects: tuple[tuple[float, ...], ...]) -> None:
    logits = torch.zeros(1, len(CENTRES), 3, requires_grad=True)
    sides = torch.zeros(1, len(CENTRES), 4, BINS, requires_grad=True)
    loss(logits, sides, truth(*objects), CENTRES, STRIDES).backward()
    assert logits.grad is not None
    assert sides.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(sides.grad).all()
    assert logits.grad.abs().sum() > 0
    assert bool(sides.grad.abs().sum() > 0) == bool(objects)

"""What the training minimises: which cells must find an object follows from how well they already do."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from models.network import BINS, boxes_of

_CANDIDATES = 10
"""How many cells of an object are taught to find it."""
_SCORE_POWER, _OVERLAP_POWER = 0.5, 6.0
_LABEL_SHARE, _BOX_SHARE, _SIDE_SHARE = 0.5, 7.5, 1.5
_SMALLEST_PX = 8.0
"""Half the side of the square around a small object's middle whose cells may find it."""
_TINY = 1e-9


class Wanted(NamedTuple):
    """What each cell should say.

    Attributes:
        scores: float32 (B, cells, C), 0 to 1.
        boxes: float32 (B, cells, 4), corners in pixels; of meaning only where `chosen`.
        chosen: bool (B, cells), which cells must find an object.
    """

    scores: Tensor
    boxes: Tensor
    chosen: Tensor


def overlaps(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al., 2019) of boxes (..., 4) that broadcast against each other."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (one, other)]
    either = areas[0] + areas[1] - both + _TINY
    around = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(one[..., :2], other[..., :2])
    hull = around.clamp(min=0).prod(-1) + _TINY
    return both / either, both / either - (hull - either) / hull


@torch.no_grad()  # type: ignore[untyped-decorator]
def assigned(scores: Tensor, boxes: Tensor, truth: Tensor, centres: Tensor) -> Wanted:
    """Choose the cells for each object: of those in it the ones that score and fit best (TOOD, Feng et al., 2021).

    Args:
        scores: float32 (B, cells, C), 0 to 1, from the network.
        boxes: float32 (B, cells, 4), from the network.
        truth: float32 (B, M, 5): class index, x0, y0, x1, y1 in pixels; index -1 where there is none.
        centres: float32 (cells, 2).
    """
    labels, wanted = truth[..., 0].long(), truth[..., 1:]
    real = labels >= 0
    middle = (wanted[..., :2] + wanted[..., 2:]) / 2
    reach = ((wanted[..., 2:] - wanted[..., :2]) / 2).clamp(min=_SMALLEST_PX)
    within = ((centres - middle[:, :, None]).abs() < reach[:, :, None]).all(-1) & real[..., None]
    fit = overlaps(wanted[:, :, None], boxes[:, None])[0] * within
    said = scores.transpose(1, 2).gather(1, labels.clamp(min=0)[..., None].expand(-1, -1, scores.shape[1]))
    rank = said.pow(_SCORE_POWER) * fit.pow(_OVERLAP_POWER) * within
    best = rank.topk(_CANDIDATES, -1)
    chosen = torch.zeros_like(within).scatter_(-1, best.indices, best.values > _TINY) & within
    contested = chosen.sum(1, keepdim=True) > 1
    fittest = torch.zeros_like(chosen).scatter_(1, fit.argmax(1, keepdim=True), value=True)
    chosen = torch.where(contested, chosen & fittest, chosen)
    rank = rank * chosen
    share = rank / (rank.amax(-1, keepdim=True) + _TINY) * (fit * chosen).amax(-1, keepdim=True)
    owner = chosen.float().argmax(1)
    taken = chosen.any(1)
    target = torch.zeros_like(scores)
    at_label = labels.clamp(min=0).gather(1, owner)
    target.scatter_(2, at_label[..., None], (share.amax(1) * taken)[..., None])
    return Wanted(target, wanted.gather(1, owner[..., None].expand(-1, -1, 4)), taken)


def loss(logits: Tensor, sides: Tensor, truth: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """The sum of what labels, boxes and sides cost.

    Args:
        logits: float32 (B, cells, C), from the network.
        sides: float32 (B, cells, 4, `BINS`), from the network.
        truth: float32 (B, M, 5), as `assigned` takes it.
        centres: float32 (cells, 2).
        strides: float32 (cells).
    """
    boxes = boxes_of(sides, centres, strides)
    wanted = assigned(torch.sigmoid(logits.detach()), boxes.detach(), truth, centres)
    amount = wanted.scores.sum().clamp(min=1)
    label_loss = functional.binary_cross_entropy_with_logits(logits, wanted.scores, reduction="sum") / amount
    if not wanted.chosen.any():
        return _LABEL_SHARE * label_loss + 0 * sides.sum()
    weight = wanted.scores.sum(-1)[wanted.chosen]
    want = wanted.boxes[wanted.chosen]
    box_loss = ((1 - overlaps(boxes[wanted.chosen], want)[1]) * weight).sum() / amount
    at = wanted.chosen.nonzero()[:, 1]
    away = torch.cat((centres[at] - want[:, :2], want[:, 2:] - centres[at]), -1) / strides[at, None]
    side_loss = (_between(sides[wanted.chosen], away) * weight).sum() / amount
    return _LABEL_SHARE * label_loss + _BOX_SHARE * box_loss + _SIDE_SHARE * side_loss


def _between(sides: Tensor, away: Tensor) -> Tensor:
    """How far the distributions (N, 4, `BINS`) are from the two bins beside each true distance (N, 4), mean of four."""
    away = away.clamp(0, BINS - 1.01)
    low = away.floor().long()
    part = away - low
    logs = functional.log_softmax(sides, -1)
    near = -logs.gather(-1, low[..., None])[..., 0] * (1 - part)
    far = -logs.gather(-1, low[..., None] + 1)[..., 0] * part
    return (near + far).mean(-1)

"""What the training minimises: focal loss on cells, and generalised IoU of the boxes of cells that lie in an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from models.network import STRIDE, cell_centres

if TYPE_CHECKING:
    from collections.abc import Sequence

_CENTRE_CELLS = 1.5
"""Half the side of the middle square of an object whose cells must find it, in cells."""


def targets(boxes: Sequence[Tensor], classes: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Which cell should say what.

    Args:
        boxes: per picture float32 (M, 5): class index, x0, y0, x1, y1 in input pixels.
        classes: number of classes.
        rows: cells down.
        columns: cells across.

    Returns:
        Wanted scores (B, C, rows, columns), with -1 where any answer will do, and wanted distances (B, 4, rows,
        columns), positive only in the middle of an object. The smaller of two objects wins a cell.
    """
    scores = torch.zeros(len(boxes), classes, rows, columns)
    sides = torch.zeros(len(boxes), 4, rows, columns)
    x, y = cell_centres(rows, columns)
    for at, found in enumerate(boxes):
        areas = (found[:, 3] - found[:, 1]) * (found[:, 4] - found[:, 2])
        for row in found[torch.argsort(areas, descending=True)]:
            label, (x0, y0, x1, y1) = int(row[0]), row[1:]
            away = torch.stack((x - x0, y - y0, x1 - x, y1 - y))
            reach_x = torch.clamp((x1 - x0) * 0.18, min=_CENTRE_CELLS * STRIDE)
            reach_y = torch.clamp((y1 - y0) * 0.18, min=_CENTRE_CELLS * STRIDE)
            off_x, off_y = (x - (x0 + x1) / 2).abs(), (y - (y0 + y1) / 2).abs()
            within = away.amin(dim=0) > 0
            core = within & (off_x < reach_x) & (off_y < reach_y)
            rim = within & ~core & (off_x < 2 * reach_x) & (off_y < 2 * reach_y)
            scores[at, label][rim & (scores[at, label] == 0)] = -1.0
            scores[at, label][core] = 1.0
            sides[at][:, core] = away[:, core]
    return scores, sides


def loss(logits: Tensor, distances: Tensor, scores: Tensor, sides: Tensor) -> Tensor:
    """The sum of both losses, per object cell.

    Args:
        logits: (B, C, rows, columns), from the network.
        distances: (B, 4, rows, columns), from the network, in pixels.
        scores: wanted, as `targets` gives them.
        sides: wanted, as `targets` gives them.
    """
    wanted = scores.clamp(min=0.0)
    counted = (scores >= 0).float()
    plain = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    sure = torch.exp(-plain)
    weight = torch.where(wanted > 0.5, 0.35, 0.65) * (1 - sure) ** 2
    objects = sides.amin(dim=1) > 0
    number = objects.sum().clamp(min=1)
    label_loss = (plain * weight * counted).sum() / number
    got, want = distances.permute(0, 2, 3, 1)[objects], sides.permute(0, 2, 3, 1)[objects]
    return 2.0 * label_loss + (1 - _generalised_iou(got, want)).sum() / number


def _generalised_iou(got: Tensor, want: Tensor) -> Tensor:
    """Of boxes around one point given as distances (N, 4) to left, top, right, bottom (Rezatofighi et al., 2019)."""
    small, large = torch.minimum(got, want), torch.maximum(got, want)
    both = (small[:, 0] + small[:, 2]) * (small[:, 1] + small[:, 3])
    areas = [(box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (got, want, large)]
    either = areas[0] + areas[1] - both
    return both / either - (areas[2] - either) / areas[2]

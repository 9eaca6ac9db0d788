"""The detector's network: a pretrained backbone, a top-down path and one anchor-free head over three strides.

Head and paths are ours; the ideas are public: a feature pyramid (Lin et al., 2017), per-cell distances to the four
sides (FCOS, Tian et al., 2019), sides as distributions (Li et al., 2020). ReLU throughout, for integer arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbone import WIDTHS, Backbone
from models.calibration import Curve

STRIDES = (8, 16, 32)
BINS = 12
"""How many distances a side is a mixture of: 0 to 11 strides of the cell's level."""
_WIDTH = 64
_RARE = -4.6
"""The bias by which the head begins: a score of 1 % everywhere."""


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Head(nn.Module):  # type: ignore[misc]
    """What one level says: class logits, and logits of the distributions of the four sides."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.label_tower = nn.Sequential(_convolution(_WIDTH, _WIDTH), _convolution(_WIDTH, _WIDTH))
        self.side_tower = nn.Sequential(_convolution(_WIDTH, _WIDTH), _convolution(_WIDTH, _WIDTH))
        self.labels = nn.Conv2d(_WIDTH, classes, 1)
        self.sides = nn.Conv2d(_WIDTH, 4 * BINS, 1)
        nn.init.constant_(self.labels.bias, _RARE)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.labels(self.label_tower(features)), self.sides(self.side_tower(features))


class Network(nn.Module):  # type: ignore[misc]
    """Pictures to class logits and boxes.

    Args:
        classes: number of hazard classes.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.narrow = nn.ModuleList(nn.Conv2d(width, _WIDTH, 1) for width in WIDTHS)
        self.down = nn.ModuleList(_convolution(_WIDTH, _WIDTH) for _ in WIDTHS[1:])
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(_WIDTH, _WIDTH, 3, 2, 1, bias=False), nn.BatchNorm2d(_WIDTH)) for _ in WIDTHS[1:]
        )
        self.heads = nn.ModuleList(_Head(classes) for _ in WIDTHS)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Look at pictures.

        Args:
            pixels: float32 (B, 3, H, W), normalised, H and W multiples of 32.

        Returns:
            Logits (B, cells, C), and logits of the four sides' distributions (B, cells, 4, `BINS`), cells in the
            order of `cells`.
        """
        fine, middle, coarse = (layer(level) for layer, level in zip(self.narrow, self.backbone(pixels), strict=True))
        middle = self.down[1](middle + functional.interpolate(coarse, scale_factor=2.0))
        fine = self.down[0](fine + functional.interpolate(middle, scale_factor=2.0))
        middle = functional.relu(middle + self.up[0](fine))
        coarse = functional.relu(coarse + self.up[1](middle))
        pairs = [head(level) for head, level in zip(self.heads, (fine, middle, coarse), strict=True)]
        logits = torch.cat([labels.flatten(2) for labels, _ in pairs], 2).transpose(1, 2)
        sides = torch.cat([sides.flatten(2) for _, sides in pairs], 2).transpose(1, 2)
        return logits, sides.unflatten(2, (4, BINS))


def cells(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where the cells of a picture lie: centres float32 (cells, 2), x and y in pixels, and strides float32 (cells)."""
    centres, strides = [], []
    for stride in STRIDES:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append((torch.stack((xs, ys), 2).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres).float(), torch.cat(strides)


def boxes_of(sides: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Corners x0, y0, x1, y1 in pixels, (..., cells, 4), of the sides' distributions (..., cells, 4, `BINS`)."""
    steps = torch.arange(BINS, dtype=sides.dtype, device=sides.device)
    away = (torch.softmax(sides, -1) * steps).sum(-1) * strides[:, None]
    return torch.cat((centres - away[..., :2], centres + away[..., 2:]), -1)


class Exported(nn.Module):  # type: ignore[misc]
    """The network as it ships: one output (N, cells, 4 + C) of x0, y0, x1, y1 in input pixels, then scores 0 to 1."""

    def __init__(self, network: Network, height: int, width: int, curve: Curve) -> None:
        super().__init__()
        self.network = network
        self.curve = curve
        centres, strides = cells(height, width)
        self.register_buffer("centres", centres)
        self.register_buffer("strides", strides)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pictures, float32 (N, 3, H, W), normalised."""
        logits, sides = self.network(pixels)
        scores = torch.sigmoid(logits * self.curve.slope + self.curve.shift)
        return torch.cat((boxes_of(sides, self.centres, self.strides), scores), 2)

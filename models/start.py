"""A network that begins where a released model ended: with the weights in its `model.onnx`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import onnx
import torch
from onnx import numpy_helper
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from models.network import Network

_PREFIX, _HALVED, _FOLDED = "network.", ".half", ".weight_bias"


def load_released(network: Network, file: Path) -> None:
    """Take the weights of a model that this package exported; the norms are gone, as they are in what it exports.

    Args:
        network: changed in place: every norm becomes part of the convolution before it.
        file: its `model.onnx`.

    Raises:
        RuntimeError: its weights are not those of this network.
    """
    _fold(network)
    found = {}
    for weight in onnx.load(file).graph.initializer:
        name = weight.name.removesuffix(_HALVED)
        if name.startswith(_PREFIX):
            name = name.removeprefix(_PREFIX).replace(_FOLDED, ".bias")
            found[name] = torch.from_numpy(numpy_helper.to_array(weight).copy()).float()
    network.load_state_dict(_shaped(found, network))


def _fold(network: nn.Module) -> None:
    """Replace each norm by a bias in the convolution before it."""
    for module in list(network.modules()):
        for (before, convolution), (name, norm) in pairwise(list(module.named_children())):
            if isinstance(norm, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d):
                biased = nn.Conv2d(
                    convolution.in_channels,
                    convolution.out_channels,
                    convolution.kernel_size,
                    convolution.stride,
                    convolution.padding,
                    groups=convolution.groups,
                )
                setattr(module, before, biased)
                setattr(module, name, nn.Identity())


def _shaped(found: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The weights that the network asks for, as it names them; an exporter may have changed a bias's shape."""
    wanted = network.state_dict()
    return {name: weight.reshape(wanted[name].shape) for name, weight in found.items() if name in wanted}

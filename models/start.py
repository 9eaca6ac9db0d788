"""A network that begins where a released model ended: with the weights in its `model.onnx`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import onnx
import torch
from onnx import numpy_helper
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from models.network import Network

_PREFIX, _HALVED, _FOLDED = "network.", ".half", ".weight_bias"


def load_released(network: Network, file: Path, pixels: Tensor) -> None:
    """Take the weights of a model that this package exported.

    In what it exports, each norm has become part of the convolution before it. Here it is one again: as it is measured
    on `pixels`, where it changes nothing, so that learning goes on as it would have.

    Args:
        network: changed in place.
        file: its `model.onnx`.
        pixels: float32 (B, 3, H, W), normalised: pictures as it is to learn from.

    Raises:
        RuntimeError: its weights are not those of this network.
    """
    found = {}
    for weight in onnx.load(file).graph.initializer:
        name = weight.name.removesuffix(_HALVED)
        if name.startswith(_PREFIX):
            name = name.removeprefix(_PREFIX).replace(_FOLDED, ".bias")
            found[name] = torch.from_numpy(numpy_helper.to_array(weight).copy()).float()
    wanted = network.state_dict()
    for name, _, norm_name in _pairs(network):
        if f"{name}.bias" not in found:
            raise RuntimeError(f"{file} has no {name}.bias: it is not a model of this network")
        found[f"{norm_name}.bias"] = found.pop(f"{name}.bias")
        # What else a norm has is measured below.
        found |= {key: wanted[key] for key in wanted.keys() - found.keys() if key.startswith(f"{norm_name}.")}
    shaped = {name: weight.reshape(wanted[name].shape) for name, weight in found.items() if name in wanted}
    network.load_state_dict(shaped)
    _measure(network, pixels)


def _pairs(network: nn.Module) -> Iterator[tuple[str, nn.BatchNorm2d, str]]:
    """The name of each convolution that a norm follows, that norm, and its name."""
    for prefix, module in network.named_modules():
        for (before, convolution), (after, norm) in pairwise(module.named_children()):
            if isinstance(norm, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d):
                yield f"{prefix}.{before}", norm, f"{prefix}.{after}"


def _measure(network: nn.Module, pixels: Tensor) -> None:
    """Let each norm have the mean and variance of what it is given, and do nothing but add the bias that it has."""

    def note(norm: nn.Module, given: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(given[0], (0, 2, 3))
        norm.bias.copy_(norm.bias + mean)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)

    hooks = [norm.register_forward_pre_hook(note) for _, norm, _ in _pairs(network)]
    network.eval()
    with torch.no_grad():
        network(pixels)
    for hook in hooks:
        hook.remove()

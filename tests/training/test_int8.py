"""A model in 8-bit integers still says what it said, and only what was asked for is changed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.calibration import Curve
from models.export import to_onnx
from models.int8 import quantised
from models.network import Network
from models.recipe import HEIGHT_PX, WIDTH_PX


@pytest.fixture(scope="module")
def file() -> bytes:
    torch.manual_seed(1)
    made = Network(3)
    for name, weight in made.named_parameters():
        if name.endswith("labels.bias"):
            torch.nn.init.uniform_(weight, -0.5, 0.5)
    return to_onnx(made.eval(), Curve())


def test_it_says_nearly_the_same_with_few_convolutions_left_as_they_were(file: bytes) -> None:
    pixels = np.random.default_rng(2).uniform(-1, 1, (1, 3, HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    small = quantised(file, [pixels], "pixels", keep=("network.backbone.",))
    kept = Counter(_weight(node).startswith("network.backbone.") for node in _convolutions(small) if _is_float(node))
    assert kept == {True: len([node for node in _convolutions(file) if "backbone" in node.input[1]])}
    before, after = (onnxruntime.InferenceSession(one).run(None, {"pixels": pixels})[0] for one in (file, small))
    assert np.ptp(before[..., 4:]) > 0.1
    np.testing.assert_allclose(after[..., 4:], before[..., 4:], atol=0.05)


def _convolutions(file: bytes) -> list[onnx.NodeProto]:
    return [node for node in onnx.load_from_string(file).graph.node if node.op_type == "Conv"]


def _weight(node: onnx.NodeProto) -> str:
    return str(node.input[1])


def _is_float(node: onnx.NodeProto) -> bool:
    return "DequantizeLinear" not in _weight(node)

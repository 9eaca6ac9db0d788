"""A trained network to ONNX bytes: one file, one output, an operator set that the station's runtime has long had."""

from __future__ import annotations

import io
import logging
import warnings

import torch

from models.network import STRIDE, Exported, Network
from models.recipe import HEIGHT_PX, WIDTH_PX

_OPSET = 18


def to_onnx(network: Network) -> bytes:
    """Export for one picture at a time: `pixels` (1, 3, H, W) to `boxes` (1, cells, 4 + C)."""
    shipped = (
        Exported(network, HEIGHT_PX // STRIDE, WIDTH_PX // STRIDE).eval().to(memory_format=torch.contiguous_format)
    )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            shipped,
            (torch.zeros(1, 3, HEIGHT_PX, WIDTH_PX),),
            dynamo=True,
            external_data=False,
            opset_version=_OPSET,
            input_names=["pixels"],
            output_names=["boxes"],
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program; is torch the pinned version?")
    proto = program.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    target = io.BytesIO()
    target.write(proto.SerializeToString())
    return target.getvalue()

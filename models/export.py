"""A trained network to ONNX bytes: one file, one output, an operator set that the station's runtime has long had."""

from __future__ import annotations

import io
import logging
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from models.calibration import Curve
from models.network import Exported, Network
from models.recipe import HEIGHT_PX, WIDTH_PX

_OPSET = 18
_LARGE = 256


def to_onnx(network: Network, curve: Curve) -> bytes:
    """Export for any number N of pictures: `pixels` (N, 3, H, W) to `boxes` (N, cells, 4 + C), scores on that curve."""
    shipped = Exported(network, HEIGHT_PX, WIDTH_PX, curve).eval().to("cpu", memory_format=torch.contiguous_format)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            shipped,
            (torch.zeros(2, 3, HEIGHT_PX, WIDTH_PX),),
            dynamo=True,
            external_data=False,
            opset_version=_OPSET,
            input_names=["pixels"],
            output_names=["boxes"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("pictures")}},
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program; is torch the pinned version?")
    proto = program.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    _halve(proto.graph)
    target = io.BytesIO()
    target.write(proto.SerializeToString())
    return target.getvalue()


def _halve(graph: onnx.GraphProto) -> None:
    """Keep large weights as float16, widened again as the model is opened: half the file, and the same speed."""
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)

"""Tiny ONNX files written byte by byte, so that any can be made, right or wrong.

Field numbers are those of onnx.proto3 (github.com/onnx/onnx): ModelProto, GraphProto, NodeProto, TensorProto.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

_KINDS = {
    np.dtype(np.float32): 1,
    np.dtype(np.uint8): 2,
    np.dtype(np.int64): 7,
    np.dtype(np.float16): 10,
    np.dtype(np.float64): 11,
}
Shape = Sequence[int | str]


def network(
    inputs: Mapping[str, tuple[Shape, type[np.generic]]],
    outputs: Mapping[str, np.ndarray],
    *,
    ir: int = 8,
    opset: int = 17,
    external: str = "",
    metadata: Mapping[str, str] | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> bytes:
    """A model that always gives the same, whatever it is shown.

    Args:
        inputs: shape (a text is a size left open) and type of each.
        outputs: what it gives.
        ir: version of the format.
        opset: version of the operators.
        external: the file in which its values lie, if they do not lie in itself.
        metadata: texts that come along.
        shapes: what it says of the shape of an output, if that is not as it is.
    """
    graph = _bytes(2, b"tiny")
    for name, value in outputs.items():
        graph += _bytes(1, _bytes(1, f"{name}_value".encode()) + _bytes(2, name.encode()) + _bytes(4, b"Identity"))
        graph += _bytes(5, _tensor(f"{name}_value", value, external=external))
        graph += _bytes(12, _value_info(name, (shapes or {}).get(name, value.shape), value.dtype.type))
    for name, (shape, kind) in inputs.items():
        graph += _bytes(11, _value_info(name, shape, kind))
    entries = (_bytes(14, _bytes(1, k.encode()) + _bytes(2, v.encode())) for k, v in (metadata or {}).items())
    return _number(1, ir) + _bytes(8, _bytes(1, b"") + _number(2, opset)) + _bytes(7, graph) + b"".join(entries)


def filling(taken: Shape, size: Sequence[int], given: Shape | None = None) -> bytes:
    """A model of a few hundred bytes that fills a tensor of that size with zeros when it runs, and sums it up.

    `given` is the shape that it says its sum has.
    """
    sizes = np.array(size, np.int64)
    nodes = (
        _bytes(1, b"size") + _bytes(2, b"filled") + _bytes(4, b"ConstantOfShape"),
        _bytes(1, b"filled") + _bytes(2, b"boxes") + _bytes(4, b"ReduceSum"),
    )
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"bomb")
    graph += _bytes(5, _tensor("size", sizes))
    graph += _bytes(11, _value_info("pixels", taken, np.float32))
    graph += _bytes(12, _value_info("boxes", given or [1] * len(size), np.float32))
    return _number(1, 8) + _bytes(8, _bytes(1, b"") + _number(2, 17)) + _bytes(7, graph)


def echoing(
    taken: Shape, given: Shape, factors: np.ndarray, *, only_first: bool = False, kept: Literal["", "hits", "all"] = ""
) -> bytes:
    """A model that gives the values of its picture's first rows, columns and channel as its boxes, times `factors`.

    What is less than 1, as noise of 0 to 1 is, counts as nothing.

    Args:
        taken: shape of `pixels`, float32, channels first.
        given: shape that it says `boxes` has.
        factors: float32 (cells, values): how many rows are cells, and how many columns are values of one.
        only_first: of several pictures it gives zeros for all but the first.
        kept: of several cells it chooses those with a value in column 4, or all, so that their number is left open.
    """
    rows, columns = factors.shape
    nodes: list[tuple[bytes, tuple[str, ...], str]] = [
        (b"Slice", ("pixels", "starts", "ends", "axes"), "cut"),
        (b"Squeeze", ("cut", "channel"), "plain"),
        (b"Floor", ("plain",), "whole"),
        (b"Mul", ("whole", "factors"), "all" if only_first or kept else "boxes"),
    ]
    numbers = {"starts": [0, 0, 0], "ends": [1, rows, columns], "axes": [1, 2, 3], "channel": [1]}
    numbers |= {"four": [4], "five": [5], "two": [2], "none": [0], "one": [1], "many": [1000]}
    if only_first:
        nodes += [
            (b"Slice", ("all", "none", "one"), "first"),
            (b"Slice", ("all", "one", "many"), "others"),
            (b"Sub", ("others", "others"), "nothing"),
            (b"Concat", ("first", "nothing"), "boxes"),
        ]
    if kept:
        nodes += [
            (b"Slice", ("all", "four", "five", "two"), "scores"),
            (b"Squeeze", ("scores",), "flat"),
            (b"Sub", ("flat", "flat"), "nothing"),
            (b"Greater" if kept == "hits" else b"GreaterOrEqual", ("flat", "nothing"), "chosen"),
            (b"Compress", ("all", "chosen"), "boxes"),
        ]
    along = {b"Concat": 0, b"Compress": 1}
    graph = _bytes(2, b"echo")
    for kind, names, result in nodes:
        inputs = b"".join(_bytes(1, name.encode()) for name in names)
        axis = _bytes(5, _bytes(1, b"axis") + _number(3, along[kind]) + _number(20, 2)) if kind in along else b""
        graph += _bytes(1, inputs + _bytes(2, result.encode()) + _bytes(4, kind) + axis)
    for name, values in numbers.items():
        graph += _bytes(5, _tensor(name, np.array(values, np.int64)))
    graph += _bytes(5, _tensor("factors", factors))
    graph += _bytes(11, _value_info("pixels", taken, np.float32))
    graph += _bytes(12, _value_info("boxes", given, np.float32))
    return _number(1, 8) + _bytes(8, _bytes(1, b"") + _number(2, 17)) + _bytes(7, graph)


def _tensor(name: str, value: np.ndarray, *, external: str = "") -> bytes:
    dims = b"".join(_number(1, size) for size in value.shape)
    tensor = dims + _number(2, _KINDS[value.dtype]) + _bytes(8, name.encode())
    if external:
        entry = _bytes(1, b"location") + _bytes(2, external.encode())
        return tensor + _bytes(13, entry) + _number(14, 1)
    return tensor + _bytes(9, value.tobytes())


def _value_info(name: str, shape: Shape, kind: type[np.generic]) -> bytes:
    dims = b"".join(
        _bytes(1, _bytes(2, size.encode()) if isinstance(size, str) else _number(1, size)) for size in shape
    )
    tensor_type = _number(1, _KINDS[np.dtype(kind)]) + _bytes(2, dims)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor_type))


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value

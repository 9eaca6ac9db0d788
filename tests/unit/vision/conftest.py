"""Tiny PNG files written byte by byte, so that bad ones can be made; and model folders to spoil."""

from __future__ import annotations

import hashlib
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from tests.unit.vision.onnx_bytes import network

SHIPPED = Path(__file__).parents[3] / "models" / "xray18"


def onnx_model(output: np.ndarray, *, taken=(1, 3, 64, 64), name="pixels", ir=8, opset=17, external=False) -> bytes:
    """A model that takes `name` of shape `taken`, float32, and always gives `output`."""
    return network(
        {name: (taken, np.float32)}, {"boxes": output}, ir=ir, opset=opset, external="weights.bin" if external else ""
    )


def png_file(
    width: int, height: int, *, bits: int = 8, colour: int = 2, rows: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A PNG made by hand; `rows` is its data before compression (filter bytes included), else all zeros."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if rows is None:
        rows = (b"\0" + bytes(width * channels * bits // 8)) * height
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    palette = png_chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    data = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + palette + extra + data + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


class Folder:
    """A model folder that a test may spoil: `tree` is its model.yaml, `onnx` its model; `write` puts both on disk."""

    def __init__(self, path: Path, tree: dict[str, Any], onnx: bytes) -> None:
        self.path = path
        self.tree = tree
        self.onnx = onnx

    def write(self, *, rehash: bool = True) -> Path:
        if rehash:
            self.tree["model_sha256"] = hashlib.sha256(self.onnx).hexdigest()
        (self.path / "model.onnx").write_bytes(self.onnx)
        (self.path / "model.yaml").write_text(yaml.safe_dump(self.tree, sort_keys=False), "utf-8")
        return self.path


@pytest.fixture
def shipped(tmp_path: Path) -> Folder:
    """A copy of the model folder that ships."""
    path = tmp_path / "model"
    shutil.copytree(SHIPPED, path)
    return Folder(path, yaml.safe_load((path / "model.yaml").read_text("utf-8")), (path / "model.onnx").read_bytes())


@pytest.fixture
def tiny(tmp_path: Path) -> Folder:
    """A folder whose model finds one blade (class 1 of 2) in the middle of any picture, whatever it shows."""
    path = tmp_path / "tiny"
    (path / "golden").mkdir(parents=True)
    data = png_file(64, 64, rows=(b"\0" + bytes(range(192))) * 64)
    (path / "golden" / "any.png").write_bytes(data)
    expected = {"label": "blade", "box": [16.0, 8.0, 48.0, 40.0], "score": 0.8}
    tree = {
        "format": 1,
        "name": "tiny",
        "model_sha256": "",
        "classes": ["can", "blade"],
        "classes_sha256": hashlib.sha256(b"can\nblade").hexdigest(),
        "thresholds": {"can": 0.5, "blade": 0.6},
        "input": {
            "name": "pixels", "width": 64, "height": 64, "colour": "rgb", "layout": "nchw",
            "mean": [0.0, 0.0, 0.0], "scale": [1.0, 1.0, 1.0], "fill": 255,
        },
        "decode": {"decoder": "boxes_then_scores", "floor": 0.05, "overlap": 0.5, "most": 5},
        "gate": {"sides_px": [32, 1000], "aspect": [0.5, 2.0], "measures": {}},
        "golden": [{"file": "any.png", "sha256": hashlib.sha256(data).hexdigest(), "expect": [expected]}],
        "training": {"command": "none", "seed": 0, "pictures": 0, "steps": 0},
        "metrics": {},
    }  # fmt: skip
    folder = Folder(path, tree, onnx_model(rows([16, 8, 48, 40, 0.0, 0.8], [17, 8, 48, 40, 0.0, 0.7])))
    folder.write()
    return folder


def rows(*cells: list[float]) -> np.ndarray:
    """A detector's output of these cells: x0, y0, x1, y1, then a score a class."""
    return np.array([cells], np.float32)


@pytest.fixture
def make_onnx():
    return onnx_model


@pytest.fixture
def make_rows():
    return rows


@pytest.fixture
def make_png():
    return png_file


@pytest.fixture
def make_chunk():
    return png_chunk


@pytest.fixture(scope="session")
def parcel_jpeg() -> bytes:
    """A noisy colour JPEG of 96 x 64 pixels."""
    pixels = np.random.default_rng(5).integers(0, 256, (64, 96, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (5, 5), 1))[1].tobytes()

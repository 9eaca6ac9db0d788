"""Runs in the environment of the foreign code: `python export.py FOLDER` writes a folder for each model.

In each: `model.onnx`, `picture.png`, and `reference.json` with the boxes that the family's own pre- and post-processing
finds in it: label number, score, corners in pixels of the picture.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import nn
from transformers import (
    DFineConfig,
    DFineForObjectDetection,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessorPil,
    RTDetrResNetConfig,
)
from ultralytics import RTDETR, YOLO
from ultralytics.data.augment import LetterBox
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import scale_boxes, xywh2xyxy

SIDE = 320
OVERLAP = 0.5
WANTED = 150
"""So many candidates the floor lets through, before doubles are removed."""


def picture(width: int, height: int) -> np.ndarray:
    """Noise of many sizes, so that an untrained network answers differently everywhere; uint8 (H, W, 3), RGB."""
    rng = np.random.default_rng(7)
    pixels = np.zeros((height, width, 3), np.float32)
    for cells in (4, 9, 23, 61, 160):
        pixels += cv2.resize(rng.standard_normal((cells, cells, 3)).astype(np.float32), (width, height))
    return np.clip(128 + 40 * pixels, 0, 255).astype(np.uint8)


def outspoken(module: nn.Module, classes: int, taken: np.ndarray) -> None:
    """Let an untrained network tell one part of a picture from another, with scores that spread over 0 to 1."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    for part in norms:
        part.momentum = 1.0
    module.train()
    noise = torch.from_numpy(taken).repeat(2, 1, 1, 1)
    with torch.no_grad():
        module(noise)
    module.eval()
    heads = [
        part
        for part in module.modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
        and classes in {getattr(part, "out_channels", 0), getattr(part, "out_features", 0)}
        and part.bias is not None
    ]
    highest: dict[int, float] = {}
    for at, part in enumerate(heads):
        nn.init.normal_(part.weight)
        nn.init.constant_(part.bias, 0.0)
        part.register_forward_hook(lambda _part, _taken, given, at=at: highest.__setitem__(at, float(given.max())))
    with torch.no_grad():
        module(noise)
    for at, part in enumerate(heads):
        part._forward_hooks.clear()
        nn.init.constant_(part.bias, -2.0)
        part.weight.data *= 4.0 / highest.get(at, 1.0)


def write(folder: Path, pixels: np.ndarray, found: list[list[float]], floor: float, **more: object) -> None:
    cv2.imwrite(str(folder / "picture.png"), pixels[..., ::-1])
    (folder / "reference.json").write_text(json.dumps({"floor": floor, "overlap": OVERLAP, "found": found, **more}))


def run(file: Path, *inputs: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(None, {item.name: value for item, value in zip(session.get_inputs(), inputs, strict=False)})


def floor_of(scores: np.ndarray, wanted: int = WANTED) -> float:
    """The middle of the widest gap between two scores near that rank, so that neither rounding nor a tie decides."""
    ranked = np.sort(scores.ravel().astype(np.float64))[::-1][wanted // 2 : 2 * wanted]
    at = int(np.argmax(ranked[:-1] - ranked[1:]))
    return float((ranked[at] + ranked[at + 1]) / 2)


def ultralytics(out: Path, name: str, config: str, *, nms: bool | None = None) -> None:
    """A YOLO or RT-DETR of ultralytics; its own letterbox, suppression (each class of a box by itself) and scaling."""
    torch.manual_seed(3)
    model = (RTDETR if config.startswith("rtdetr") else YOLO)(f"{config}.yaml")
    pixels = picture(500, 375)
    stretched = config.startswith("rtdetr")
    fitted = LetterBox((SIDE, SIDE), auto=False, scale_fill=stretched)(image=pixels)
    taken = fitted.transpose(2, 0, 1)[None].astype(np.float32) / 255
    outspoken(model.model, 80, taken)
    exported = Path(model.export(format="onnx", imgsz=SIDE, opset=17, simplify=False, nms=nms))
    folder = out / name
    folder.mkdir(parents=True)
    shutil.move(exported, folder / "model.onnx")
    (raw,) = run(folder / "model.onnx", taken)
    if raw.shape[2] == 6:
        floor = floor_of(raw[0, :, 4])
        rows = torch.from_numpy(raw[0][raw[0, :, 4] >= floor])
    else:
        floor = floor_of(raw[0, 4:])
        (rows,) = non_max_suppression(torch.from_numpy(raw), floor, OVERLAP, multi_label=True, max_det=1000)
    if stretched:
        rows[:, :4] = (xywh2xyxy(rows[:, :4]) * torch.tensor([500, 375] * 2)).clamp(
            torch.zeros(4), torch.tensor([500.0, 375.0] * 2)
        )
    else:
        rows[:, :4] = scale_boxes((SIDE, SIDE), rows[:, :4].clone(), (375, 500))
    found = [[int(row[5]), float(row[4]), *(float(v) for v in row[:4])] for row in rows]
    write(folder, pixels, found, floor)


class Pair(nn.Module):
    """Logits and boxes of a DETR of transformers, as two outputs."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        answer = self.model(pixel_values=pixels)
        return answer.logits, answer.pred_boxes


def transformers(out: Path, name: str, model: nn.Module) -> None:
    """A DETR of transformers, with that library's own post-processing, on a picture of just the input's size."""
    torch.manual_seed(5)
    folder = out / name
    folder.mkdir(parents=True)
    pixels = picture(SIDE, SIDE)
    taken = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    outspoken(model, 7, taken.numpy())
    model.eval()
    torch.onnx.export(
        Pair(model),
        (taken,),
        str(folder / "model.onnx"),
        opset_version=17,
        dynamo=False,
        input_names=["pixels"],
        output_names=["logits", "boxes"],
    )
    logits, boxes = (torch.from_numpy(value) for value in run(folder / "model.onnx", taken.numpy()))
    floor = floor_of(logits.sigmoid().numpy(), 20)

    class Answer:
        pass

    answer = Answer()
    answer.logits, answer.pred_boxes = logits, boxes
    (rows,) = RTDetrImageProcessorPil().post_process_object_detection(answer, floor, torch.tensor([[SIDE, SIDE]]))
    found = [
        [int(label), float(score), *map(float, box.clamp(0, SIDE))]
        for label, score, box in zip(rows["labels"], rows["scores"], rows["boxes"], strict=True)
    ]
    write(folder, pixels, found, floor)


class Grid(nn.Module):
    """Untrained heads on three strides: of YOLOv5 (anchors, boxes decoded) or YOLOX (boxes as they are), 4 classes."""

    def __init__(self, anchors: int) -> None:
        super().__init__()
        self.anchors = anchors
        self.stem = nn.ModuleList([nn.Conv2d(3, 16, stride, stride) for stride in (8, 16, 32)])
        self.heads = nn.ModuleList([nn.Conv2d(16, max(anchors, 1) * 9, 1) for _ in range(3)])

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        rows = []
        for at, stride in enumerate((8, 16, 32)):
            raw = self.heads[at](torch.relu(self.stem[at](pixels))) * 2
            side = SIDE // stride
            if not self.anchors:
                rows.append(torch.cat((raw[:, :4], raw[:, 4:].sigmoid()), 1).reshape(1, 9, side * side).transpose(1, 2))
                continue
            part = raw.reshape(1, self.anchors, 9, side, side).permute(0, 1, 3, 4, 2).sigmoid()
            y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
            centre = (part[..., :2] * 2 - 0.5 + torch.stack((x, y), -1)) * stride
            sides = (
                (part[..., 2:4] * 2) ** 2
                * torch.tensor([[1.0, 2.0], [2.0, 1.0], [2.5, 2.5]]).reshape(1, 3, 1, 1, 2)
                * stride
            )
            rows.append(torch.cat((centre, sides, part[..., 4:]), -1).reshape(1, -1, 9))
        return torch.cat(rows, 1)


def grid(out: Path, name: str, anchors: int) -> None:
    """Heads by the formulas of YOLOv5 (its models/yolo.py) and YOLOX (arXiv 2107.08430), suppressed by OpenCV."""
    torch.manual_seed(11)
    folder = out / name
    folder.mkdir(parents=True)
    pixels = picture(400, 300)
    if anchors:
        fitted = LetterBox((SIDE, SIDE), auto=False)(image=pixels).transpose(2, 0, 1)[None].astype(np.float32) / 255
        zoom, left, top = SIDE / 400, 0, (SIDE - 240) // 2
    else:
        canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
        canvas[:240] = cv2.resize(pixels, (SIDE, 240), interpolation=cv2.INTER_LINEAR)
        fitted = np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32))
        zoom, left, top = SIDE / 400, 0, 0
    network = Grid(anchors).eval()
    if not anchors:
        for part in network.stem:
            part.weight.data /= 255
    torch.onnx.export(
        network,
        (torch.from_numpy(fitted),),
        str(folder / "model.onnx"),
        opset_version=17,
        dynamo=False,
        input_names=["images"],
        output_names=["output"],
    )
    (raw,) = run(folder / "model.onnx", fitted)
    scores = raw[0, :, 4:5] * raw[0, :, 5:]
    floor = floor_of(scores)
    found, row = [], 0
    boxes: dict[int, list[tuple[float, list[float]]]] = {}
    for stride in (8, 16, 32):
        for at in range(max(anchors, 1) * (SIDE // stride) ** 2):
            x, y, w, h = (float(v) for v in raw[0, row, :4])
            if not anchors:
                x, y = (x + at % (SIDE // stride)) * stride, (y + at // (SIDE // stride)) * stride
                w, h = np.exp(w) * stride, np.exp(h) * stride
            for label in range(4):
                if scores[row, label] >= floor:
                    boxes.setdefault(label, []).append((float(scores[row, label]), [x - w / 2, y - h / 2, w, h]))
            row += 1
    for label, listed in boxes.items():
        kept = cv2.dnn.NMSBoxes([box for _, box in listed], [score for score, _ in listed], floor, OVERLAP)
        for at in np.asarray(kept).ravel():
            score, (x, y, w, h) = listed[at]
            corners = [(x - left) / zoom, (y - top) / zoom, (x + w - left) / zoom, (y + h - top) / zoom]
            found.append(
                [
                    label,
                    score,
                    *(float(np.clip(v, 0, limit)) for v, limit in zip(corners, (400, 300, 400, 300), strict=True)),
                ]
            )
    write(folder, pixels, found, floor)


def published(out: Path, wheel: Path) -> None:
    """A small model as it lies in a package of PyPI: which way round a strip of a picture is, two classes."""
    folder = out / "published-classifier"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (item for item in packed.namelist() if item.endswith("cls_infer.onnx"))
        model = onnx.load_from_string(packed.read(name))
    for part in (model.graph.input[0], model.graph.output[0]):
        sizes = [1, 3, 48, 192] if part is model.graph.input[0] else [1, 2]
        for dimension, size in zip(part.type.tensor_type.shape.dim, sizes, strict=True):
            dimension.dim_value = size
    onnx.save(model, folder / "model.onnx")
    pixels = picture(192, 48)
    taken = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[None]
    (raw,) = run(folder / "model.onnx", taken)
    found = [[label, float(score), 0.0, 0.0, 192.0, 48.0] for label, score in enumerate(raw[0]) if score >= 0.05]
    write(folder, pixels, found, 0.05, classes=["upright", "turned"])


def main(out: Path, wheel: Path) -> None:
    ultralytics(out, "yolov8", "yolov8n")
    ultralytics(out, "yolo11", "yolo11n")
    ultralytics(out, "yolo26", "yolo26n", nms=False)
    ultralytics(out, "yolov10", "yolov10n", nms=False)
    ultralytics(out, "rtdetr-ultralytics", "rtdetr-l")
    grid(out, "yolov5-anchors", 3)
    grid(out, "yolox", 0)
    small = {
        "num_labels": 7,
        "d_model": 64,
        "encoder_hidden_dim": 64,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "decoder_layers": 2,
        "num_queries": 60,
        "anchor_image_size": None,
        "decoder_in_channels": [64, 64, 64],
        "decoder_attention_heads": 4,
        "encoder_attention_heads": 4,
    }
    backbone = RTDetrResNetConfig(
        embedding_size=64,
        hidden_sizes=[64, 128, 256, 512],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    rtdetr = RTDetrConfig(**small, backbone_config=backbone, encoder_in_channels=[128, 256, 512])
    transformers(out, "rtdetr", RTDetrForObjectDetection(rtdetr))
    transformers(
        out,
        "d-fine",
        DFineForObjectDetection(DFineConfig(**small, backbone_config=backbone, encoder_in_channels=[128, 256, 512])),
    )
    published(out, wheel)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

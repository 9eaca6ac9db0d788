"""Pictures to learn from: drawn once, kept in a cache that git ignores, and varied anew each time one is used."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.lib.format import open_memmap

import simulator.xray
from models.recipe import CLASSES, FILL, HEIGHT_PX, WIDTH_PX
from simulator.xray import BELT, HAZARDS, MACHINES, Picture, draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_CHUNK = 40
_SEED_SPAN = 1 << 32
_OFTEN = (0.2, 0.31, 0.22, 0.27)
"""How often each hazard is shown in training, in the order of `HAZARDS`: what is hard to learn, more often."""
_ROLES = ("train", "tune", "test", "golden")
"""Each set draws from a span of seeds of its own, far from the others and from any that a plant would use."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cached set of pictures.

    Attributes:
        pixels: uint8 (N, H, W, 3), RGB, memory-mapped.
        boxes: per picture float32 (M, 5): class index, x0, y0, x1, y1 in pixels.
    """

    pixels: NDArray[np.uint8]
    boxes: tuple[NDArray[np.float32], ...]


def parcel(role: str, seed: int, number: int) -> Picture:
    """Draw parcel `number` of a set.

    Training shows one in five on another machine than the belt's; a held-out parcel is always on the belt's, every
    second one is clean, and the hazards take turns in the others.
    """
    at = (_ROLES.index(role) + 1) * (_SEED_SPAN << 8) + seed * (_SEED_SPAN >> 8) + number
    rng = np.random.default_rng((at, 1))
    words = tuple(HAZARDS)
    length_mm = int(rng.integers(150, 601))
    if role != "train":
        return draw(at, length_mm, () if number % 2 else (words[number // 2 % len(words)],))
    count = int(rng.choice(4, p=(0.2, 0.4, 0.27, 0.13)))
    machine = MACHINES[int(rng.integers(len(MACHINES)))] if rng.random() < 0.2 else BELT
    return draw(at, length_mm, tuple(str(word) for word in rng.choice(words, count, p=_OFTEN)), machine)


def drawn_set(seed: int, count: int, folder: Path, tell: Callable[[int], None]) -> Drawn:
    """The training pictures of a seed, from the cache or drawn now on all cores.

    Args:
        seed: the training's seed.
        count: how many pictures.
        folder: the cache.
        tell: called with the number of pictures newly done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"train-{seed}-{count}-{_simulator_digest()}"
    picture_file, label_file = folder / f"{stem}.npy", folder / f"{stem}.json"
    if not label_file.exists():
        _draw_all(seed, count, picture_file, label_file, tell)
    labels = json.loads(label_file.read_text("utf-8"))
    boxes = tuple(np.asarray(rows, np.float32).reshape(-1, 5) for rows in labels)
    return Drawn(np.load(picture_file, mmap_mode="r"), boxes)


def _simulator_digest() -> str:
    """Changes with the code that draws, so that no cache outlives it."""
    files = [Path(__file__), *sorted(Path(str(simulator.xray.__file__)).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _draw_all(seed: int, count: int, picture_file: Path, label_file: Path, tell: Callable[[int], None]) -> None:
    pixels = open_memmap(picture_file, mode="w+", dtype=np.uint8, shape=(count, HEIGHT_PX, WIDTH_PX, 3))
    labels: list[list[list[float]]] = []
    starts = range(0, count, _CHUNK)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        chunks = pool.map(_draw_chunk, [seed] * len(starts), starts, [min(_CHUNK, count - at) for at in starts])
        for start, (part, rows) in zip(starts, chunks, strict=True):
            pixels[start : start + len(rows)] = part
            labels.extend(rows)
            tell(len(rows))
    pixels.flush()
    label_file.write_text(json.dumps(labels), "utf-8")


def _draw_chunk(seed: int, start: int, count: int) -> tuple[NDArray[np.uint8], list[list[list[float]]]]:
    cv2.setNumThreads(1)
    pictures = [parcel("train", seed, start + number) for number in range(count)]
    rows = [[[float(CLASSES.index(label.label)), *label.box] for label in picture.labels] for picture in pictures]
    return np.stack([picture.pixels for picture in pictures]), rows


def varied(
    pixels: NDArray[np.uint8], boxes: NDArray[np.float32], size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture, or a part of it, as another parcel or machine might have given it: flipped, zoomed, toned, as JPEG.

    Args:
        pixels: uint8 (H, W, 3).
        boxes: float32 (M, 5), as in `Drawn`.
        size: width and height wanted; smaller than the picture, it is a part around a hazard or another thing.
        rng: decides what is done.

    Returns:
        uint8 (height, width, 3), and boxes clipped to it, those nearly outside left out.
    """
    width, height = size
    flip = rng.choice((-1.0, 1.0), 2)
    zoom = float(np.exp(rng.uniform(-0.25, 0.6))) if rng.random() < 0.2 else 1.0
    lean = rng.normal(0, 0.05) if rng.random() < 0.2 else 0.0
    turn = np.array([[flip[0] * zoom, lean * zoom], [-lean * zoom, flip[1] * zoom]])
    focus = _focus(pixels, boxes, rng) if size != (WIDTH_PX, HEIGHT_PX) else np.array((width / 2, height / 2))
    shift = np.array((width / 2, height / 2)) - turn @ focus
    matrix = np.column_stack([turn, shift])
    moved = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(FILL, FILL, FILL))
    return _toned(np.asarray(moved, np.uint8), rng), _moved(boxes, matrix, width, height)


def _focus(pixels: NDArray[np.uint8], boxes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Where to look, x and y: near a hazard in most cases, else near anything dense."""
    aside = rng.normal(0, 30, 2)
    if len(boxes) and rng.random() < 0.7:
        chosen = boxes[int(rng.integers(len(boxes)))]
        return np.asarray((chosen[1:3] + chosen[3:5]) / 2 + aside, np.float64)
    rows, columns = np.nonzero(pixels[::8, ::8, 0] < 150)
    if not rows.size:
        return np.array((pixels.shape[1] / 2, pixels.shape[0] / 2)) + aside
    at = int(rng.integers(rows.size))
    return np.array((columns[at] * 8.0, rows[at] * 8.0)) + aside


def _moved(boxes: NDArray[np.float32], matrix: NDArray[np.float64], width: int, height: int) -> NDArray[np.float32]:
    if not len(boxes):
        return boxes
    corners = boxes[:, [1, 2, 3, 2, 3, 4, 1, 4]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    limit = np.array((width, height))
    inside_low, inside_high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    share = (inside_high - inside_low).prod(axis=1) / np.maximum((high - low).prod(axis=1), 1.0)
    moved = np.column_stack([boxes[:, 0], inside_low, inside_high]).astype(np.float32)
    kept: NDArray[np.float32] = moved[share > 0.4]
    return kept


def _toned(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.3:
        steps = np.linspace(0, 1, 256)[:, None]
        curve = steps ** rng.uniform(0.75, 1.35) * rng.uniform(0.92, 1.06) ** rng.uniform(0, 1, 3)
        table = np.clip(curve * 255, 0, 255).astype(np.uint8)
        pixels = np.asarray(cv2.LUT(pixels, table[None]), np.uint8)
    if rng.random() < 0.08:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.1)), np.uint8)
    if rng.random() < 0.1:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 95))]
        pixels = np.asarray(cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return pixels

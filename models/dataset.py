"""Pictures to learn from: drawn once by `simulator.xray` and kept in a cache that git ignores."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.lib.format import open_memmap

import simulator.xray
from models.recipe import CLASSES, HEIGHT_PX, WIDTH_PX
from simulator.workers import workers
from simulator.xray.sets import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_CHUNK = 40


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cached set of pictures.

    Attributes:
        pixels: uint8 (N, H, W, 3), RGB, memory-mapped.
        boxes: per picture float32 (M, 5): class index, x0, y0, x1, y1 in pixels.
    """

    pixels: NDArray[np.uint8]
    boxes: tuple[NDArray[np.float32], ...]


def drawn_set(seed: int, count: int, folder: Path, tell: Callable[[int], None]) -> Drawn:
    """The training pictures of a seed, from the cache or drawn now on all cores.

    What was drawn before a stop is kept: a set that was cut goes on from there.

    Args:
        seed: the training's seed.
        count: how many pictures.
        folder: the cache.
        tell: called with the number of pictures newly done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"train-{seed}-{_simulator_digest()}"
    picture_file, label_file = folder / f"{stem}-{count}.npy", folder / f"{stem}-{count}.jsonl"
    if not picture_file.exists():
        label_file.unlink(missing_ok=True)
        open_memmap(picture_file, mode="w+", dtype=np.uint8, shape=(count, HEIGHT_PX, WIDTH_PX, 3)).flush()
    rows = label_file.read_text("utf-8").splitlines() if label_file.exists() else []
    whole = len(rows) // _CHUNK * _CHUNK if len(rows) < count else count
    if whole < count:
        label_file.write_text("".join(f"{row}\n" for row in rows[:whole]), "utf-8")
        tell(whole)
        _draw_rest(seed, whole, picture_file, label_file, tell)
        rows = label_file.read_text("utf-8").splitlines()
    boxes = tuple(np.asarray(json.loads(row), np.float32).reshape(-1, 5) for row in rows)
    return Drawn(np.load(picture_file, mmap_mode="r"), boxes)


def _simulator_digest() -> str:
    """Changes with the code that draws, so that no cache outlives it."""
    files = [Path(__file__), *sorted(Path(str(simulator.xray.__file__)).parent.glob("*"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()[:12]


def _draw_rest(seed: int, first: int, picture_file: Path, label_file: Path, tell: Callable[[int], None]) -> None:
    pixels = np.load(picture_file, mmap_mode="r+")
    starts = range(first, len(pixels), _CHUNK)
    with (
        workers() as pool,
        label_file.open("a", encoding="utf-8") as labels,
    ):
        sizes = [min(_CHUNK, len(pixels) - at) for at in starts]
        for start, (part, rows) in zip(starts, pool.map(_draw_chunk, [seed] * len(starts), starts, sizes), strict=True):
            pixels[start : start + len(rows)] = part
            pixels.flush()
            labels.writelines(f"{json.dumps(row)}\n" for row in rows)
            labels.flush()
            tell(len(rows))


def _draw_chunk(seed: int, start: int, count: int) -> tuple[NDArray[np.uint8], list[list[list[float]]]]:
    cv2.setNumThreads(1)
    pictures = [sample(seed, start + number, role="train").picture for number in range(count)]
    rows = [[[float(CLASSES.index(label.label)), *label.box] for label in picture.labels] for picture in pictures]
    return np.stack([picture.pixels for picture in pictures]), rows

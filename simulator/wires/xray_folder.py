"""The X-ray machine's end: draws the pictures in a process of its own and drops them into a folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simulator.plant.feed import Item
from simulator.workers import serve_parent
from simulator.xray import MAX_LENGTH_MM, MIN_LENGTH_MM, draw, png_bytes

_KEPT = 200


def _ready() -> None:
    serve_parent()
    os.nice(5)


def _draw(seed: int, length_mm: int, hazards: tuple[str, ...]) -> bytes:
    return png_bytes(draw(seed, min(max(length_mm, MIN_LENGTH_MM), MAX_LENGTH_MM), hazards))


@dataclass(slots=True)
class PictureLibrary:
    """A folder of a site's own pictures; `labels.json` (COCO) is the truth about their contents."""

    pictures: list[tuple[Path, tuple[str, ...]]] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> PictureLibrary:
        """Read the folder; raises OSError or ValueError with what is wrong."""
        labels: dict[str, set[str]] = {}
        coco_file = folder / "labels.json"
        if coco_file.exists():
            coco: dict[str, Any] = json.loads(coco_file.read_text(encoding="utf-8"))
            names = {c["id"]: c["name"] for c in coco["categories"]}
            files = {i["id"]: i["file_name"] for i in coco["images"]}
            for annotation in coco["annotations"]:
                labels.setdefault(files[annotation["image_id"]], set()).add(names[annotation["category_id"]])
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg"})
        if not found:
            raise ValueError(f"{folder}: no PNG or JPEG pictures there")
        return cls([(p, tuple(sorted(_labels_of(p, folder, labels)))) for p in found])


def _labels_of(picture: Path, folder: Path, labels: Mapping[str, set[str]]) -> set[str]:
    """COCO names files from the folder, or from `images/` in it."""
    name = picture.relative_to(folder).as_posix()
    return labels.get(name) or labels.get(name.removeprefix("images/")) or set()


class XrayFolder:
    """Pictures are begun when an item is fed and written when they are due, under the trigger number."""

    def __init__(self, folder: Path, library: PictureLibrary | None) -> None:
        self.folder = folder
        self.library = library
        self.spoil_next: Callable[[bytes], bytes] | None = None
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_ready)
        self._drawn: dict[int, Future[bytes] | Path] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._pool.submit(_draw, 0, 300, ()).result()  # warmed up before the line runs

    def begin(self, item: Item) -> None:
        """Have the item's picture made."""
        if self.library is not None:
            path, labels = self.library.pictures[(item.identity - 1) % len(self.library.pictures)]
            item.hazards = labels
            self._drawn[item.identity] = path
        else:
            seed = item.picture or item.identity
            self._drawn[item.identity] = self._pool.submit(_draw, seed, round(item.length_mm), item.hazards)
        while len(self._drawn) > _KEPT:
            del self._drawn[next(iter(self._drawn))]

    def deliver(self, item: Item, trigger: int) -> str | None:
        """Write the picture as a whole, by rename; returns its SHA-256, None if it is not drawn yet (call again)."""
        source = self._drawn.get(item.identity)
        if source is None:
            return ""
        if isinstance(source, Path):
            data, suffix = source.read_bytes(), source.suffix.lower()
        elif source.done():
            data, suffix = source.result(), ".png"
        else:
            return None
        if self.spoil_next is not None:
            data, self.spoil_next = self.spoil_next(data), None
        partial = self.folder / f".{trigger:05d}.part"
        partial.write_bytes(data)
        partial.rename(self.folder / f"{trigger:05d}{suffix}")
        return hashlib.sha256(data).hexdigest()

    def close(self) -> None:
        """End the drawing process."""
        self._pool.shutdown(cancel_futures=True)

"""What labelled pictures are, whichever format they come in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from station.vision.faults import PictureFault
from station.vision.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from station.vision.seen import Box

PICTURES = {".png", ".jpg", ".jpeg"}
_BEYOND = 0.05
"""By this share of the picture's sides a label's box may go beyond its edge: labels are drawn by hand."""


class DatasetError(Exception):
    """A folder that is no set of labelled pictures, or a label in it that means nothing: which, and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture: its file, label and box of each thing in it, and the machine or set that it is from."""

    path: Path
    truth: tuple[tuple[str, Box], ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled pictures.

    Attributes:
        samples: the pictures.
        labelled: the classes that are labelled wherever they are: only these can be judged.
        heaps: how many pictures were left out, since a heap in them is labelled as one: they are neither clean, nor is
            it known where what is in them lies.
    """

    samples: tuple[Sample, ...]
    labelled: tuple[str, ...]
    heaps: int = 0

    def in_words(self, words: Mapping[str, str | None]) -> Dataset:
        """The same with its classes called by other words; those without one are left out."""

        def word(label: str) -> str | None:
            return words.get(label, label)

        samples = tuple(
            replace(item, truth=tuple((named, box) for label, box in item.truth if (named := word(label)) is not None))
            for item in self.samples
        )
        labelled = dict.fromkeys(named for label in self.labelled if (named := word(label)))
        return replace(self, samples=samples, labelled=tuple(labelled))


def is_box(x: float, y: float, width: float, height: float) -> bool:
    """Whether these are numbers, and anything lies between its sides."""
    return all(map(math.isfinite, (x, y, width, height))) and width > 0 and height > 0


def lies_in(box: Box, width: float, height: float) -> bool:
    """Whether a box of a label lies in a picture of that size, but for what a hand draws too far."""
    x, y = _BEYOND * width, _BEYOND * height
    return -x <= box[0] and -y <= box[1] and box[2] <= width + x and box[3] <= height + y


def size_of(path: Path, depth: int) -> tuple[int, int] | None:
    """Width and height; None of a picture that cannot be read: it will be refused, with what is in it."""
    try:
        height, width = read_picture(path.read_bytes(), depth=depth).shape[:2]
    except PictureFault:
        return None
    return width, height

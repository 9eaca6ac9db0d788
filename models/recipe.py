"""What the first model is: its classes, the size it looks at, and the numbers that a training run rests on."""

from __future__ import annotations

from dataclasses import dataclass

CLASSES = ("gun", "knife", "battery", "aerosol")
WIDTH_PX, HEIGHT_PX = 416, 320
MEAN = (200.0, 190.0, 180.0)
SCALE = (1 / 70.0, 1 / 65.0, 1 / 75.0)
FILL = 254
PART_PX = (256, 224)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run.

    Attributes:
        seed: of pictures, weights and order.
        pictures: how many are drawn.
        steps: how many batches.
        whole_from: share of the steps after which whole pictures are shown, not parts of `PART_PX`: most of one is
            empty, and parts cost less.
        batch: pictures in one.
        rate: highest learning rate.
        threads: cores that the arithmetic uses.
        bfloat16: whether the network computes in it; twice as fast where the processor can, slower elsewhere.
    """

    seed: int = 1
    pictures: int = 9000
    steps: int = 9000
    whole_from: float = 0.88
    batch: int = 16
    rate: float = 2e-3
    threads: int = 1
    bfloat16: bool = True


DEFAULT = Recipe()

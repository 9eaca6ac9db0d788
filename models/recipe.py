"""What the shipped model is: its classes, the size it looks at, and the numbers that a training run rests on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CLASSES = (
    "gun", "knife", "battery", "aerosol", "long_gun", "ammunition", "scissors", "axe", "hammer", "wrench", "pliers",
    "screwdriver", "lighter", "gas_cartridge", "liquid", "firework", "handcuffs", "baton",
)  # fmt: skip
WIDTH_PX, HEIGHT_PX = 416, 320
MEAN = (127.5, 127.5, 127.5)
SCALE = (1 / 127.5, 1 / 127.5, 1 / 127.5)
FILL = 254
PART_PX = (288, 224)


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
        rate: highest learning rate; the backbone's is a share of it.
        threads: cores that the arithmetic uses.
        bfloat16: whether the network computes in it; None: where the processor does so itself.
        start: the model folder whose weights it goes on from; None: those that photographs gave the backbone.
    """

    seed: int = 1
    pictures: int = 16000
    steps: int = 11000
    whole_from: float = 0.88
    batch: int = 16
    rate: float = 1.5e-3
    threads: int = 2
    bfloat16: bool | None = None
    start: Path | None = None


DEFAULT = Recipe()
QUICK = Recipe(pictures=4000, steps=1400)
"""For trials: about ten minutes of learning on two cores."""
FURTHER = Recipe(steps=10500, rate=1e-3)
"""To go on from a released model, with pictures that it has not seen: as long as the first run."""

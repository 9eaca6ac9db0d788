"""What comes along the belt: parcels of varied length, gap, weight, label and content, from one seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulator.config import HAZARDS, FeedConfig, check_digit
from simulator.plant.draw import drawn

_SECOND = 500_000_000


@dataclass(slots=True, eq=False)
class Item:
    """One physical object on the belt, and the truth about it. Lengths in mm, weight in g.

    `start` is the belt's travel (mm) at which its leading edge is at the infeed eye; `slips` its own factor of the
    belt's travel in each stretch between `stretches`. Items that touch are one `body`, named by the first of them.
    `due_ms` is the plant's time ahead of which its leading edge does not come to the infeed eye.
    `second` is the code of a second label, that lies on its other half.
    `turned` is the eye from which on it is longer by so much, since it turned.
    """

    identity: int
    length_mm: float
    weight_g: float
    barcode: str | None
    hazards: tuple[str, ...]
    held: bool = False
    declared_g: float | None = None
    label_at: float = 0.5
    picture: int | None = None
    start: float = 0.0
    due_ms: float = 0.0
    slips: tuple[float, ...] = ()
    on_belt: bool = True
    offset: float = 0.0
    lane: str | None = None
    faults: set[str] = field(default_factory=set)
    body: int = 0
    turned: tuple[int, float] | None = None
    second: str | None = None

    @property
    def clean(self) -> bool:
        """True if nothing about it is a cause to inspect it."""
        fits = self.declared_g is None or abs(self.declared_g - self.weight_g) < 0.04 * self.declared_g
        alone = self.barcode is not None and self.second is None
        return not self.hazards and alone and not self.held and fits and not self.faults

    def facts(self) -> dict[str, Any]:
        """The truth about it, as the plant writes it down."""
        return {
            "item": self.identity,
            "barcode": self.barcode,
            "weight_g": self.weight_g,
            "declared_g": self.declared_g,
            "held": self.held,
            "hazards": list(self.hazards),
            "length_mm": round(self.length_mm, 1),
            "clean": self.clean,
        }


def sscc(serial: int) -> str:
    """A GS1 SSCC (18 digits) with its check digit; GS1 General Specifications, 7.9.1."""
    body = f"3{4012345:07d}{serial:09d}"
    return body + check_digit(body)


class Feed:
    """Makes items and the gaps between them. The smallest gap is kept; closer ones are a fault put in by hand.

    With `limits` a gap at its least is wider by `shrinks` mm: by as much as slip may take of it up to the diverter.
    """

    def __init__(
        self, config: FeedConfig, seed: int, speed_mm_s: float, limits: float = 0.0, shrinks: float = 0.0
    ) -> None:
        self._config = config
        self._random = Random(seed)
        self._speed = speed_mm_s
        self._limits = limits
        self._shrinks = shrinks
        self._made = 0
        self._last_length = 0.0

    def next(self) -> tuple[Item, float]:
        """Return the next item and the gap (mm) that it keeps to the one before."""
        item = self._item()
        gap = self._gap(item)
        self._last_length = item.length_mm
        return item, gap

    def _item(self) -> Item:
        config, random = self._config, self._random
        self._made += 1
        length = drawn(random, config.shortest_mm, config.longest_mm, self._limits)
        weight = round(random.uniform(*config.weight_g))
        hazards = (random.choice(HAZARDS),) if random.random() < config.threat_share else ()
        barcode = None if random.random() < config.unreadable_share else sscc(self._made)
        held = barcode is not None and random.random() < config.held_share
        declared: float | None = weight if random.random() < config.declared_share else None
        if declared is not None and random.random() < config.wrong_weight_share:
            declared = weight * random.choice((0.6, 1.7))
        item = Item(
            self._made,
            length,
            weight,
            barcode,
            hazards,
            held,
            declared,
            label_at=random.uniform(0.1, 0.9),
            picture=random.randrange(1 << 30),
            body=self._made,
        )
        if self._limits:
            item.label_at = drawn(random, 0.0, 1.0, self._limits)
        if config.two_labels_share and barcode is not None and random.random() < config.two_labels_share:
            item.second = sscc(_SECOND + self._made)
        return item

    def _gap(self, item: Item) -> float:
        config = self._config
        least = max(config.gap_mm, config.gap_and_shorter_mm - min(item.length_mm, self._last_length or 1e9))
        mean = self._speed * 3600 / config.parcels_per_hour - (config.shortest_mm + config.longest_mm) / 2
        spare = max(0.0, mean - self._mean_least())
        if self._limits:
            least += self._shrinks
            if self._random.random() < self._limits:
                return least
            spare /= 1 - self._limits
        return least + (self._random.expovariate(1 / spare) if spare > 1 else 0.0)

    def _mean_least(self) -> float:
        config = self._config
        # The shorter of two lengths drawn evenly lies a third of the way up.
        shorter = config.shortest_mm + (config.longest_mm - config.shortest_mm) / 3
        return max(config.gap_mm, config.gap_and_shorter_mm - shorter)

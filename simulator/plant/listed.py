"""Parcels that come along the belt as they are listed, in place of drawn ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random

from simulator.config import FeedConfig, ParcelConfig, PlantConfig
from simulator.plant.feed import Feed, Item, sscc

_EQUAL_S = 1e-6


def feed_of(config: PlantConfig) -> Feed | ListedFeed:
    """What comes along this plant's belt."""
    if config.parcels is None:
        shrinks = 2 * config.belt.slip * config.plc.diverter_mm + config.plc.tolerance_mm
        return Feed(config.feed, config.seed, config.belt.speed_mm_s, config.limits, shrinks)
    return ListedFeed(config.parcels, config.feed, config.seed)


class ListedFeed:
    """Makes the listed items, then none: what follows is due never.

    A parcel with a time keeps the smallest gap of the line at least; one with a gap or that touches does not.
    """

    def __init__(self, parcels: Sequence[ParcelConfig], config: FeedConfig, seed: int) -> None:
        self._parcels = parcels
        self._config = config
        self._random = Random(seed)
        self._made = 0
        self._body = 0

    def next(self) -> tuple[Item, float]:
        """Return the next item and the gap (mm) that it keeps to the one before."""
        at = self._made
        self._made += 1
        if at >= len(self._parcels):
            return Item(self._made, 1.0, 1.0, None, (), due_ms=math.inf), 0.0
        if not self._parcels[at].touching:
            self._body = self._made
        item = self._item(self._parcels[at])
        if self._close(at) or self._close(at + 1):
            item.faults.add("too close")
        return item, self._gap(at)

    def _close(self, at: int) -> bool:
        """True if that parcel comes closer to the one before than the line is specified for."""
        return 0 < at < len(self._parcels) and self._gap(at) < _least_mm(self._parcels, at, self._config)

    def _gap(self, at: int) -> float:
        return _gap_mm(self._parcels, at, self._config)

    def _item(self, listed: ParcelConfig) -> Item:
        return Item(
            self._made,
            listed.length_mm,
            listed.weight_g,
            None if listed.unreadable else listed.barcode or sscc(self._made),
            listed.hazards,
            listed.held,
            listed.declared_g,
            picture=self._random.randrange(1 << 30),
            due_ms=(listed.at_s or 0.0) * 1000,
            body=self._body,
        )


def _gap_mm(parcels: Sequence[ParcelConfig], at: int, config: FeedConfig) -> float:
    listed = parcels[at]
    if at == 0 or listed.touching:
        return 0.0
    return _least_mm(parcels, at, config) if listed.gap_mm is None else listed.gap_mm


def _least_mm(parcels: Sequence[ParcelConfig], at: int, config: FeedConfig) -> float:
    shorter = min(parcels[at].length_mm, parcels[at - 1].length_mm)
    return max(config.gap_mm, config.gap_and_shorter_mm - shorter)


def behind_s(parcels: Sequence[ParcelConfig], at: int, config: PlantConfig) -> float:
    """How long behind the one before a parcel reaches the infeed eye at the earliest, while the belt runs."""
    return (parcels[at - 1].length_mm + _gap_mm(parcels, at, config.feed)) / config.belt.speed_mm_s if at else 0.0


def too_early(parcels: Sequence[ParcelConfig], config: PlantConfig) -> Iterator[tuple[int, float]]:
    """Those whose time is not to be had behind the parcels ahead of them, and the time (s) at which they would come."""
    came_s = 0.0
    for at, listed in enumerate(parcels):
        came_s += behind_s(parcels, at, config)
        if listed.at_s is not None:
            if listed.at_s < came_s - _EQUAL_S:
                yield at, came_s
            came_s = max(came_s, listed.at_s)

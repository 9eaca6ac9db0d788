"""Parcels that are fed as listed: their times, gaps, and which of them touch."""

from __future__ import annotations

import math
from typing import Any

from simulator.config import FeedConfig, ParcelConfig, PlantConfig
from simulator.plant.feed import Item
from simulator.plant.listed import ListedFeed
from simulator.plant.world import Plant
from simulator.plc.signals import Outputs

FEED = FeedConfig()


def fed(*parcels: ParcelConfig) -> list[tuple[Item, float]]:
    feed = ListedFeed(parcels, FEED, 1)
    return [feed.next() for _ in parcels]


def test_gaps_are_those_of_the_line_unless_they_are_said() -> None:
    parcels = [ParcelConfig(at_s=1, length_mm=200), ParcelConfig(length_mm=300), ParcelConfig(gap_mm=20)]
    assert [gap for _, gap in fed(*parcels)] == [0, 650, 20]


def test_who_comes_too_close_is_not_clean_and_who_touches_is_one_body() -> None:
    parcels = [ParcelConfig(at_s=1), ParcelConfig(), ParcelConfig(touching=True), ParcelConfig(gap_mm=1000)]
    items = [item for item, _ in fed(*parcels)]
    assert [item.clean for item in items] == [True, False, False, True]
    assert [item.body for item in items] == [1, 2, 2, 4]


def test_after_the_last_comes_none() -> None:
    feed = ListedFeed([ParcelConfig(at_s=1)], FEED, 1)
    feed.next()
    assert [feed.next()[0].due_ms for _ in range(3)] == [math.inf] * 3


def test_they_come_to_the_infeed_eye_at_their_times() -> None:
    facts: list[tuple[str, dict[str, Any]]] = []
    parcels = tuple(ParcelConfig(at_s=at_s) for at_s in (1, 3, 3, 5))
    plant = Plant(PlantConfig(parcels=parcels), lambda *fact: facts.append(fact))
    plant.outputs(Outputs(belt=True, to_pass=True, triggers=0))
    for ms in range(0, 8000, 15):
        plant.advance(ms)
    seen = [(fields["item"], fields["ms"]) for kind, fields in facts if kind == "infeed"]
    assert [item for item, _ in seen] == [1, 2, 3, 4]
    assert [round(ms / 1000, 1) for _, ms in seen] == [1.0, 3.0, 3.4, 5.0]
    assert plant.items == []

"""What happens to the plant once: hands on the belt, jumps of its clock and its encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING

from simulator.plant.feed import Item

if TYPE_CHECKING:
    from simulator.plant.world import Plant

_HAND_MM = (300.0, 3900.0)
_CLEAR_MM = 30.0
_BY_HAND = 1_000_000


def hand_item(identity: int, like: Item) -> Item:
    """An item that a hand puts on the belt: as long and heavy as `like`, with its barcode, and a knife inside."""
    return Item(identity, like.length_mm, like.weight_g, like.barcode, ("knife",), picture=identity, body=identity)


def _clock_step(plant: Plant, ms: float) -> None:
    plant.clock_ms += ms


def _encoder_jump(plant: Plant, mm: float) -> None:
    plant.turn_encoder(mm)


def _removed(plant: Plant, _size: float) -> None:
    plant.remove(*_HAND_MM)


def _added(plant: Plant, parcels: float) -> None:
    for _ in range(round(parcels)):
        put_down(plant)


def put_down(plant: Plant, at_mm: float | None = None) -> None:
    """Somebody puts a parcel down there, or where nothing lies; it is as long as one on the belt, if there is one."""
    like = next((item for item in plant.items if item.on_belt), None)
    if like is None:
        return
    place = _free_place(plant, like.length_mm) if at_mm is None else at_mm
    if place is not None:
        plant.by_hand += 1
        plant.add(hand_item(_BY_HAND + plant.by_hand, like), place)


def _free_place(plant: Plant, length_mm: float) -> float | None:
    """A stretch of belt between two eyes on which nothing lies."""
    taken = [(plant.position(item) - item.length_mm, plant.position(item)) for item in plant.items]
    taken += [(place, place) for place in plant.config.plc.eyes_mm]
    places = list(range(int(_HAND_MM[1]), int(_HAND_MM[0]), -50))
    Random(f"{plant.config.seed} {plant.by_hand}").shuffle(places)
    for place in places:
        front, back = place + _CLEAR_MM, place - length_mm - _CLEAR_MM
        if all(front < low or back > high for low, high in taken):
            return float(place)
    return None


def _swapped(plant: Plant, _size: float) -> None:
    for item in plant.items:
        if item.on_belt and _HAND_MM[0] <= plant.position(item) <= _HAND_MM[1]:
            plant.by_hand += 1
            plant.swap(item, hand_item(_BY_HAND + plant.by_hand, item))
            return


ONCE: Mapping[str, Callable[[Plant, float], None]] = {
    "plc-clock-step": _clock_step,
    "plc-clock-back": lambda plant, ms: _clock_step(plant, -ms),
    "plc-clock-nudge": _clock_step,
    "encoder-jump": _encoder_jump,
    "parcel-removed": _removed,
    "parcel-added": _added,
    "parcel-swapped": _swapped,
}
"""Faults that happen at a moment, by name."""

"""What the core wants done: records to keep, orders to send, sessions to open. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from station.core.events import Lane, ParcelKey
from station.core.records import Record


@dataclass(frozen=True, slots=True)
class Order:
    """A decision as the PLC gets it; `last_count` (32-bit) can only void it."""

    sequence: int
    parcel: ParcelKey
    lane: Lane
    last_count: int | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Journal this record; all records of a batch are on disk before any other action of it is carried out."""

    record: Record


@dataclass(frozen=True, slots=True)
class Send:
    """Give this order to the PLC."""

    order: Order


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a session never used before, and an epoch where `needs_epoch`; then tell the core by `SessionChosen`."""

    needs_epoch: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """These pictures need not be kept any more: once all records of the batch are on disk, their files may go."""

    frames: tuple[str, ...]


Action = Keep | Send | OpenSession | Drop

"""Commands as tests give them to the bench, and what is answered."""

from __future__ import annotations

from typing import Any

from station.core.commands import (
    Command,
    HoldList,
    ParcelName,
    Pause,
    Resolve,
)
from station.core.events import (
    CommandMalformed,
    CommandReceived,
    HeldCodes,
    Place,
    Why,
)
from station.core.records import (
    CommandResult,
    ParcelRef,
    Record,
)
from tests.unit.core.parts.bench import EPOCH, Bench

NOON = "2026-11-25T12:00:00.000Z"
LIST = "0a" * 32
FIRST = ParcelRef(epoch=EPOCH, number=1)


def wish(model: type[Command] = Pause, identity: str = "c-1", **fields: Any) -> Any:
    signed = {"id": identity, "who": "anna", "issued_at": NOON, "expires_at": "2026-11-25T12:01:00Z"}
    return model.model_validate(signed | fields)


def resolve(number: int = 1, identity: str = "c-1", *found: str) -> Any:
    resolution = "confirmed" if found else "cleared"
    return wish(Resolve, identity, parcel=ParcelName(epoch=EPOCH, number=number), resolution=resolution, found=found)


def hold(*held: str, identity: str = "c-1", sha256: str = LIST) -> CommandReceived:
    command = wish(HoldList, identity, sha256=sha256, codes=len(held))
    return CommandReceived(command, "mqtt", held=HeldCodes(sha256, frozenset(held)))


def give(bench: Bench, command: Command | CommandReceived | CommandMalformed, utc: str = NOON) -> list[Record]:
    """The records that follow."""
    before, was = len(bench.records), bench.utc
    bench.utc = utc
    bench.give(CommandReceived(command, "station") if isinstance(command, Command) else command)
    bench.utc = was
    return bench.records[before:]


def answer(records: list[Record]) -> tuple[str, str, str]:
    """Of the one answer among them: result, reason, text."""
    (found,) = [record for record in records if isinstance(record, CommandResult)]
    return found.result, found.reason, found.text


def inspected(bench: Bench, number: int = 1) -> Bench:
    bench.ride(number, 2000)
    bench.leaves(number, 5600, Place.INSPECT, Why.INSPECT_ORDER)
    return bench.go(5620)

"""Parcels that an earlier run of the daemon left open: each is completed once, by that run's journal and the PLC."""

from __future__ import annotations

from simulator.config import PlantConfig
from simulator.plc.program import PlcProgram
from simulator.storm.plc_port import constants_of
from simulator.storm.setup import setup_of
from station.core.actions import Keep
from station.core.events import BeltParcel, OpenParcel, ParcelKey, PlcConnected, Starting
from station.core.line import Line
from station.core.now import Now
from station.core.records import LeftOpen, ParcelCompleted, ParcelEntered, ParcelRef, Record, StationStarted
from station.replay import Replay

CONFIG = PlantConfig()
CONSTANTS = constants_of(PlcProgram(CONFIG.plc_settings()))
ENTERED_AT = "2026-10-25T12:00:00.000Z"
NOW = Now(1_000, "2026-10-25T12:00:09.000Z")


def connected(epoch: int, *numbers: int, resumed: bool = False) -> PlcConnected:
    rows = tuple(BeltParcel(number, 100 * number, 300, 5, 0, 100 * number) for number in numbers)
    return PlcConnected(epoch, 5, 1, 5_000, 9_000, rows, resumed, CONSTANTS)


def started(*keys: tuple[int, int]) -> tuple[Line, list[Record]]:
    line = Line(setup_of(CONFIG))
    left_open = tuple(OpenParcel(ParcelKey(*key), ENTERED_AT) for key in keys)
    return line, kept(line, Starting("1.0", "config", "model", left_open))


def kept(line: Line, event: Starting | PlcConnected) -> list[Record]:
    return [action.record for action in line.handle(event, NOW) if isinstance(action, Keep)]


def test_one_that_left_the_belt_meanwhile_is_completed_unobserved() -> None:
    line, _ = started((7, 1), (7, 2), (6, 2))
    records = kept(line, connected(7, 2))
    completed = [r for r in records if isinstance(r, ParcelCompleted)]
    assert [(r.parcel.epoch, r.parcel.number, r.outcome, r.route) for r in completed] == [
        (7, 1, "unobserved", None),
        (6, 2, "unobserved", None),
    ]
    assert {(r.entered_at, r.completed_at, r.adopted) for r in completed} == {(ENTERED_AT, NOW.utc, True)}
    assert [r.parcel.number for r in records if isinstance(r, ParcelEntered)] == [2]


def test_it_is_completed_once() -> None:
    line, _ = started((7, 1))
    kept(line, connected(7))
    assert not [r for r in kept(line, connected(7)) if isinstance(r, ParcelCompleted)]


def test_the_start_tells_what_was_left_open_so_that_a_replay_knows() -> None:
    _, records = started((7, 1))
    start = records[0]
    assert isinstance(start, StationStarted)
    assert start.left_open == (LeftOpen(parcel=ParcelRef(epoch=7, number=1), entered_at=ENTERED_AT),)


def test_what_is_completed_follows_the_connection_so_that_a_replay_expects_it() -> None:
    line, started_with = started((7, 1), (6, 2))
    records = kept(line, connected(7))
    replay = Replay()
    assert [found for record in [*started_with, *records] for found in replay.take(record)] == []
    assert replay.finish() == []
    assert [record.type for record in records] == ["plc-connected", "parcel-completed", "parcel-completed"]

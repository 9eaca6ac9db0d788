"""The PLC's registers: any words raise nothing; what the simulator encodes apart is what the driver decodes."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.plc_codec import (
    Command,
    ForeignMapError,
    PlcMap,
    check_map,
    diverter_of,
    echo_of,
    edge_of,
    is_torn,
    is_whole,
    mode_of,
    outcome_of,
)
from simulator.plc.program import PlcProgram
from simulator.plc.registers import Image, Layout
from simulator.plc.signals import EdgeSignal, Inputs
from station.core.actions import Order
from station.core.events import Direction, Lane, Mode, ParcelKey, Why
from station.resources import plc_map
from tests.unit.core.virtual_line import VirtualLine

DOCUMENT = yaml.safe_load(plc_map().read_text())
MAP = PlcMap(DOCUMENT)
WORD = st.integers(0, 65_535)
U32 = st.integers(0, 2**32 - 1)


def status_words() -> st.SearchStrategy[list[int]]:
    count = MAP.blocks["status"].count
    return st.lists(WORD, min_size=count, max_size=count)


@settings(max_examples=200)
@given(status_words(), st.integers(1, 2**32 - 1))
def test_any_registers_raise_nothing_but_a_named_error(words: list[int], total: int) -> None:
    status = MAP.blocks["status"].decode(words)
    is_torn(status)
    mode_of(status["mode"])
    diverter_of(status["diverter"])
    for entry in status["newest_edges"]:
        is_whole(entry, total)
        with contextlib.suppress(ValueError):
            assert edge_of(entry, total).sequence == total
    for entry in status["newest_outcomes"]:
        outcome, _ = outcome_of(entry, total)
        assert (outcome.sequence, outcome.why is Why.RELEASED) == (total, entry["why"] == 0)
    for entry in status["newest_acks"]:
        echo_of(entry)
    with contextlib.suppress(ForeignMapError):
        check_map(status, MAP.version)


@given(st.lists(st.tuples(st.integers(1, 65_535), U32, st.booleans(), st.none() | U32), max_size=14), U32, WORD)
def test_a_command_is_read_by_the_plc_as_it_was_meant(
    orders: list[tuple[int, int, bool, int | None]], session: int, number: int
) -> None:
    meant = [
        Order(sequence, ParcelKey(1, parcel), Lane.PASS if passes else Lane.INSPECT, last)
        for sequence, parcel, passes, last in orders
    ]
    image = Image(Layout(DOCUMENT))
    image.put("command", Command(number, session, 7, 9, meant).encode())
    read = image.command()
    if not session:
        assert read is None
        return
    assert read is not None
    assert (read.number, read.session, read.heartbeat, read.epoch_grant) == (number, session, 7, 9)
    assert [(o.order, o.parcel, o.lane, o.last_count) for o in read.orders] == [
        (o.sequence, o.parcel.number, 1 if o.lane is Lane.PASS else 2, o.last_count) for o in meant[:12]
    ]


@given(st.integers(0, 92), st.integers(1, 65_535))
def test_a_torn_command_is_not_taken(place: int, change: int) -> None:
    image = Image(Layout(DOCUMENT))
    words = Command(5, 77, 1, 0, [Order(1, ParcelKey(1, 3), Lane.PASS, None)]).encode()
    words[place] = (words[place] + change) % 65_536
    image.put("command", words)
    read = image.command()
    assert read is None


def test_edges_as_the_simulator_encodes_them() -> None:
    line = VirtualLine()
    image = Image(line_layout := Layout(DOCUMENT))
    program = PlcProgram(line.config.plc_settings())
    program.orders.epoch = 4
    edge = EdgeSignal(0, broken=True, count=2**32 - 3, ms=12_345)
    program.scan(Inputs(ms=12_360, count=2**32 + 40, edges=(edge,)))
    image.refresh(program)
    start, size = line_layout.address("status"), line_layout.block_size("status")
    status = MAP.blocks["status"].decode(image.words[start : start + size])
    check_map(status, MAP.version)
    found = edge_of(status["newest_edges"][0], status["edges"])
    assert is_whole(status["newest_edges"][0], 1)
    assert (found.eye, found.direction, found.count, found.plc_ms, found.parcel) == (
        0,
        Direction.BROKEN,
        2**32 - 3,
        12_345,
        1,
    )
    assert status["count"] == 40
    assert mode_of(status["mode"]) is Mode.AUTOMATIC


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"signature": 0x50314953}, "swapped"),
        ({"signature": 0x53503101}, "off by one"),
        ({"pattern": 0x03040102}, "word order"),
        ({"map_version": 2}, "update the older one"),
    ],
)
def test_a_foreign_map_is_named(change: dict[str, int], said: str) -> None:
    right = {"signature": 0x49535031, "pattern": 0x01020304, "map_version": 1}
    check_map(right, 1)
    with pytest.raises(ForeignMapError, match=said):
        check_map(right | change, 1)

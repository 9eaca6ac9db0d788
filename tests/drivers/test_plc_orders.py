"""Orders on their way to the PLC: what is withdrawn stays withdrawn, and none holds up the others for ever."""

from __future__ import annotations

from random import Random

import pytest

from simulator.config import PlantConfig
from simulator.plant.trouble import Trouble
from simulator.plc.orders import OrderWords
from simulator.plc.program import PlcProgram
from simulator.storm.clock import VirtualClock
from simulator.storm.plc_port import Cabinet, PlcPort
from station.core.actions import Order
from station.core.events import DeviceState, Lane, OrderAcknowledged, OutcomeSeen, ParcelKey
from tests.drivers.plc_in_memory import Polled, ProgramInMemory


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> Polled:
    """A driver whose PLC holds its session, and has parcels 1 to 5 on the belt."""
    rig = Polled(ProgramInMemory(monkeypatch))
    rig.live()
    for _ in range(5):
        for broken in (True, False):
            rig.program.edge(broken=broken)
            rig.poll()
    assert list(rig.program.program.rows) == [1, 2, 3, 4, 5]
    return rig


def order(sequence: int, parcel: int, lane: Lane, last: int | None = None) -> Order:
    return Order(sequence, ParcelKey(77, parcel), lane, last)


def words(sequence: int, lane: int, last: int | None = None) -> OrderWords:
    return OrderWords(sequence, 1, lane, last)


def test_a_pass_that_was_withdrawn_ahead_of_the_poll_never_goes_out(polled: Polled) -> None:
    orders = polled.program.program.orders
    for number in range(1, 5):
        polled.plc.send([order(number, number, Lane.PASS)])
        polled.poll(2)
    polled.plc.send([order(5, 5, Lane.PASS)])
    polled.plc.send([order(number, number - 5, Lane.INSPECT) for number in range(6, 11)])
    polled.poll(6)
    assert [orders.verdict(number, 5, polled.program.ms) is None for number in range(1, 6)] == [False] * 5
    acknowledged = [(ack.order, ack.lane) for ack in polled.of(OrderAcknowledged)]  # type: ignore[union-attr]
    assert (5, Lane.PASS) not in acknowledged
    assert len(polled.plc._pending) == 0


def test_neither_does_it_in_a_storm() -> None:
    port = PlcPort(VirtualClock(), Cabinet(PlcProgram(PlantConfig().plc_settings())), Trouble(Random(1), {}))
    port.send([order(5, 5, Lane.PASS), order(6, 4, Lane.PASS)])
    port.send([order(7, 5, Lane.INSPECT)])
    assert [(o.sequence, o.lane) for o in port._pending.values()] == [(6, Lane.PASS), (7, Lane.INSPECT)]


@pytest.mark.parametrize(("held", "comes", "stands"), [(6, 5, 6), (5, 6, 6), (65_535, 1, 1), (1, 65_535, 1), (6, 6, 6)])
def test_an_older_order_never_takes_the_place_of_a_newer_one(
    polled: Polled, held: int, comes: int, stands: int
) -> None:
    program = polled.program.program
    for sequence in (held, comes):
        program.orders._order(words(sequence, 1), 5, program.rows[1], 4, program.count)
    assert program.orders._held[1][0].order == stands
    results = {ack.order: int(ack.result) for ack in program.orders.acks}
    assert results == {held: 1, comes: 1 if stands == comes else 5}


def test_an_order_of_a_new_session_is_never_too_old(polled: Polled) -> None:
    program = polled.program.program
    program.orders._order(words(900, 1), 5, program.rows[1], 4, program.count)
    program.orders.session = 6
    program.orders._order(words(1, 2), 6, program.rows[1], 4, program.count)
    assert program.orders._held[1] == (words(1, 2), 6)


def unknown_results(words: list[int]) -> None:
    """A program that calls by 6 what the map calls 3."""
    for at in range(101, 121, 5):
        words[at + 4] = 6 if words[at + 4] == 3 else words[at + 4]


def test_an_answer_that_the_map_has_not_ends_its_order_and_is_named_once(
    polled: Polled, caplog: pytest.LogCaptureFixture
) -> None:
    polled.program.spoil = unknown_results
    for sequence in range(1, 15):
        polled.plc.send([order(sequence, 1000 + sequence, Lane.INSPECT)])
    polled.plc.send([order(15, 1, Lane.PASS)])
    polled.poll(12)
    assert len(polled.plc._pending) == 0
    assert polled.program.program.orders._held[1][0].order == 15
    assert [ack.order for ack in polled.of(OrderAcknowledged)] == [15]  # type: ignore[union-attr]
    assert len(caplog.messages) == 1
    assert "result 6, which its map does not have" in polled.plc.health().detail
    assert polled.of(DeviceState)[-1] == DeviceState("plc", connected=True, detail=polled.plc.health().detail)


def never_echoes(words: list[int]) -> None:
    """A program that shows no acknowledgement."""
    words[101:121] = [0] * 20


def test_orders_that_are_of_no_use_any_more_do_not_wait_for_ever(polled: Polled) -> None:
    polled.program.spoil = never_echoes
    polled.plc.send([order(1, 1, Lane.PASS, polled.program.ms + 50), order(2, 2, Lane.INSPECT), order(3, 3, Lane.PASS)])
    polled.poll(20)
    assert [one.sequence for one in polled.plc._pending.all()] == [1, 2, 3], "the PLC has a second to answer"
    polled.poll(110)
    assert [one.sequence for one in polled.plc._pending.all()] == [2, 3]
    assert not polled.of(OutcomeSeen)
    while len(polled.of(OutcomeSeen)) < 5:
        polled.poll(20)
        assert polled.program.ms < 10_000
    assert 3 in [one.sequence for one in polled.plc._pending.all()]
    polled.poll(120)
    assert len(polled.plc._pending) == 0

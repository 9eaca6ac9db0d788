"""Entries of the PLC's rings that cannot be: each is named, and what can be read goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.plc.signals import EdgeSignal, Inputs
from simulator.plc.table import Place as PlcPlace
from simulator.plc.table import Why as PlcWhy
from station.core.events import Edge, OutcomeSeen, Place, PlcConnected, PlcLost, PlcSample, Why
from tests.drivers.plc_in_memory import LAYOUT, Polled, ProgramInMemory

RINGS = {"edge_ring": (11, 128, 37, 4), "outcome_ring": (10, 64, 81, 2)}
"""Registers of an entry, entries, and where the status block shows the newest, and how many."""


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> Polled:
    rig = Polled(ProgramInMemory(monkeypatch))
    rig.live()
    return rig


def spoilt(ring: str, sequence: int, at: int, word: int) -> Callable[[list[int]], None]:
    """One word of one entry, in the ring and where the status block shows it."""
    width, size, shown, entries = RINGS[ring]

    def spoil(words: list[int]) -> None:
        words[LAYOUT.address(ring) + (sequence - 1) % size * width + at] = word
        for first in range(shown, shown + entries * width, width):
            if words[first] == sequence:
                words[first + at] = word

    return spoil


@pytest.mark.parametrize(
    ("at", "code", "told", "said"),
    [(4, 14, (Place.INSPECT, Why.AMBIGUOUS), "reason 14"), (3, 5, (Place.UNOBSERVED, Why.NO_ORDER), "place 5")],
)
def test_an_outcome_of_an_unknown_code_holds_up_none_behind_it(
    polled: Polled, caplog: pytest.LogCaptureFixture, at: int, code: int, told: tuple[Place, Why], said: str
) -> None:
    polled.program.spoil = spoilt("outcome_ring", 10, at, code)
    for number in range(1, 140):
        polled.program.program.rings.outcome(number, PlcPlace.INSPECT, PlcWhy.NO_ORDER, polled.program.ms, 0)
        polled.poll()
    outcomes = [event for event in polled.of(OutcomeSeen) if isinstance(event, OutcomeSeen)]
    assert [outcome.number for outcome in outcomes] == list(range(1, 140))
    assert (outcomes[9].place, outcomes[9].why) == told
    assert [said in message for message in caplog.messages] == [True]
    assert said in polled.plc.health().detail


def test_an_edge_that_is_neither_broken_nor_freed_is_named_and_all_begins_anew(polled: Polled) -> None:
    polled.program.spoil = spoilt("edge_ring", 3, 2, 2)
    for n in range(6):
        polled.program.edge(broken=n % 2 == 0)
        polled.poll()
    assert polled.failures == ["edge 3 has direction 2: 1 is a beam broken, 0 one freed; correct the PLC's program"]
    assert [event.resumed for event in polled.of(PlcConnected) if isinstance(event, PlcConnected)] == [False, False]
    assert [edge.sequence for edge in polled.of(Edge) if isinstance(edge, Edge)] == [1, 2, 5, 6]


@pytest.mark.parametrize(("ring", "end"), [("edge_ring", 10), ("outcome_ring", 9)])
def test_an_entry_that_stays_torn_is_named_after_a_second(polled: Polled, ring: str, end: int) -> None:
    polled.program.spoil = spoilt(ring, 1, end, 0)
    polled.program.edge(broken=True)
    polled.program.program.rings.outcome(0, PlcPlace.INSPECT, PlcWhy.NO_ORDER, 0, 0)
    polled.poll(100)
    assert not polled.of(PlcLost)
    polled.poll(5)
    assert f"{ring} stays torn: its sequence and sequence_end are 1 and 0, both must be 1" in polled.failures[0]
    before = len(polled.of(PlcSample))
    polled.program.edge(broken=False)
    polled.poll(5)
    assert len(polled.failures) == 1
    assert len(polled.of(PlcSample)) == before + 5


def test_an_entry_that_is_torn_for_a_moment_is_read_again(polled: Polled) -> None:
    spoil = polled.program.spoil
    for _ in range(3):
        polled.program.spoil = spoilt("edge_ring", 1, 10, 0)
        polled.program.edge(broken=True)
        polled.poll(60)
        polled.program.spoil = spoil
        polled.poll(60)
    assert not polled.failures


def swapped(first: int) -> Callable[[list[int]], None]:
    """Both words of a value of every edge are swapped, in the ring and in the status block."""

    def spoil(words: list[int]) -> None:
        starts = [LAYOUT.address("edge_ring") + 11 * n for n in range(128)] + [37 + 11 * n for n in range(4)]
        for start in starts:
            words[start + first], words[start + first + 1] = words[start + first + 1], words[start + first]

    return spoil


@pytest.mark.parametrize(("first", "said"), [(3, "has a count"), (5, "has a time")], ids=["count", "time"])
@pytest.mark.parametrize("run_s", [5, 40, 200])
def test_an_edge_whose_words_are_swapped_is_named(
    monkeypatch: pytest.MonkeyPatch, first: int, said: str, run_s: int
) -> None:
    program = ProgramInMemory(monkeypatch)
    program.ms = run_s * 1000
    program.begin()
    rig = Polled(program)
    rig.live()
    program.spoil = swapped(first)
    program.edge(broken=True)
    rig.poll()
    assert len(rig.failures) == 1
    assert said in rig.failures[0]
    assert "swapped in the edge record" in rig.failures[0]
    assert not rig.of(Edge)


def test_and_so_is_one_of_before(polled: Polled) -> None:
    polled.poll(100)
    old = polled.program.ms - 400
    polled.program.edges.append(EdgeSignal(0, broken=True, count=old, ms=polled.program.ms))
    polled.poll()
    assert "mm behind the status block before" in polled.failures[0]


def test_a_freed_edge_that_waited_for_the_belt_to_move_on_is_none(polled: Polled) -> None:
    polled.program.edge(broken=True)
    freed_ms = polled.program.ms
    polled.poll(300)
    polled.program.edges.append(EdgeSignal(0, broken=False, count=polled.program.ms, ms=freed_ms))
    polled.poll()
    assert not polled.failures
    assert len(polled.of(Edge)) == 2


def test_neither_is_one_that_came_while_there_was_no_connection(polled: Polled) -> None:
    polled.program.edge(broken=True)
    polled.plc._connected = False
    for _ in range(500):
        polled.program.scan()
    polled.poll(3)
    assert not polled.failures
    assert len(polled.of(Edge)) == 1


def test_a_count_that_goes_back_is_the_cores_affair(polled: Polled) -> None:
    polled.poll(100)
    before = polled.program.ms
    polled.program.program.scan(Inputs(ms=before + 1, count=before - 500))
    polled.program.edges.append(EdgeSignal(0, broken=True, count=before, ms=before + 2))
    polled.program.offset = -500
    polled.poll()
    assert not polled.failures
    assert len(polled.of(Edge)) == 1

"""The simulated PLC's program, scan by scan, where docs/plc-interface.md asks something of it that no line shows."""

from __future__ import annotations

import pytest

from simulator.config import PlantConfig
from simulator.plc.orders import Command
from simulator.plc.program import PlcProgram
from simulator.plc.signals import EdgeSignal, Inputs
from simulator.plc.table import Place, Why

SETTINGS = PlantConfig().plc_settings()  # a count is a mm, 2.5 mm a ms, decision eye at 4,100 mm
GRANT = Command(1, 7, 1, 7, ())


def edge(eye: int, count: int) -> EdgeSignal:
    return EdgeSignal(eye, broken=True, count=count, ms=count)


def run(program: PlcProgram, to_ms: int, *, count_per_ms: float = 2.5) -> None:
    """Scans without edges, every 10 ms, while the belt runs evenly."""
    while program.ms < to_ms:
        elapsed = min(10, to_ms - program.ms)
        program.scan(Inputs(ms=program.ms + elapsed, count=program.count + int(elapsed * count_per_ms)))


def with_parcels(*counts: int) -> PlcProgram:
    """A program in epoch 7 whose belt has run empty, with parcels that broke the infeed eye at these counts."""
    program = PlcProgram(SETTINGS)
    program.orders.take(GRANT, program.rows, 4, 0, 0)
    run(program, 4000)
    assert program.run_empty
    program.scan(Inputs(ms=4010, count=10_025, edges=tuple(edge(0, count) for count in counts)))
    assert len(program.rows) == len(counts)
    return program


def test_two_parcels_in_the_window_of_one_edge_are_lost_and_leave_the_table() -> None:
    program = with_parcels(9_990, 10_000)
    run(program, 5640)
    program.scan(Inputs(ms=5650, count=14_125, edges=(edge(4, 14_095),)))
    run(program, 5700)
    assert not program.rows
    assert [(o.number, o.place, o.why) for o in program.rings.outcomes] == [
        (1, Place.LOST, Why.AMBIGUOUS),
        (2, Place.LOST, Why.AMBIGUOUS),
    ]


@pytest.mark.parametrize("count", [10_019, 8_000, 10_025 + 38, 13_000], ids=["back by 6", "back", "fast", "forward"])
def test_a_count_that_the_belt_cannot_make_stops_it_and_forgets_every_place(count: int) -> None:
    program = with_parcels(9_990)
    outputs = program.scan(Inputs(ms=4020, count=count))
    assert not outputs.belt
    assert program.stop_cause == 5
    assert program.guard.faults == 16
    assert [(o.number, o.place) for o in program.rings.outcomes] == [(1, Place.UNOBSERVED)]
    assert not program.rows
    assert not program.run_empty
    program.scan(Inputs(ms=4030, count=count, acknowledge=True))
    assert program.stop_cause == 0
    assert not program.run_empty


def test_the_wheel_of_a_standing_belt_may_spring_back_and_tremble() -> None:
    program = with_parcels(9_990)
    program.scan(Inputs(ms=4020, count=10_025, operator_stop=True))
    for ms, count in ((4030, 10_020), (4040, 10_024), (4050, 10_021), (4060, 10_025), (4061, 10_020)):
        program.scan(Inputs(ms=ms, count=count, operator_stop=True))
        assert program.count == 10_025
    run(program, 4100, count_per_ms=0)
    program.scan(Inputs(ms=4101, count=10_026))
    assert program.belt
    assert program.count == 10_026
    assert list(program.rows) == [1]


def test_a_wheel_that_only_trembles_while_the_belt_is_driven_stands() -> None:
    program = with_parcels(9_990)
    for ms in range(4020, 4200, 10):
        program.scan(Inputs(ms=ms, count=10_025 - ms // 10 % 2))
    assert program.stop_cause == 5


def test_a_count_as_fast_as_the_belt_and_a_twentieth_is_believed() -> None:
    program = with_parcels(9_990)
    program.scan(Inputs(ms=4020, count=10_025 + 26))
    assert program.belt
    assert list(program.rows) == [1]


def test_a_count_that_stands_while_the_belt_is_driven_is_not_believed() -> None:
    program = with_parcels(9_990)
    run(program, 4110, count_per_ms=0)
    assert program.belt
    run(program, 4120, count_per_ms=0)
    assert program.stop_cause == 5


def test_a_belt_that_starts_may_stand_for_half_a_second() -> None:
    program = with_parcels(9_990)
    program.scan(Inputs(ms=4020, count=10_025, operator_stop=True))
    for ms in range(4030, 9000, 10):
        program.scan(Inputs(ms=ms, count=10_025, operator_stop=True))
    run(program, 9500, count_per_ms=0)
    assert program.belt
    run(program, 9540, count_per_ms=0)
    assert program.stop_cause == 5


def test_a_clock_that_jumps_is_no_fault_of_the_encoder() -> None:
    program = with_parcels(9_990)
    program.scan(Inputs(ms=1000, count=10_050))
    program.scan(Inputs(ms=90_000, count=10_075))
    assert program.belt
    assert list(program.rows) == [1]


def test_the_diverter_stays_under_what_may_be_in_it_until_somebody_acknowledges() -> None:
    program = with_parcels()
    program.guard.to_pass = True
    assert program.scan(Inputs(ms=4020, count=8_000)).to_pass
    assert program.scan(Inputs(ms=4030, count=8_010)).to_pass
    assert not program.scan(Inputs(ms=4040, count=8_010, acknowledge=True)).to_pass


def test_an_object_in_the_pass_lane_that_none_explains_ends_all_places() -> None:
    program = with_parcels(10_020)
    inputs = Inputs(ms=4020, count=10_050, edges=(edge(5, 10_050),))
    assert not program.scan(inputs).belt
    assert program.stop_cause == 4
    assert [(o.number, o.place, o.why) for o in program.rings.outcomes] == [
        (0, Place.PASS, Why.UNKNOWN_PARCEL),
        (1, Place.UNOBSERVED, Why.AMBIGUOUS),
    ]
    assert not program.rows
    assert not program.run_empty

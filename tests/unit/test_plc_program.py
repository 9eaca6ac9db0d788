"""The simulated PLC's program, scan by scan, where docs/plc-interface.md asks something of it that no line shows."""

from __future__ import annotations

from simulator.config import PlantConfig
from simulator.plc.orders import Command
from simulator.plc.program import PlcProgram
from simulator.plc.signals import EdgeSignal, Inputs
from simulator.plc.table import Place, Why


def edge(eye: int, count: int) -> EdgeSignal:
    return EdgeSignal(eye, broken=True, count=count, ms=count)


def test_two_parcels_in_the_window_of_one_edge_are_lost_and_leave_the_table() -> None:
    program = PlcProgram(PlantConfig().plc_settings())
    program.orders.take(Command(1, 7, 1, 7, ()), program.rows, 4, 0, 0)
    program.scan(Inputs(ms=10, count=10_000, edges=(edge(0, 9_990), edge(0, 10_000))))
    assert list(program.rows) == [1, 2]
    program.scan(Inputs(ms=20, count=14_100, edges=(edge(4, 14_095),)))
    program.scan(Inputs(ms=30, count=14_200))
    assert not program.rows
    assert [(o.number, o.place, o.why) for o in program.rings.outcomes] == [
        (1, Place.LOST, Why.AMBIGUOUS),
        (2, Place.LOST, Why.AMBIGUOUS),
    ]

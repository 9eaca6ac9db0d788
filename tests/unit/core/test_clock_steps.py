"""After a step of the PLC's clock, a reading of before it still meets the place where it was taken."""

from __future__ import annotations

import pytest

from simulator.config import PlantConfig
from simulator.storm.setup import setup_of
from station.core.events import Arrived, BarcodeReading, Lane, Mode, PlcSample
from station.core.line import Line
from station.core.now import Now

MS = 1_000_000
NOW = Now(0, "")


def sample(at_ms: int, *, ahead_ms: int) -> PlcSample:
    """One of a belt at 2,500 counts a second, read within 2 ms, by a PLC whose clock is so much ahead."""
    count = at_ms * 5 // 2
    times = (at_ms - 1) * MS, (at_ms + 1) * MS, at_ms + ahead_ms
    state = {"mode": Mode.AUTOMATIC, "belt_running": True, "stop_cause": 0, "faults": 0, "diverter": Lane.INSPECT}
    return PlcSample(*times, count, 7, 5, **state, lane_full=False, scan_max_ms=20)


@pytest.mark.parametrize("step_ms", [-4000, -30, 30, 4000])
def test_a_reading_that_comes_after_the_step_holds_its_place(step_ms: int) -> None:
    line = Line(setup_of(PlantConfig()))
    for at_ms in range(1000, 3000, 20):
        line.handle(sample(at_ms, ahead_ms=10_000), NOW)
    line.handle(sample(3000, ahead_ms=10_000 + step_ms), NOW)
    taken_ms = 2960
    line.handle(BarcodeReading("scanner", "1", Arrived((taken_ms + 40) * MS, (taken_ms + 41) * MS)), NOW)
    for at_ms in range(3020, 3200, 20):
        line.handle(sample(at_ms, ahead_ms=10_000 + step_ms), NOW)
    (match,) = line.matcher.matched
    assert taken_ms * 5 // 2 in match.counts

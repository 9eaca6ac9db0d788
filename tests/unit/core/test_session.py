"""When the station opens a session anew: the PLC may have taken and ended one between two polls."""

from __future__ import annotations

from simulator.config import PlantConfig
from simulator.plc.program import PlcProgram
from simulator.storm.plc_port import constants_of
from simulator.storm.setup import setup_of
from station.core.actions import Action, OpenSession
from station.core.events import Direction, Edge, Event, Mode, PlcConnected, PlcSample, SessionChosen
from station.core.line import Line
from station.core.now import Now

CONSTANTS = constants_of(PlcProgram(PlantConfig().plc_settings()))
MS = 1_000_000


def handle(line: Line, event: Event, ms: int) -> list[Action]:
    return line.handle(event, Now(ms * MS, ""))


def sample(ms: int, session: int, *, epoch: int = 7, plc_ms: int | None = None) -> PlcSample:
    taken = ms if plc_ms is None else plc_ms
    state = (Mode.AUTOMATIC, True, 0, 0, None, False, 20)
    return PlcSample((ms - 5) * MS, (ms + 5) * MS, taken, 0, epoch, session, *state)


def offered(session: int) -> Line:
    """A line that is connected and has a session on offer."""
    line = Line(setup_of(PlantConfig()))
    handle(line, PlcConnected(7, 0, 1, 0, 0, (), resumed=False, constants=CONSTANTS), 0)
    handle(line, SessionChosen(session, None), 0)
    return line


def opens(line: Line, ms: int, session: int, **more: int) -> bool:
    return any(isinstance(action, OpenSession) for action in handle(line, sample(ms, session, **more), ms))


def test_an_offer_that_the_plc_does_not_take_within_three_seconds_is_made_anew() -> None:
    line = offered(5)
    assert not any(opens(line, ms, 0) for ms in range(100, 3_100, 50))
    assert opens(line, 3_150, 0)
    handle(line, SessionChosen(6, None), 3_150)
    assert not any(opens(line, ms, 0) for ms in range(3_200, 6_200, 50))
    assert opens(line, 6_250, 0)


def test_while_one_is_being_chosen_no_other_is_asked_for() -> None:
    line = offered(5)
    opens(line, 100, 0)
    assert opens(line, 3_200, 0)
    assert not opens(line, 9_000, 0)


def test_one_that_is_taken_in_time_stays() -> None:
    line = offered(5)
    opens(line, 100, 0)
    assert not any(opens(line, ms, 5) for ms in range(200, 9_000, 50))
    assert line.plc.live


def test_a_jump_of_the_plcs_clock_makes_no_offer_old() -> None:
    line = offered(5)
    opens(line, 100, 0)
    assert not opens(line, 150, 0, plc_ms=60_000)


def test_who_enters_while_the_plc_still_holds_the_old_session_is_inspected() -> None:
    """The connection began anew: the new session is chosen, and lies at the PLC only with the next scan."""
    line = offered(5)
    opens(line, 100, 5)
    assert line.plc.live
    handle(line, PlcConnected(7, 5, 1, 0, 600, (), resumed=False, constants=CONSTANTS), 600)
    opens(line, 600, 5)
    handle(line, SessionChosen(6, None), 600)
    handle(line, Edge(1, 0, Direction.BROKEN, 40, 620, 1, 0), 625)
    opens(line, 625, 5)
    handle(line, Edge(2, 0, Direction.FREED, 60, 640, 1, 0), 650)
    opens(line, 650, 6)
    handle(line, Edge(3, 0, Direction.BROKEN, 100, 660, 2, 0), 675)
    early, late = line.tracker.parcels
    assert (early.inspect_only, late.inspect_only) == (True, False)

"""A storm that fails is made small by itself."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import FAULTS, Switch
from simulator.scenario.files import parse, written
from simulator.scenario.virtual import storm_of
from simulator.storm.shrink import Shrinking, Small, shrunk
from simulator.storm.storm import Result, Storm
from simulator.storm.violation import Promise, Violation
from simulator.storm.weather import Episode, detectable, forecast

BROKEN = Violation(900_000.0, Promise.BOUNDED, "broken")


def episode(at_s: float, name: str = "lists-changed", seconds: float = 0.0) -> Episode:
    return Episode(at_s, seconds, Switch(FAULTS[name], "", 1.0))


def broken_by(*needed: float) -> Callable[[Small], Result]:
    """A storm that breaks its promise a second after the last of these, if all of them are among its episodes."""

    def run(small: Small) -> Result:
        result = Result(small.seed, small.seconds / 3600)
        if set(needed) <= {e.switch.size for e in small.episodes}:
            last = max(e.at_s for e in small.episodes if e.switch.size in needed)
            result.violations = [Violation(last * 1000 + 1000, Promise.BOUNDED, "broken")]
        return result

    return run


@given(st.integers(1, 24), st.data())
def test_what_is_left_is_just_what_breaks_it(number: int, data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3))
    episodes = [Episode(20.0 + 30 * n, 0.0, Switch(FAULTS["lists-changed"], "", float(n))) for n in range(number)]
    run = broken_by(*map(float, needed))
    whole = Small(7, 900.0, tuple(episodes), run(Small(7, 900.0, tuple(episodes), BROKEN)).violations[0])
    small = Shrinking(whole, None, run).shrink()
    assert {e.switch.size for e in small.episodes} == needed
    assert small.episodes[0].at_s <= 20.0
    assert small.seconds <= small.episodes[-1].at_s + 3


def test_a_real_storm_is_left_with_the_fault_that_broke_it_and_its_scenario_breaks_the_same() -> None:
    seed, seconds = 5, 120.0
    liar = Episode(40.0, 30.0, Switch.parse("answers-for-another:scale"))
    episodes = sorted([*forecast(seed, seconds, detectable()), liar], key=lambda e: e.at_s)
    violation = Storm(seed, seconds, episodes).run().violations[0]
    assert violation.promise is Promise.OWN_EVIDENCE
    small = shrunk(seed, seconds, episodes, violation)
    assert [e.switch.fault.name for e in small.episodes] == ["answers-for-another"]
    assert small.seconds < 40
    again = storm_of(parse(written(small.seed, small.seconds, small.episodes))).run()
    assert Promise.OWN_EVIDENCE in {v.promise for v in again.violations}

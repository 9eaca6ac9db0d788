"""A scenario written from a storm breaks the very same promises when it is run again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import FAULTS, Kind, Switch
from simulator.scenario.files import parse, written
from simulator.scenario.virtual import storm_of
from simulator.storm.storm import Storm, storm_plant
from simulator.storm.weather import Episode, forecast


@pytest.mark.parametrize("seed", [4, 8])
def test_the_same_promises_break(seed: int) -> None:
    faults = [f for f in FAULTS.values() if f.kind is Kind.UNDETECTABLE or f.group in {"daemon", "disk"}]
    episodes = forecast(seed, 120.0, faults)
    first = Storm(seed, 120.0, episodes).run()
    again = storm_of(parse(written(seed, 120.0, episodes))).run()
    assert first.violations
    assert again.violations == first.violations
    assert (again.events, again.parcels, again.struck) == (first.events, first.parcels, first.struck)


@st.composite
def drawn(draw: st.DrawFn) -> Episode:
    fault = FAULTS[draw(st.sampled_from(sorted(FAULTS)))]
    target = draw(st.sampled_from(fault.targets)) if fault.targets else ""
    seconds = 0.0 if fault.seconds is None else draw(st.floats(0, 60, exclude_min=True))
    return Episode(draw(st.floats(0, 60)), seconds, Switch(fault, target, draw(st.floats(*fault.size))))


@given(st.lists(drawn(), max_size=8), st.integers(0, 2**31 - 1), st.floats(60, 3600))
def test_every_number_comes_back_as_it_was(episodes: list[Episode], seed: int, seconds: float) -> None:
    scenario = parse(written(seed, seconds, episodes))
    assert scenario.episodes() == episodes
    assert (scenario.plant.seed, scenario.seconds) == (seed, seconds)
    assert scenario.config() == storm_plant(seed)

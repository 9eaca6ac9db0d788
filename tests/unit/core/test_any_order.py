"""Whatever is dropped, doubled, delayed or swapped on the way to the core, nothing passes without its own evidence."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.config import FeedConfig, PlantConfig
from station.core.events import (
    BarcodeReading,
    Detection,
    DeviceState,
    Event,
    Frame,
    Tick,
    WeightReading,
)
from station.core.parcel import TRANSITIONS, Parcel, State, Step, StepNotAllowedError
from tests.unit.core.test_whole_line import ZEROS
from tests.unit.core.virtual_line import VirtualLine

TOUCHED = (BarcodeReading, WeightReading, Frame, Detection)


class Mischief:
    """Drops, doubles and holds back events of devices, by a seed; `share` of them are touched."""

    def __init__(self, seed: int, share: float) -> None:
        self._random = Random(seed)
        self._share = share
        self._held: list[Event] = []

    def __call__(self, event: Event) -> list[Event]:
        if isinstance(event, Tick) and self._held and self._random.random() < 0.5:
            self._random.shuffle(self._held)
            held, self._held = self._held, []
            return [*held, event]
        if not isinstance(event, TOUCHED) or self._random.random() > self._share:
            return [event]
        what = self._random.choice(("drop", "double", "hold", "unplug"))
        if what == "drop":
            return []
        if what == "double":
            return [event, event]
        if what == "hold":
            self._held.append(event)
            return []
        device = getattr(event, "device", "scanner")
        return [DeviceState(device, connected=False), event, DeviceState(device, connected=True)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(1, 10_000), st.sampled_from([0.02, 0.2, 0.6]))
def test_mischief_costs_inspections_and_nothing_else(mischief: int, feed: int, share: float) -> None:
    config = PlantConfig(seed=feed, feed=FeedConfig(parcels_per_hour=9000, threat_share=0.4))
    line = VirtualLine(config, filters=[Mischief(mischief, share)])
    line.run(12)
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("step", list(Step))
def test_a_step_is_in_the_table_or_a_named_error(state: State, step: Step) -> None:
    parcel = Parcel(None, 0, {0: 0}, state=state)
    if (state, step) in TRANSITIONS:
        parcel.advance(step)
        assert parcel.state is TRANSITIONS[state, step]
    else:
        with pytest.raises(StepNotAllowedError, match=step.value):
            parcel.advance(step)

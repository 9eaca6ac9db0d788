"""Storms over the real core, journal and publisher: promises kept, the same events for the same seed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulator.faults import FAULTS, Switch
from simulator.plant.listed import feed_of
from simulator.storm.run import plan
from simulator.storm.setup import setup_of
from simulator.storm.storm import POLLS_MS, Result, Storm, storm_plant
from simulator.storm.violation import Promise
from simulator.storm.weather import Episode, detectable, forecast
from simulator.storm.world import World
from station.room import margins

SLICE_S = 150.0
EVENTS = """
from simulator.faults import Switch
from simulator.storm.storm import Storm
from simulator.storm.weather import Episode, detectable, forecast
disk = [Episode(at, 3.0, Switch.parse(f"disk-{fault}")) for at, fault in ((20.0, "full"), (30.0, "fsync"))]
result = Storm(3, 60.0, [*forecast(3, 60.0, detectable()), *disk]).run()
print(result.events, result.digest)
"""


def run(episodes: Sequence[Episode], seed: int = 1, seconds: float = 60.0) -> Result:
    return Storm(seed, seconds, episodes).run()


def episode(text: str, at_s: float = 20.0, seconds: float = 5.0) -> Episode:
    return Episode(at_s, seconds, Switch.parse(text))


def test_fair_weather_passes_all_that_is_clean() -> None:
    result = run([])
    assert result.violations == []
    assert result.calm_clean > 20
    assert result.calm_passed == result.calm_clean


@pytest.mark.parametrize("poll_ms", POLLS_MS)
def test_the_line_is_proved_with_each_poll_that_a_seed_may_have(poll_ms: float) -> None:
    plant = storm_plant(1)
    setup = setup_of(plant, poll_ms=poll_ms)
    proved = margins(setup, poll_ms=poll_ms, scan_ms=plant.plc.scan_ms[1], lies_ms={})
    assert len(proved) > 5
    assert [margin.what for margin in proved if not margin.fits] == []


@pytest.mark.parametrize("seed", [2, 3, 4, 6])
def test_a_storm_breaks_no_promise(seed: int) -> None:
    result = run(forecast(seed, SLICE_S, detectable()), seed, SLICE_S)
    assert result.violations == []
    assert result.released > 50
    assert sum(result.struck.values()) > 3


@pytest.mark.parametrize("name", [n for n, f in FAULTS.items() if f in detectable() and n != "daemon-killed"])
def test_each_fault_alone_lets_nothing_pass(name: str) -> None:
    fault = FAULTS[name]
    target = f":{fault.targets[0]}" if fault.targets else ""
    episodes = [episode(f"{name}{target}", seconds=0.0 if fault.seconds is None else 4.0)]
    result = run(episodes, seconds=36.0)
    assert [v for v in result.violations if v.promise in {Promise.OWN_EVIDENCE, Promise.DISK_FIRST}] == []
    assert result.struck == {name: 1}


def test_a_scanner_that_answers_for_another_is_seen_by_the_checker() -> None:
    result = run([episode("answers-for-another:scanner", seconds=20.0)])
    assert {v.promise for v in result.violations} == {Promise.OWN_EVIDENCE}


def test_the_same_events_whatever_the_hash_seed() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", EVENTS], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert int(said[0].split()[0]) > 500


def test_hours_are_seeds() -> None:
    assert plan(7, 2.5) == [(7, 3600.0), (8, 3600.0), (9, 1800.0)]


def test_all_that_comes_in_a_long_storm_is_declared(tmp_path: Path) -> None:
    """Behind two hours the station was told of no weight, and a day's storm blamed it."""
    config, hours = storm_plant(1), 3
    feed = feed_of(config)
    items = [feed.next()[0] for _ in range(hours * config.feed.parcels_per_hour)]
    declared = {item.barcode: item.declared_g for item in items if item.barcode and item.declared_g is not None}
    told = dict(World(config, tmp_path, lasts_s=hours * 3600.0).room.lists.declared_g)
    assert len(declared) > 1000
    assert {code: told.get(code) for code in declared} == declared

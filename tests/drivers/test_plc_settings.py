"""Settings of the PLC that change while the station runs are seen, and what was ordered under the old ones is void."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.plc.signals import PlcSettings
from station.core.events import PlcConnected, PlcSample
from tests.drivers.plc_in_memory import LAYOUT, Polled, ProgramInMemory

SETTINGS = LAYOUT.address("settings")
CHANGED = "the PLC's settings have changed: tolerance_mm was 10.0, is 60.0, switch_mm was "


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> Polled:
    rig = Polled(ProgramInMemory(monkeypatch))
    rig.live()
    return rig


def other(settings: PlcSettings) -> PlcSettings:
    return replace(settings, tolerance_mm=60, switch_mm=100)


def connected(polled: Polled) -> list[tuple[bool, float]]:
    """Of each connection whether it went on, and which tolerance it told."""
    return [(c.resumed, c.constants.tolerance_mm) for c in polled.of(PlcConnected) if isinstance(c, PlcConnected)]


def test_settings_that_change_are_seen_within_seconds(polled: Polled) -> None:
    polled.program.image.settings(other(polled.program.settings))
    polled.poll(510)
    assert [failure.startswith(CHANGED) for failure in polled.failures] == [True]
    assert connected(polled) == [(False, 10.0), (False, 60.0)]
    polled.poll(1020)
    assert len(polled.failures) == 1, "a change is told once"


def test_settings_are_looked_at_as_a_session_begins(polled: Polled) -> None:
    polled.program.image.settings(other(polled.program.settings))
    polled.plc.open_session(6, None)
    polled.poll(100)
    assert len(polled.failures) == 1
    assert connected(polled)[-1] == (False, 60.0)


def test_settings_of_a_program_that_was_restarted_are_its_own(polled: Polled) -> None:
    polled.program.settings = other(polled.program.settings)
    polled.program.begin()
    polled.program.program.scans = 1000
    polled.poll(3)
    assert not polled.failures
    assert connected(polled) == [(False, 10.0), (False, 60.0)]


def test_a_connection_does_not_go_on_where_the_settings_are_others(polled: Polled) -> None:
    for settings in (polled.program.settings, other(polled.program.settings)):
        polled.plc._connected = False
        polled.program.image.settings(settings)
        polled.poll(2)
    assert connected(polled) == [(False, 10.0), (True, 10.0), (False, 60.0)]


def test_settings_that_stay_are_read_seldom_and_change_nothing(polled: Polled) -> None:
    polled.program.asked.clear()
    polled.poll(2000)
    assert polled.program.asked.count(SETTINGS) == 4
    assert len(polled.of(PlcSample)) > 2000

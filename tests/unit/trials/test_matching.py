"""Matching against the truth, and what the geometry check says of lines on which it cannot work."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

from simulator.trials.matching import line_setup, main, try_matching
from simulator.trials.traffic import TrueParcel, by_interrupt, by_scan
from station.check import Finding, check
from station.config import load_config
from station.plugins import installed_drivers
from station.resources import examples

PARCELS = 1500


def test_latched_within_a_millisecond_no_reading_goes_wrong_and_one_in_a_hundred_is_ambiguous_at_most() -> None:
    result = try_matching(PARCELS, by_interrupt(1.0), seed=20)
    assert (result.wrong, result.unmatched, result.unexplained, result.doubted) == (0, 0, 0, 0)
    assert result.ambiguous_share <= 0.01
    assert result.readings >= 2 * PARCELS


def test_latched_by_a_scan_of_20_ms_no_reading_goes_wrong() -> None:
    result = try_matching(PARCELS, by_scan(20.0), seed=21)
    assert (result.wrong, result.unmatched) == (0, 0)
    assert result.right + result.ambiguous == result.readings


def test_the_trial_sees_wrong_matches_when_the_station_is_told_a_wrong_latency() -> None:
    setup = line_setup(1.0)
    faster = tuple(replace(device, latency_ms=(180.0, 220.0)) for device in setup.devices)
    assert try_matching(300, by_interrupt(1.0), seed=22, stated=replace(setup, devices=faster)).wrong > 0


def test_slip_is_the_share_by_which_a_parcel_leads_the_belt() -> None:
    parcel = TrueParcel(1, entry=100.0, length_mm=300.0, eyes_mm=(0.0, 1000.0), slips=(0.25, -0.5))
    assert parcel.count_at(0.0) == 100.0
    assert parcel.count_at(500.0) == 500.0
    assert parcel.count_at(1000.0) == 900.0
    assert parcel.count_at(1100.0) == 1100.0


def test_the_command_tells_the_result_and_writes_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main(["--parcels", "50", "--seed", "3", "--report", str(report)]) == 0
    said = json.loads(report.read_text())
    assert (said["parcels"], said["wrong"], said["seed"]) == (50, 0, 3)
    assert said["right"] + said["ambiguous"] + said["unmatched"] == said["readings"]
    assert f"{said['readings']} readings" in capsys.readouterr().out


def room(latch_ms: float) -> dict[str, Finding]:
    """What `station check` finds of the demo's line, its eyes latched within that."""
    drivers = installed_drivers()
    config = load_config(examples() / "demo.yaml", drivers, [f"line.latch_ms={latch_ms}"])
    found = takewhile(lambda finding: finding.subject.startswith("room: "), check(config, drivers))
    return {finding.subject: finding for finding in found}


def test_check_refuses_a_line_whose_neighbours_a_20_ms_scan_cannot_tell_apart() -> None:
    subject = "room: scanner: neighbours told apart"
    assert room(1.0)[subject].right
    refused = room(20.0)[subject]
    assert not refused.right
    assert refused.text.startswith("-")
    assert "ask for larger gaps" in refused.text

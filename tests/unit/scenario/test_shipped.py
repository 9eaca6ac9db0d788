"""Each scenario that ships: met on virtual time, and a wrong expectation of it is not met."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from simulator.scenario.account import Account
from simulator.scenario.files import load, shipped
from simulator.scenario.judge import judge
from simulator.scenario.model import (
    ALARMS,
    AlarmExpected,
    CleanPassedExpected,
    CountExpected,
    Expected,
    InspectedExpected,
    ParcelExpected,
    Scenario,
)
from simulator.scenario.site import refusal
from simulator.scenario.tale import tale
from simulator.scenario.virtual import Watch

ROOT = Path(__file__).parents[3]
SHIPPED = shipped()
NEVER_S = 35_000.0


@cache
def ran(name: str) -> tuple[Scenario, Account]:
    scenario = load(SHIPPED[name])
    return scenario, Watch().run(scenario)


def turned(expect: Expected) -> Iterator[Expected]:
    """Each expectation alone, turned into one that must not be met."""
    for parcel in expect.parcels:
        lane = "inspect" if parcel.lane == "pass" else "pass"
        yield Expected(parcels=(ParcelExpected(parcel=parcel.parcel, lane=lane),))
        if parcel.lane == "pass":
            yield Expected(parcels=(ParcelExpected(parcel=parcel.parcel, lane="pass", reasons=("finding",)),))
    for passed in expect.clean_passed:
        low, high = passed.at_least - 0.01, passed.at_most + 0.01
        shares = {"at_most": low} if passed.at_least else {"at_least": high}
        yield Expected(clean_passed=(CleanPassedExpected(from_s=passed.from_s, to_s=passed.to_s, **shares),))
        yield Expected(clean_passed=(CleanPassedExpected(from_s=NEVER_S),))
    for inspected in expect.inspected:
        yield Expected(inspected=(inspected.model_copy(update={"at_least": 1000, "at_most": None}),))
        yield Expected(inspected=(InspectedExpected(from_s=NEVER_S),))
    for alarm in expect.alarms:
        yield Expected(alarms=(alarm.model_copy(update={"from_s": NEVER_S}),))
        yield Expected(alarms=(alarm.model_copy(update={"subject": "another"}),))
        yield Expected(no_alarms=(alarm.alarm,))
        if alarm.cleared is not None:
            yield Expected(alarms=(alarm.model_copy(update={"cleared": not alarm.cleared}),))
    for name in expect.no_alarms:
        yield Expected(alarms=(AlarmExpected(alarm=name),))
    for count in ("belt_stops", "sessions"):
        if getattr(expect, count) is not None:
            yield Expected(**{count: CountExpected(at_least=1000)})
            yield Expected(**{count: CountExpected(at_least=77, at_most=77)})


@pytest.mark.parametrize("name", SHIPPED)
def test_its_expectations_are_met(name: str) -> None:
    began = time.process_time()
    scenario, account = ran(name)
    assert [verdict for verdict in judge(scenario, account) if verdict.wrong] == []
    assert len(judge(scenario, account)) >= 4
    assert time.process_time() - began < 3


@pytest.mark.parametrize("name", SHIPPED)
def test_a_wrong_expectation_is_not_met(name: str) -> None:
    scenario, account = ran(name)
    wrong = list(turned(scenario.expect))
    assert len(wrong) >= 4
    for expect in wrong:
        promises, *verdicts = judge(scenario.model_copy(update={"expect": expect}), account)
        assert promises.wrong == ""
        assert [verdict.expected for verdict in verdicts if not verdict.wrong] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_its_tale_names_what_happened(name: str) -> None:
    scenario, account = ran(name)
    told = "\n".join(tale(scenario, account))
    for parcel in scenario.listed() or ():
        assert f"parcel {parcel.name} " in told
    for fault in scenario.faults:
        assert f"fault {fault.fault.partition('=')[0]}" in told
    assert "{" not in told


def test_twelve_ship_and_among_them_those_that_must() -> None:
    assert len(SHIPPED) >= 12
    assert {"plc-restart", "broker-outage", "slipping-encoder", "touching-parcels", "dying-scale"} <= set(SHIPPED)


def test_each_teaches_something_of_its_own() -> None:
    lessons = [load(path).teaches for path in SHIPPED.values()]
    assert len(set(lessons)) == len(lessons)
    assert all(lesson.endswith(".") and len(lesson) < 130 for lesson in lessons)


def test_all_but_those_of_the_disk_run_on_real_wires() -> None:
    assert [name for name in SHIPPED if refusal(load(SHIPPED[name]))] == ["disk-full"]


def test_the_alarms_are_those_of_the_handbook() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {name.partition("/")[0] for name in re.findall(r"^### Alarm `([a-z/-]+)`$", text, re.MULTILINE)} == set(
        ALARMS
    )

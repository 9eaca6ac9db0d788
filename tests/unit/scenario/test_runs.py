"""Scenarios that are made up: drawn parcels, another speed, commands, faults of any kind at any time."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.faults import FAULTS, Kind
from simulator.scenario.files import parse
from simulator.scenario.judge import judge
from simulator.scenario.virtual import Watch

PLACES = [
    f"{fault.name}{f':{target}' if target else ''}"
    for fault in FAULTS.values()
    for target in fault.targets or ("",)
    if fault.kind is not Kind.UNDETECTABLE
]


def wrong(text: str) -> list[str]:
    scenario = parse(text)
    return [
        f"{verdict.expected}: {verdict.wrong}" for verdict in judge(scenario, Watch().run(scenario)) if verdict.wrong
    ]


def test_drawn_parcels_at_another_speed_and_rate() -> None:
    plant = "{seed: 7, speed_mm_s: 1250, parcels_per_hour: 1800, threat_share: 0.5, unreadable_share: 0.2}"
    expect = "{clean_passed: [{at_least: 1}], inspected: [{reason: finding, at_least: 5}, {reason: no-barcode}]}"
    assert wrong(f"{{teaches: a, seconds: 60, plant: {plant}, expect: {expect}}}") == []


def test_the_feed_is_switched_off_and_on() -> None:
    commands = "[{at_s: 10, do: feed off}, {at_s: 20, do: feed on}, {at_s: 21, do: ack}]"
    expect = (
        "{inspected: [{from_s: 10.5, to_s: 19.9, at_least: 0, at_most: 0}], clean_passed: [{from_s: 20, at_least: 1}]}"
    )
    assert wrong(f"{{teaches: a, seconds: 30, commands: {commands}, expect: {expect}}}") == []
    assert len(wrong("{teaches: a, seconds: 30, expect: {clean_passed: [{from_s: 11, to_s: 19}]}}")) == 0
    nobody = "{clean_passed: [{from_s: 11, to_s: 19}]}"
    assert wrong(f"{{teaches: a, seconds: 30, commands: {commands}, expect: {nobody}}}") == [
        "any share of the clean parcels between 11 and 19 s pass: no clean parcel came"
    ]


def test_a_promise_that_breaks_is_an_expectation_not_met() -> None:
    [told] = wrong("{teaches: a, seconds: 40, faults: [{at_s: 10, fault: 'answers-for-another:scanner'}]}")
    assert told.startswith("every promise is kept: ")
    assert "and " in told


@st.composite
def parcels(draw: st.DrawFn) -> Sequence[str]:
    found = ["{at_s: 4, times: 3, every_s: 1.3}"]
    for n in range(draw(st.integers(0, 6))):
        way = draw(st.sampled_from(["touching: true", "gap_mm: 30", "gap_mm: 900", f"at_s: {9 + n}", "times: 2"]))
        length = draw(st.integers(150, 600))
        what = draw(
            st.sampled_from(["", ", hazards: [gun]", ", unreadable: true", ", held: true", ", declared_g: 3000"])
        )
        found.append(f"{{{way}, length_mm: {length}{what}}}")
    return found


@st.composite
def faults(draw: st.DrawFn) -> str:
    at_s = draw(st.integers(2, 16))
    return f"{{at_s: {at_s}, fault: '{draw(st.sampled_from(PLACES))}'}}"


@settings(max_examples=20, deadline=None)
@given(parcels(), st.lists(faults(), max_size=3))
def test_whatever_comes_and_fails_nothing_unclean_passes(listed: Sequence[str], failing: Sequence[str]) -> None:
    text = f"{{teaches: a, seconds: 20, parcels: [{', '.join(listed)}], faults: [{', '.join(failing)}]}}"
    assert [told for told in wrong(text) if "no pass without" in told or "on disk before" in told] == []


def test_the_end_of_a_fault_takes_no_other_one_of_its_kind_away() -> None:
    faults = "[{at_s: 6, fault: no-read=1, for_s: 20}, {at_s: 8, fault: no-read=1, for_s: 2}]"
    parcels = "[{at_s: 5, times: 15, every_s: 1.5}]"
    expect = "{inspected: [{from_s: 11, to_s: 24, reason: no-barcode, at_least: 8}]}"
    assert wrong(f"{{teaches: a, seconds: 40, parcels: {parcels}, faults: {faults}, expect: {expect}}}") == []


def test_an_alarm_that_comes_again_is_not_over() -> None:
    silent = "{at_s: 6, fault: 'device-silent:scanner', for_s: 9}, {at_s: 22, fault: 'device-silent:scanner'}"
    told = {}
    for cleared in ("true", "false"):
        expect = f"{{alarms: [{{alarm: no-evidence, subject: scanner, cleared: {cleared}}}]}}"
        parcels = "[{at_s: 3.5}, {at_s: 5, times: 24, every_s: 1.4}]"
        told[cleared] = wrong(f"{{teaches: a, seconds: 40, parcels: {parcels}, faults: [{silent}], expect: {expect}}}")
    over = "alarm no-evidence of scanner is raised at any time and over at the end: it stood at the end"
    assert told == {"true": [over], "false": []}

"""Scenario files: what is wrong is told with file, line and key; nothing else is ever raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulator.scenario.files import ScenarioError, found, load, parse, shipped
from simulator.scenario.model import Scenario

GOOD = """\
teaches: something
seconds: 20
parcels:
  - {name: one, at_s: 5}
  - {name: two, gap_mm: 900}
faults:
  - {at_s: 8, fault: "reading-lost:scale=0.5", for_s: 4}
commands:
  - {at_s: 12, do: feed off}
expect:
  parcels:
    - {parcel: one, lane: pass}
"""
WRONG = [
    ("name: one", "nam: one", "s.yaml:4: parcels.0.nam: there is no such key; did you mean 'name'?"),
    ("seconds: 20", "", "s.yaml:1: seconds: is missing"),
    ("seconds: 20", "seconds: soon", "s.yaml:2: seconds: Input should be a valid number"),
    ("seconds: 20", "seconds: .inf", "s.yaml:2: seconds: Input should be a finite number"),
    ("seconds: 20", "seconds: 6", "s.yaml:7: faults.0.at_s: the scenario ends at 6 s"),
    ("seconds: 20", "seconds: 20\nseconds: 21", "s.yaml:3: seconds: stands here a second time"),
    ("at_s: 5", "at_s: 1", "s.yaml:4: parcels.0.at_s: the belt first runs empty: the first parcel can come at 3.0 s"),
    ("at_s: 5", "gap_mm: 5", "s.yaml:4: parcels.0: the first parcel needs at_s"),
    ("gap_mm: 900", "gap_mm: 900, at_s: 8", "s.yaml:5: parcels.1: say one of at_s, gap_mm and touching"),
    ("gap_mm: 900", "every_s: 2", "s.yaml:5: parcels.1.every_s: goes with at_s and with times of 2 and more"),
    ("name: two", "name: one", "s.yaml:5: parcels.1.name: there is a parcel 'one' already"),
    ("gap_mm: 900", "at_s: 4", "s.yaml:5: parcels.1.at_s: behind the parcel that is listed ahead of it, it can come"),
    ("gap_mm: 900", "at_s: 5", "listed ahead of it, it can come at 5.34 s; list them as they come, or leave at_s out"),
    ("at_s: 5", "at_s: 5, times: 3, every_s: 0.3", "parcels.0.every_s: they can follow each other every 0.34 s"),
    ("name: two", "name: one 2}\n  - {name: one, times: 2",
     "s.yaml:6: parcels.2.name: there is a parcel 'one 2' already"),
    ("name: one", 'name: "2"}\n  - {length_mm: 300',
     "s.yaml:5: parcels.1.name: there is a parcel '2' already; give this"),
    ("gap_mm: 900", 'barcode: "123"', "s.yaml:5: parcels.1.barcode: must be an SSCC, 18 digits"),
    ("gap_mm: 900", 'barcode: "340123450000000018"', "s.yaml:5: parcels.1.barcode: the check digit must be 7, not 8"),
    ("gap_mm: 900", "hazards: [rabbit]", "s.yaml:5: parcels.1.hazards.0: Input should be 'gun', 'knife'"),
    ("reading-lost:scale", "reading-lots:scale", "s.yaml:7: faults.0.fault: no fault 'reading-lots'; there are: "),
    ("reading-lost:scale", "reading-lost:plc", "s.yaml:7: faults.0.fault: reading-lost befalls scanner or scale"),
    ("=0.5", "=much", "s.yaml:7: faults.0.fault: reading-lost: 'much' is no number (share)"),
    ("=0.5", "=1.5", "s.yaml:7: faults.0.fault: reading-lost has a size of 0.2 to 1 share"),
    ("=0.5", "=-0.5", "s.yaml:7: faults.0.fault: reading-lost has a size of 0.2 to 1 share"),
    ("=0.5", "=nan", "s.yaml:7: faults.0.fault: reading-lost has a size of 0.2 to 1 share"),
    ("reading-lost:scale=0.5", "device-babbling:scale=0", "device-babbling has a size of 10 to 3000 times, not 0"),
    ("reading-lost:scale=0.5", "parcel-added=0.3", "fault: parcel-added has a size of 1 to 4 parcels, not 0.3"),
    ('"reading-lost:scale=0.5"', "plc-restart", "s.yaml:7: faults.0.for_s: plc-restart happens once"),
    ("do: feed off", "do: dance", "s.yaml:9: commands.0.do: Input should be 'feed on', 'feed off' or 'ack'"),
    ("parcel: one", "parcel: ne", "s.yaml:12: expect.parcels.0.parcel: no parcel is called 'ne'; did you mean 'one'?"),
    ("lane: pass", "lane: inspect, reasons: [hold]",
     "s.yaml:12: expect.parcels.0.reasons.0: 'hold' is no reason of docs/mqtt.md; did you mean 'held'?"),
    ("expect:", "expect:\n  inspected: [{at_least: 3, at_most: 1}]",
     "s.yaml:11: expect.inspected.0: at_least is 3, above at_most (1): that is never met"),
    ("expect:", "expect:\n  inspected: [{at_most: 0}]",
     "s.yaml:11: expect.inspected.0: at_least is 1 if it is not given, above at_most (0): that is never met"),
    ("expect:", "expect:\n  belt_stops: {at_least: 3, at_most: 1}", "s.yaml:11: expect.belt_stops: at_least is 3"),
    ("expect:", "expect:\n  clean_passed: [{from_s: 9, to_s: 8}]", "s.yaml:11: expect.clean_passed.0: from_s is 9"),
    ("for_s: 4", "for_s: 0", "s.yaml:7: faults.0.for_s: Input should be greater than 0"),
    ("expect:", "expect:\n  inspected: [{at_least: 0}]", "s.yaml:11: expect.inspected.0: is met whatever happens"),
    ("expect:", "expect:\n  belt_stops: {}", "s.yaml:11: expect.belt_stops: is met whatever happens"),
    ("expect:", "expect:\n  inspected: [{from_s: 100}]",
     "s.yaml:11: expect.inspected.0.from_s: the scenario ends at 20 s"),
    ("expect:", "expect:\n  clean_passed: [{from_s: 20}]",
     "s.yaml:11: expect.clean_passed.0.from_s: the scenario ends at 20 s"),
    ("expect:", "expect:\n  alarms: [{alarm: lists, from_s: 20}]",
     "s.yaml:11: expect.alarms.0.from_s: the scenario ends at 20 s"),
    ("expect:\n  parcels:", "expect:\n  parcel:", "s.yaml:11: expect.parcel: there is no such key; did you mean 'pa"),
]  # fmt: skip
KEYS = sorted(
    {"teaches", "seconds", "plant", "parcels", "faults", "commands", "expect", "at_s", "fault", "for_s", "do", "times"}
    | {
        "every_s",
        "name",
        "barcode",
        "lane",
        "parcel",
        "reasons",
        "alarms",
        "alarm",
        "clean_passed",
        "seed",
        "inspected",
    }
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(KEYS),
    st.sampled_from(["plc-restart", "no-read=0.5", "eye-blind:9", "pass", "feed off", "a", 5, 20, 30.0]),
    st.dates(), st.binary(max_size=4),
)  # fmt: skip
TREES = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4) | st.integers(), inner, max_size=6)
    ),
    max_leaves=20,
)
DOCUMENTS = st.fixed_dictionaries(
    {"teaches": st.just("a") | VALUES, "seconds": st.just(60) | VALUES},
    optional=dict.fromkeys(("plant", "parcels", "faults", "commands", "expect", "bogus"), TREES),
)


def usable_or_told(text: str) -> None:
    """A scenario that can be run, or the one error that says why not, in words that any file can hold."""
    said = ""
    try:
        scenario = parse(text, "s.yaml")
    except ScenarioError as error:
        said = str(error)
    if said:
        assert said.encode().startswith(b"s.yaml:")
        return
    scenario.config().plc_settings()
    scenario.episodes()
    assert scenario.listed() is None or all(parcel.name for parcel in scenario.listed() or ())


def test_the_good_one_is_read() -> None:
    scenario = parse(GOOD)
    assert [parcel.name for parcel in scenario.listed() or ()] == ["one", "two"]
    assert str(scenario.episodes()[0].switch) == "reading-lost:scale=0.5"


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG, ids=[told for _, _, told in WRONG])
def test_what_is_wrong_is_told_with_its_place(right: str, wrong: str, told: str) -> None:
    assert right in GOOD
    with pytest.raises(ScenarioError) as caught:
        parse(GOOD.replace(right, wrong, 1), "s.yaml")
    assert told in str(caught.value)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(GOOD.replace("at_s: 5", "at_s: 1").replace("=0.5", "=99").replace("parcel: one", "parcel: x"), "s.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file, and no scenario of that name"):
        found("nothing")
    with pytest.raises(ScenarioError, match="did you mean 'plc-restart'"):
        found("plc-restrat")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "binary.yaml", tmp_path):
        with pytest.raises(ScenarioError, match="cannot be read"):
            load(path)
    assert found("labels") == shipped()["labels"]


def test_alike_parcels_have_numbered_names_and_times() -> None:
    scenario = parse("{teaches: a, seconds: 30, parcels: [{name: b, at_s: 5, times: 3, every_s: 2}, {gap_mm: 400}]}")
    listed = scenario.listed() or ()
    assert [(parcel.name, parcel.at_s) for parcel in listed] == [("b 1", 5), ("b 2", 7), ("b 3", 9), ("4", None)]


@pytest.mark.parametrize("second", ["{at_s: 5.34}", "{gap_mm: 20}", "{touching: true}", "{times: 3}"])
def test_parcels_as_close_as_they_can_come_are_taken(second: str) -> None:
    scenario = parse(f"{{teaches: a, seconds: 30, parcels: [{{at_s: 5}}, {second}, {{at_s: 7}}]}}")
    assert [parcel.at_s for parcel in scenario.listed() or ()][-1] == 7


def test_a_lasting_fault_without_an_end_stays_to_the_end() -> None:
    scenario = parse("{teaches: a, seconds: 30, faults: [{at_s: 10, fault: no-read}, {at_s: 5, fault: plc-restart}]}")
    assert [episode.seconds for episode in scenario.episodes()] == [20, 0]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_any_tree_is_usable_or_told(tree: dict[Any, Any]) -> None:
    usable_or_told(yaml.safe_dump(tree, allow_unicode=True))


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
    | st.text(alphabet="a:-[]{}&*!|>'\"#% \n<0.,?x", max_size=40)
)
@example("!!bool x")
@example("!!timestamp x")
@example('!!int ""')
@example("a: 2026-99-99")
@example("&a [*a]")
@example("&a {<<: *a}")
@example('"\\uD800": 1')
@example("? [1]\n: 2")
@example("1: 2")
def test_any_text_is_usable_or_told(text: str) -> None:
    usable_or_told(text)


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "a: " + "9" * 5000])
def test_a_monster_is_told_as_well(text: str) -> None:
    usable_or_told(text)


@settings(deadline=None)
@given(st.sampled_from(sorted(shipped())), st.data())
def test_any_damage_to_a_good_one_is_usable_or_told(name: str, data: st.DataObject) -> None:
    text = shipped()[name].read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 12))
    put = data.draw(st.sampled_from(["", " ", "\n", ":", "-", "{", "]", "9", "-1", "x", "\x00", "é", "1e999", "~"]))
    usable_or_told(text[:at] + put + text[at + gone :])


def test_the_model_is_closed_and_frozen() -> None:
    scenario = parse(GOOD)
    with pytest.raises(ValueError, match="frozen"):
        scenario.seconds = 3  # type: ignore[misc]
    assert Scenario.model_config["extra"] == "forbid"

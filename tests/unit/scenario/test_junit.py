"""JUnit XML as Jenkins and GitLab read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario.judge import Verdict
from simulator.scenario.junit import Outcome, junit, write

MET = Outcome("met", "a lesson", (Verdict("a"), Verdict("b")), 2.0)
NOT_MET = Outcome("not-met", "a lesson", (Verdict("a"), Verdict("b", "it was <not> & never")), 1.0)
SKIPPED = Outcome("skipped", "a lesson", (), 0.0, "no wires for that")
COUNTS = ("tests", "failures", "errors", "skipped", "time")


def test_counts_and_times_add_up() -> None:
    root = junit([MET, NOT_MET, SKIPPED]).getroot()
    assert root.tag == "testsuites"
    assert [root.get(name) for name in COUNTS] == ["5", "1", "0", "1", "3.000"]
    suites = [[suite.get(name) for name in COUNTS] for suite in root]
    assert suites == [["2", "0", "0", "0", "2.000"], ["2", "1", "0", "0", "1.000"], ["1", "0", "0", "1", "0.000"]]
    assert [case.get("time") for case in root[0]] == ["1.000", "1.000"]


def test_what_failed_and_what_was_skipped_say_why(tmp_path: Path) -> None:
    write(tmp_path / "out.xml", [NOT_MET, SKIPPED])
    root = ET.parse(tmp_path / "out.xml").getroot()
    [failure] = root.iter("failure")
    assert failure.get("message") == "it was <not> & never"
    assert "expected: b" in (failure.text or "")
    [skipped] = root.iter("skipped")
    assert skipped.get("message") == "no wires for that"
    assert {case.get("classname") for case in root.iter("testcase")} == {"scenario.not-met", "scenario.skipped"}


@given(st.text(), st.text())
def test_any_text_gives_a_document_that_can_be_read(name: str, wrong: str) -> None:
    written = ET.tostring(junit([Outcome(name, name, (Verdict(name, wrong),), 1.0)]).getroot())
    assert ET.fromstring(written).get("failures") == str(int(bool(wrong)))


def test_an_outcome_is_met_only_if_each_verdict_is() -> None:
    assert (MET.met, NOT_MET.met, SKIPPED.met) == (True, False, True)

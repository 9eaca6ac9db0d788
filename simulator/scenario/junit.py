"""Outcomes of scenarios as JUnit XML, as Jenkins and GitLab read it: a suite a scenario, a test case an expectation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from simulator.scenario.judge import Verdict

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scenario: its verdicts, or why it was not run; `seconds` is the wall time that it took."""

    name: str
    teaches: str
    verdicts: tuple[Verdict, ...]
    seconds: float
    skipped: str = ""

    @property
    def met(self) -> bool:
        """True unless an expectation was not met."""
        return not any(verdict.wrong for verdict in self.verdicts)


def junit(outcomes: Sequence[Outcome]) -> ET.ElementTree:
    """The document."""
    root = ET.Element("testsuites", name="scenarios")
    for outcome in outcomes:
        _suite(root, outcome)
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("time", f"{sum(outcome.seconds for outcome in outcomes):.3f}")
    ET.indent(root)
    return ET.ElementTree(root)


def write(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the document to a file; raises OSError."""
    junit(outcomes).write(path, encoding="utf-8", xml_declaration=True)


def _suite(root: ET.Element, outcome: Outcome) -> None:
    verdicts = outcome.verdicts or (Verdict(outcome.teaches),)
    suite = ET.SubElement(root, "testsuite", name=_text(outcome.name), tests=str(len(verdicts)))
    suite.set("failures", str(sum(bool(verdict.wrong) for verdict in verdicts)))
    suite.set("errors", "0")
    suite.set("skipped", str(len(verdicts) if outcome.skipped else 0))
    suite.set("time", f"{outcome.seconds:.3f}")
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", classname=f"scenario.{_text(outcome.name)}")
        case.set("name", _text(verdict.expected))
        case.set("time", f"{outcome.seconds / len(verdicts):.3f}")
        if outcome.skipped:
            ET.SubElement(case, "skipped", message=_text(outcome.skipped))
        elif verdict.wrong:
            failure = ET.SubElement(case, "failure", message=_text(verdict.wrong), type="expectation")
            failure.text = _text(f"expected: {verdict.expected}\nbut: {verdict.wrong}")


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_XML.sub("?", text)

"""`simulator scenario` and `simulator storm --scenario`, as a person calls them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.scenario.files import load, shipped, written
from simulator.storm.weather import Episode, Switch

QUICK = """\
teaches: a knife is inspected
seconds: 9
parcels: [{name: opening, at_s: 3.5}, {name: knife, at_s: 5, hazards: [knife]}]
expect:
  parcels: [{parcel: knife, lane: LANE}]
"""


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


def call(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_list_tells_what_each_teaches() -> None:
    code, said = call("scenario", "list")
    assert code == 0
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert set(lines) == set(shipped())
    assert all(load(path).teaches in lines[name] for name, path in shipped().items())


def test_met_not_met_and_unusable(tmp_path: Path) -> None:
    right, wrong, bad = tmp_path / "right.yaml", tmp_path / "wrong.yaml", tmp_path / "bad.yaml"
    right.write_text(QUICK.replace("LANE", "inspect"))
    wrong.write_text(QUICK.replace("LANE", "pass"))
    bad.write_text(QUICK.replace("LANE", "left"))
    assert call("scenario", "run", right)[0] == 0
    code, said = call("scenario", "run", right, wrong, "--junit", tmp_path / "out.xml")
    assert code == 1
    assert "right: met" in said
    assert "expected: parcel knife passes; but it left by inspect (finding)" in said
    root = ET.parse(tmp_path / "out.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("4", "1")
    code, said = call("scenario", "run", right, bad)
    assert code == 2
    assert f"{bad}:5: expect.parcels.0.lane: Input should be 'pass', 'inspect' or 'none'" in said
    assert call("scenario", "run", right, "--junit", tmp_path / "no" / "out.xml")[0] == 2


def test_explain_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "right.yaml"
    path.write_text(QUICK.replace("LANE", "inspect"))
    _, said = call("scenario", "run", path, "--explain")
    assert "parcel knife: inspect (the detector found a hazard: knife" in said


def test_what_real_wires_cannot_have_is_skipped(tmp_path: Path) -> None:
    code, said = call("scenario", "run", "disk-full", "--wires", "--junit", tmp_path / "out.xml")
    assert code == 0
    assert "disk-full: real wires cannot have that; run it on virtual time, without --wires" in said
    assert ET.parse(tmp_path / "out.xml").getroot().get("skipped") == "1"


def test_a_storm_of_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "found.yaml"
    path.write_text(written(5, 60.0, [Episode(20.0, 20.0, Switch.parse("answers-for-another:scanner"))]))
    code, said = call("storm", "--scenario", path)
    assert code == 1
    assert "of something else" in said
    code, said = call("storm", "--scenario", path, "--explain")
    assert code == 1
    assert "BROKEN: no pass without" in said
    code, said = call("storm", "--scenario", "labels")
    assert code == 0
    assert "labels: no promise was broken in 22 s" in said
    assert call("storm", "--scenario", "nothing")[0] == 2

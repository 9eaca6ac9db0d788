"""`station check` on the image model: what keeps parcels from passing, or lets wrong ones pass, is a NO."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from station import check as checks
from station.check import Finding, check
from station.config import load_config
from station.lists import Lists
from station.plugins import installed_drivers
from station.ports import Role
from station.resources import examples
from tests.unit.station.test_releases import SHIPPED

Tree = dict[str, Any]


def found(tmp_path: Path, spoil: Callable[[Tree], object], *overrides: str) -> list[Finding]:
    """What the check says of the shipped model, its model.yaml spoilt; no device is looked at."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    tree = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    spoil(tree)
    (folder / "model.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    drivers = installed_drivers()
    config = load_config(examples() / "demo.yaml", drivers, [f"model.folder={folder}", *overrides])
    told: list[Finding] = []
    for finding in check(config, drivers):
        if finding.subject.startswith("device"):
            break
        told.append(finding)
    return [finding for finding in told if not finding.subject.startswith("room")]


def expect_nothing(tree: Tree) -> None:
    """The golden pictures stay, and nothing need be found in them; so that the model fails in none, none counts."""
    for item in tree["golden"]:
        item["expect"] = []
    tree["thresholds"] = dict.fromkeys(tree["thresholds"], 0.999)


def no_knives(tree: Tree) -> None:
    tree["golden"] = [g for g in tree["golden"] if all(e["label"] != "knife" for e in g["expect"])]


def test_the_shipped_model_is_right(tmp_path: Path) -> None:
    assert [(finding.subject, finding.right) for finding in found(tmp_path, lambda _: None)] == [("model", True)]


@pytest.mark.parametrize("spoil", [lambda tree: tree.update(golden=[]), expect_nothing])
def test_golden_pictures_that_show_nothing_are_no_proof(tmp_path: Path, spoil: Callable[[Tree], object]) -> None:
    (finding,) = found(tmp_path, spoil)
    assert not finding.right
    assert "no golden picture shows that it still sees: give it some with `station model golden`" in finding.text


def test_a_gate_that_measures_nothing_lets_faulty_pictures_pass(tmp_path: Path) -> None:
    gate, model = found(tmp_path, lambda tree: tree.update(gate={}))
    assert (gate.right, model.right) == (False, True)
    assert "its gate measures nothing" in gate.text
    assert "`station model gate` sets it" in gate.text


@pytest.mark.parametrize("score", ["0.001", "1"])
def test_a_threshold_by_which_the_model_judges_nothing_is_named(tmp_path: Path, score: str) -> None:
    policy, _ = found(tmp_path, lambda _: None, f"policy.thresholds={{gun: {score}}}")
    assert (policy.subject, policy.right) == ("policy", False)
    assert f"gun {score}: the model reports nothing below 0.02" in policy.text


def test_words_that_no_golden_picture_shows_are_named(tmp_path: Path) -> None:
    model, golden = found(tmp_path, no_knives)
    assert (model.right, golden.right) == (True, True)
    assert "no golden picture shows" in golden.text
    assert "knife" in golden.text


def of(subject: str, *overrides: str) -> list[Finding]:
    """What the check says of one thing; the model is left out."""
    drivers = installed_drivers()
    config = load_config(examples() / "demo.yaml", drivers, overrides)
    return [
        finding for finding in check(config.model_copy(update={"model": None}), drivers) if finding.subject == subject
    ]


def test_what_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inbox of another user was well, and the second command was never taken."""
    (tmp_path / "data").mkdir()
    for name in ("inbox.db", "ids.json", "lost+found"):
        (tmp_path / "data" / name).touch()
    assert of("data", f"data={tmp_path / 'data'}") == []
    real, foreign = os.access, "lost+found"
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != foreign and real(path, mode))
    assert of("data", f"data={tmp_path / 'data'}") == [], "what is not the station's may be anybody's"
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "inbox.db" and real(path, mode))
    (finding,) = of("data", f"data={tmp_path / 'data'}")
    assert (finding.right, "inbox.db may not be written by this user (1 such)" in finding.text) == (False, True)
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    (finding,) = of("data", f"data={tmp_path / 'to be made' / 'data'}")
    assert (finding.right, f"{tmp_path} may not be written" in finding.text) == (False, True)


def test_a_file_in_the_place_of_the_data_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    (finding,) = of("data", f"data={tmp_path / 'data'}")
    assert (finding.right, "is no folder" in finding.text) == (False, True)


def test_a_hold_list_that_nothing_can_be_held_by_is_named(tmp_path: Path) -> None:
    held = tmp_path / "held.csv"
    held.write_text("barcode\n4006381333931\n", "utf-8")
    (finding,) = of("lists", f"policy.hold_list={held}", "policy.declared_weights=null")
    assert (finding.right, "2 held" in finding.text) == (True, True), "as an EAN-13 and as a GTIN-14"
    drivers = installed_drivers()
    config = load_config(examples() / "demo.yaml", drivers, [f"policy.hold_list={held}"])
    silent = {name: device for name, device in config.devices.items() if drivers[device.kind].role is not Role.BARCODE}
    found = check(config.model_copy(update={"model": None, "devices": silent}), drivers)
    (finding,) = [finding for finding in found if finding.subject == "lists"]
    assert (finding.right, "no device reads a code" in finding.text) == (False, True)


@pytest.mark.parametrize(("year", "word"), [(1970, "in the past"), (2109, "far ahead")])
def test_a_clock_that_cannot_be_right_is_named(monkeypatch: pytest.MonkeyPatch, year: int, word: str) -> None:
    monkeypatch.setattr(checks, "now_utc", lambda: datetime(year, 1, 1, tzinfo=UTC))
    (finding,) = of("clock")
    assert (finding.right, word in finding.text) == (False, True)


def test_lists_on_a_share_that_hangs_do_not_hold_up_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    back = threading.Event()

    def hangs(_: Lists) -> None:
        back.wait(60)

    monkeypatch.setattr(Lists, "changed", hangs)
    monkeypatch.setattr(checks, "HANGS_S", 0.05)
    try:
        found_lists = checks._lists(load_config(examples() / "demo.yaml", installed_drivers()), installed_drivers())
    finally:
        back.set()
    assert not found_lists.right
    assert "is the share there on which it lies?" in found_lists.text

"""Faults put into a running plant at real wires, by its control line and from another terminal."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.rig import ZEROS, Rig
from tests.system.test_line import assert_promises

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("line")]
MakeRig = Callable[..., Rig]


def tell(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("simulator")), "tell", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def inspected_for(rig: Rig, code: str) -> int:
    done = rig.events("parcel-completed")
    return sum(any(reason["code"] == code for reason in parcel["reasons"]) for parcel in done)


def ends_in_inspection(rig: Rig, fault: str, code: str) -> None:
    """Put it in from another terminal, see it inspected, take it away, and see the line flow again."""
    said = tell(rig.folder, "fault", fault)
    assert (said.returncode, said.stdout.strip()) == (0, f"done fault {fault}")
    before = inspected_for(rig, code)
    rig.wait(lambda: inspected_for(rig, code) >= before + 3, 20.0, f"three parcels inspected for {code}")
    assert tell(rig.folder, "mend", fault.partition("=")[0]).returncode == 0
    rig.let_pass(2)


def test_faults_told_from_another_terminal_end_in_inspection(make_rig: MakeRig) -> None:
    rig = make_rig(seed=41)
    rig.start()
    rig.let_pass(2)
    for fault, code in (
        ("no-read=1", "no-barcode"),
        ("weight-invalid=1", "no-weight"),
        ("picture-spoilt=1", "no-picture"),
        ("device-unplugged:scanner", "device-lost"),
    ):
        ends_in_inspection(rig, fault, code)
    assert_promises(rig, rig.finish())


def test_a_frozen_picture_lets_nothing_pass(make_rig: MakeRig) -> None:
    rig = make_rig(seed=45)
    rig.start()
    rig.let_pass(2)
    ends_in_inspection(rig, "picture-frozen", "picture-unusable")
    report = rig.finish()
    assert report["evidence_of_another_parcel"] >= 3  # matched, and refused
    assert not [name for name in ZEROS if report[name] and name != "evidence_of_another_parcel"]


def test_faults_of_a_second_are_survived(make_rig: MakeRig) -> None:
    rig = make_rig(seed=42)
    rig.start()
    for turn, fault in enumerate(("plc-torn=0.5", "plc-stale", "plc-slow=150", "ack-lost=0.7", "eye-flicker:1=1"), 1):
        rig.let_pass(2)
        assert tell(rig.folder, "fault", fault, "1").returncode == 0
        rig.wait(lambda turn=turn: faults_over(rig) == turn, 10.0, f"{fault} is over")  # type: ignore[misc]
    rig.let_pass(3)
    assert_promises(rig, rig.finish())


def faults_over(rig: Rig) -> int:
    return sum(fact["kind"] == "fault" and not fact["on"] for fact in rig.facts())


def test_what_makes_no_sense_is_said(make_rig: MakeRig) -> None:
    rig = make_rig(seed=43)
    for words, named in (
        (("fault", "rain"), "no fault 'rain'"),
        (("fault", "eye-blind:9"), "befalls 0 or 1"),
        (("fault", "reading-lost:scale=much"), "is no number"),
        (("fault", "daemon-killed"), "befalls the station"),
        (("dance",), "no such command"),
    ):
        said = tell(rig.folder, *words)
        assert said.returncode == 1
        assert named in " ".join(said.stdout.split())
    rig.plant.stop()
    said = tell(rig.folder, "ack")
    assert said.returncode == 2
    assert "simulator run" in said.stderr


def test_a_caller_that_goes_away_harms_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(seed=44)
    began = time.monotonic()
    for text in (b"", b"\xff\xfe\n", b"x" * 5000):
        subprocess.run(["/usr/bin/socat", "-", "UNIX-CONNECT:wires/control"], cwd=rig.folder, input=text, check=False,
                       capture_output=True)  # fmt: skip
    assert tell(rig.folder, "ack").returncode == 0
    assert time.monotonic() - began < 20

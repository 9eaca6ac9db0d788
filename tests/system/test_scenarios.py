"""Scenarios on real wires: the same files, the real daemon."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("line")]
SIMULATOR = str(Path(sys.executable).with_name("simulator"))


@pytest.mark.parametrize("name", ["labels", "plc-restart", "broker-outage"])
def test_it_is_met_on_real_wires_as_well(name: str, tmp_path: Path) -> None:
    command = [SIMULATOR, "scenario", "run", name, "--wires", "--explain", "--junit", "out.xml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    root = ET.parse(tmp_path / "out.xml").getroot()
    assert int(root.get("tests", "0")) >= 4
    assert (root.get("failures"), root.get("skipped")) == ("0", "0")


def test_a_wrong_expectation_and_a_key_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("{teaches: a, seconds: 9, parcels: [{at_s: 3.5}, {name: k, at_s: 5, unreadable: true}], "
                    "expect: {parcels: [{parcel: k, lane: pass}]}}")  # fmt: skip
    command = [SIMULATOR, "scenario", "run", str(path), "--wires"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "expected: parcel k passes; but it left by inspect (no-barcode)" in ran.stdout


def test_ctrl_c_ends_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [SIMULATOR, "scenario", "run", "labels", "--wires"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    children = psutil.Process(running.pid).children
    limit = time.monotonic() + 60
    while len(children(recursive=True)) < 4 and time.monotonic() < limit:  # plant, its pictures, station, publisher
        time.sleep(0.05)
    started = children(recursive=True)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "stopped by Ctrl-C" in said
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(started, 10)
    assert alive == []

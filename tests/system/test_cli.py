"""The commands as a technician types them: what they say, and their exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from station.resources import examples, models
from tests.needs import need
from tests.system.rig import Rig

DEMO = str(examples() / "demo.yaml")


def station(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "station", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_check_names_every_fault_and_what_to_do(tmp_path: Path) -> None:
    ran = station(tmp_path, "check", DEMO)
    assert ran.returncode == 1
    words = " ".join(ran.stdout.split())
    assert "room: order with the PLC before the" in words
    assert "plug it in or correct `port`" in words
    assert "is the PLC on, the cable in" in words
    assert "golden pictures found as expected" in words


def test_a_bad_configuration_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(Path(DEMO).read_text().replace("  slip: 0.005", "  slipp: 0.005"))
    ran = station(tmp_path, "run", "line.yaml")
    assert ran.returncode == 2
    assert "line.slipp: there is no such key; did you mean 'slip'?" in " ".join(ran.stderr.split())


def test_a_line_that_cannot_be_proved_does_not_start(tmp_path: Path) -> None:
    ran = station(tmp_path, "run", DEMO, "--set", "line.gap_mm=1")
    assert ran.returncode == 2
    assert "room: scanner: neighbours told apart: -270 mm" in ran.stderr
    assert "`station check` shows every margin" in " ".join(ran.stderr.split())
    assert not (tmp_path / "data").exists()


def test_status_and_journal_of_a_station_that_never_ran(tmp_path: Path) -> None:
    ran = station(tmp_path, "status", DEMO)
    assert ran.returncode == 4
    assert "station run CONFIG" in ran.stdout
    assert station(tmp_path, "journal", "tail", DEMO).returncode == 1
    assert station(tmp_path, "journal", "show", DEMO, "nonsense").returncode == 2


@pytest.mark.parametrize("wish", [["pause"], ["hold", "--none"]])
def test_a_wish_says_where_it_waits_if_no_station_has_run_there(tmp_path: Path, wish: list[str]) -> None:
    """It may be given from another folder than the one from where the station is started."""
    ran = station(tmp_path, wish[0], DEMO, *wish[1:], "--wait", "0")
    assert ran.returncode == 4
    assert f"no station has run in {tmp_path / 'data'} yet" in " ".join(ran.stdout.split())
    again = station(tmp_path, wish[0], DEMO, *wish[1:], "--wait", "0")
    assert "no station has run" not in again.stdout


def test_look_shows_findings_and_faults(tmp_path: Path) -> None:
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    golden = models() / "xray18" / "golden" / "gun-knife-battery.png"
    ran = station(tmp_path, "look", str(golden), "half.png")
    assert ran.returncode == 1
    assert "gun 0." in ran.stdout
    assert (tmp_path / "look" / "gun-knife-battery.found.png").exists()


@pytest.mark.parametrize(
    "command", [[], ["run"], ["check"], ["status"], ["look"], ["replay"], ["explain"], ["journal", "tail"]]
)
def test_help_shows_an_example(tmp_path: Path, command: list[str]) -> None:
    ran = station(tmp_path, *command, "--help")
    assert ran.returncode == 0
    assert "Example" in ran.stdout or "Commands" in ran.stdout


@pytest.mark.timeout(90)
@pytest.mark.xdist_group("line")
def test_a_running_station_is_seen_and_runs_once(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig(seed=17)
    rig.start()
    rig.let_pass(3)
    sets = [part for override in rig.overrides for part in ("--set", override)]
    second = station(tmp_path, "run", DEMO, *sets)
    assert second.returncode == 3
    assert rig.station is not None
    assert str(rig.station.pid) in second.stderr
    status = station(tmp_path, "status", DEMO, *sets)
    assert status.returncode == 0
    assert "belt running" in status.stdout
    tail = station(tmp_path, "journal", "tail", DEMO, *sets)
    assert "parcel" in tail.stdout
    number = str(rig.events("parcel-completed")[0]["parcel"]["number"])
    assert station(tmp_path, "journal", "show", DEMO, number, *sets).returncode == 0
    exported = station(tmp_path, "journal", "export", DEMO, "--limit", "5", *sets).stdout.splitlines()
    published = rig.subscriber.snapshot()[:5]
    assert [json.loads(line) for line in exported] == published


@pytest.mark.timeout(90)
@pytest.mark.xdist_group("line")
def test_mosquitto_sub_hears_the_station(make_rig: Callable[..., Rig]) -> None:
    subscribe = need("mosquitto_sub", "mosquitto-clients")
    rig = make_rig(seed=18)
    rig.start()
    base = [subscribe, "-h", "127.0.0.1", "-p", str(rig.broker_port), "-q", "1", "-W", "30"]
    state = subprocess.run(
        [*base, "-t", "inspection/v1/demo/line-1/inspection-1/state", "-C", "1"], capture_output=True, check=True
    )
    assert json.loads(state.stdout)["state"] == "online"
    topics = ["-t", "inspection/v1/demo/line-1/inspection-1/event/#"]
    heard = subprocess.run([*base, *topics, "-C", "40"], capture_output=True, check=True).stdout.splitlines()
    sequences = [json.loads(line)["sequence"] for line in heard]
    assert sequences == list(range(sequences[0], sequences[0] + 40))
    device = subprocess.run(
        [*base, "-t", "inspection/v1/+/+/+/device/scanner", "-C", "1"], capture_output=True, check=True
    )
    assert json.loads(device.stdout)["connected"] is True

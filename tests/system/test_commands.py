"""Commands to a running station: as a person gives them at its PC, and a central system over MQTT."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from simulator.config import load_plant
from simulator.plant.feed import Feed
from station.clock import now_utc, utc_text
from station.journal import Inbox
from station.resources import examples, models
from tests.system.rig import ZEROS, Rig

ROOT = "inspection/v1/demo/line-1/inspection-1"


def station(rig: Rig, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    sets = [part for override in rig.overrides for part in ("--set", override)]
    line = [sys.executable, "-m", "station", *command.split(), str(rig.config), *sets, *arguments]
    return subprocess.run(line, cwd=rig.folder, capture_output=True, text=True, timeout=60, check=False)


def decided_after(rig: Rig, kind: str) -> list[dict[str, Any]]:
    """What was decided behind the newest event of that type."""
    events = rig.subscriber.snapshot()
    at = max(n for n, event in enumerate(events) if event["type"].endswith(f".{kind}"))
    return [event["data"] for event in events[at:] if event["type"].endswith(".decided")]


def held_after(rig: Rig, kind: str) -> int:
    """How many of those decisions were for a held code."""
    return sum("held" in reasons(decided) for decided in decided_after(rig, kind))


def restart(rig: Rig) -> None:
    """Kill it and start it again, and wait until the start is published."""
    before = len(rig.events("station-started"))
    rig.kill()
    rig.start()
    rig.wait(lambda: len(rig.events("station-started")) > before, 15, "the start is published")


def reasons(decided: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in decided["reasons"]}


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_pause_holds_through_a_kill_until_it_is_ended(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=31)
    rig.start()
    rig.let_pass(2)
    paused = station(rig, "pause", "--who", "anna", "--id", "shift-1")
    assert (paused.returncode, paused.stdout.strip()) == (0, "accepted: the station is paused")
    rig.wait(lambda: len(decided_after(rig, "station-mode")) >= 3, 20, "three decisions in the pause")
    assert all("paused" in reasons(decided) for decided in decided_after(rig, "station-mode"))
    restart(rig)
    assert "paused" in station(rig, "status").stdout
    rig.wait(lambda: len(decided_after(rig, "station-started")) >= 3, 20, "three decisions after the start")
    assert all("paused" in reasons(decided) for decided in decided_after(rig, "station-started"))
    again = station(rig, "pause", "--who", "anna", "--id", "shift-1")
    assert (again.returncode, again.stdout) == (0, paused.stdout)
    assert station(rig, "resume").returncode == 0
    rig.let_pass(2)
    report = rig.finish()
    assert {name: report[name] for name in ZEROS} == dict.fromkeys(ZEROS, 0)
    answers = [(e["command"], e["result"]) for e in rig.events("command-result")]
    assert answers[0] == ("shift-1", "accepted")
    assert len(answers) == 2
    assert station(rig, "replay").returncode == 0


class Central:
    """A central system that sends commands; each is acknowledged by the broker before `send` returns."""

    def __init__(self, rig: Rig) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, "central-commands")
        self._client.connect("127.0.0.1", rig.broker_port)
        self._client.loop_start()

    def send(self, kind: str, payload: bytes | dict[str, Any], *, retain: bool = False) -> None:
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._client.publish(f"{ROOT}/command/{kind}", content, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def signed(identity: str, seconds: float = 60, **more: Any) -> dict[str, Any]:
    now = now_utc()
    times = {"issued_at": utc_text(now), "expires_at": utc_text(now + timedelta(seconds=seconds))}
    return {"id": identity, "who": "wms", **times, **more}


def results(rig: Rig) -> dict[str, tuple[str, str]]:
    return {e["command"]: (e["result"], e["reason"]) for e in rig.events("command-result")}


@pytest.mark.timeout(150)
@pytest.mark.xdist_group("line")
def test_a_central_system_commands_over_mqtt(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=32, overrides=["mqtt.commands=true"])
    central = Central(rig)
    central.send("pause", signed("retained"), retain=True)
    rig.start()
    rig.let_pass(2)

    def answered(identity: str) -> tuple[str, str]:
        rig.wait(lambda: identity in results(rig), 15, f"an answer to {identity}")
        return results(rig)[identity]

    central.send("pause", b"\x00\xff no JSON")
    rig.wait(lambda: "" in results(rig), 15, "an answer to what is no command")
    past = {"issued_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:01:00Z"}
    central.send("dry-run", signed("late") | past)
    assert answered("late") == ("refused", "expired")
    central.send("stop", signed("no-such"))
    assert answered("no-such") == ("refused", "malformed")
    pause = signed("p-1")
    for _ in range(3):
        central.send("pause", pause)
    assert answered("p-1") == ("accepted", "")
    rig.wait(lambda: len(decided_after(rig, "station-mode")) >= 2, 20, "two decisions in the pause")
    assert all("paused" in reasons(decided) for decided in decided_after(rig, "station-mode"))
    doubles = rig.subscriber.duplicates
    central.send("pause", pause)
    rig.wait(lambda: rig.subscriber.duplicates > doubles, 15, "the answer once more")
    central.send("resume", signed("r-1"))
    assert answered("r-1") == ("accepted", "")
    rig.let_pass(2)
    central.close()
    report = rig.finish()
    assert {name: report[name] for name in ZEROS} == dict.fromkeys(ZEROS, 0)
    assert "retained" not in results(rig)
    assert len(rig.events("command-result")) == 5
    assert rig.subscriber.altered == 0


@pytest.mark.timeout(150)
@pytest.mark.xdist_group("line")
def test_a_hold_list_from_a_central_system_holds_through_a_kill(make_rig: Callable[..., Rig]) -> None:
    """All labels of the plant's feed are held: whatever has a readable label is inspected for it."""
    rig = make_rig(seed=33, overrides=["mqtt.commands=true"])
    rig.start()
    rig.let_pass(2)
    central = Central(rig)
    plant = load_plant(rig.folder / "plant.yaml")
    feed = Feed(plant.feed, plant.seed, plant.belt.speed_mm_s)
    codes = sorted({item.barcode for item in (feed.next()[0] for _ in range(3000)) if item.barcode})
    central.send("hold-list", signed("h-1", codes=codes))
    rig.wait(lambda: "h-1" in results(rig), 15, "an answer")
    assert results(rig)["h-1"] == ("accepted", "")
    rig.wait(lambda: held_after(rig, "lists-changed") >= 2, 30, "two held by the list")
    restart(rig)
    rig.wait(lambda: held_after(rig, "station-started") >= 2, 30, "two held after the start")
    assert all(decided["route"] == "inspect" for decided in decided_after(rig, "station-started"))
    assert station(rig, "hold", "--none").returncode == 0
    rig.let_pass(2)
    central.close()
    report = rig.finish()
    assert {name: report[name] for name in ZEROS} == dict.fromkeys(ZEROS, 0)
    assert station(rig, "replay").returncode == 0


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_parcel_is_resolved_once_it_has_left_and_commands_come_over_mqtt_only_if_allowed(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(seed=34)
    rig.start()
    central = Central(rig)
    central.send("pause", signed("not-allowed"))

    def inspected() -> list[int]:
        return [e["parcel"]["number"] for e in rig.events("parcel-completed") if e["outcome"] == "inspect"]

    rig.wait(lambda: len(inspected()) >= 2, 40, "two inspected parcels")
    first, second = map(str, inspected()[:2])
    assert station(rig, "resolve", first, "cleared").stdout.startswith("accepted")
    again = station(rig, "resolve", first, "confirmed", "--found", "knife")
    assert (again.returncode, again.stdout[:8]) == (1, "refused:")
    assert station(rig, "resolve", second, "confirmed", "--found", "knife", "--found", "lighter").returncode == 0
    assert station(rig, "resolve", second, "confirmed").returncode == 2
    assert station(rig, "resolve", "99999", "cleared").returncode == 1
    assert station(rig, "policy").returncode == 2
    assert station(rig, "policy", "--may-be-missing", "camera").stdout.startswith("refused: there is no device camera")
    low = " ".join(station(rig, "policy", "--threshold", "knife=0.001").stdout.split())
    assert low.startswith("refused: threshold knife 0.001: the model reports nothing below 0.02")
    assert station(rig, "policy", "--threshold", "knife=0.4", "--weight-range", "100:25000").returncode == 0
    assert "policy changed by command" in station(rig, "status").stdout
    central.close()
    rig.finish()
    resolved = [(str(e["parcel"]["number"]), e["resolution"], e["found"]) for e in rig.events("parcel-resolved")]
    assert resolved == [(first, "cleared", []), (second, "confirmed", ["knife", "lighter"])]
    assert "not-allowed" not in results(rig)


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_another_model_is_tried_and_taken_by_a_start_that_nobody_has_to_make(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=35)
    other = rig.folder / "other"
    shutil.copytree(models() / "xray18", other)
    spec = other / "model.yaml"
    configured = yaml.safe_load(spec.read_text())["thresholds"]["gun"]
    assert configured != 0.5
    spec.write_text(re.sub(r"\bgun: [0-9.]+", "gun: 0.5", spec.read_text()))
    rig.start()
    assert rig.station is not None
    number = rig.station.pid
    rig.let_pass(2)
    began = time.time()
    given = station(rig, "model use", str(other), "--who", "anna")
    assert (given.returncode, given.stdout[:15]) == (0, "accepted: model")
    rig.wait(lambda: rig.live_since(began) and len(rig.events("station-started")) == 2, 20, "a second start")
    assert (rig.station.pid, rig.station.poll()) == (number, None)
    rig.let_pass(2)
    (release,) = [path.name for path in (rig.folder / "data" / "model").iterdir() if path.is_dir()]
    (rig.folder / "data" / "model" / release / "model.onnx").write_bytes(b"")
    restart(rig)
    assert "cannot be used" in station(rig, "status").stdout
    rig.let_pass(2)
    report = rig.finish()
    assert {name: report[name] for name in ZEROS} == dict.fromkeys(ZEROS, 0)
    thresholds = [started["setup"]["policy"]["thresholds"]["gun"] for started in rig.events("station-started")]
    assert thresholds == [configured, 0.5, configured]
    assert [stopped["cause"] for stopped in rig.events("station-stopped")] == ["model-changed", "SIGTERM"]
    assert [changed["release"] for changed in rig.events("model-changed")] == [release]
    assert station(rig, "replay").returncode == 0


def test_a_command_to_a_station_that_does_not_run_waits_in_the_inbox(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "station", "dry-run", str(examples() / "demo.yaml"), "--wait", "0"]
    ran = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 4
    assert "No answer yet" in ran.stderr
    with closing(Inbox(tmp_path / "data")) as inbox:
        assert [posted.type for posted in inbox.waiting()] == ["dry-run"]

"""Commands to a running station: as a person gives them at its PC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.system.rig import ZEROS, Rig


def station(rig: Rig, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    sets = [part for override in rig.overrides for part in ("--set", override)]
    line = [sys.executable, "-m", "station", command, str(rig.config), *sets, *arguments]
    return subprocess.run(line, cwd=rig.folder, capture_output=True, text=True, timeout=60, check=False)


def decided_after(rig: Rig, kind: str) -> list[dict[str, Any]]:
    """What was decided behind the newest event of that type."""
    events = rig.subscriber.snapshot()
    at = max(n for n, event in enumerate(events) if event["type"].endswith(f".{kind}"))
    return [event["data"] for event in events[at:] if event["type"].endswith(".decided")]


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
    rig.kill()
    rig.start()
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

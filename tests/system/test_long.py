"""Trials of many minutes: a thousand parcels at each rate, and mischief of all kinds. `./scripts/test --long`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from simulator.config import FeedConfig, PlantConfig
from tests.system.test_line import MakeRig, assert_promises
from tests.unit.core.test_any_order import Mischief
from tests.unit.core.test_whole_line import ZEROS
from tests.unit.core.virtual_line import VirtualLine

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800), pytest.mark.xdist_group("line")]


@pytest.mark.parametrize(("rate", "seconds"), [(5400, 690), (9000, 415)])
def test_a_thousand_parcels(tmp_path: Path, rate: int, seconds: int) -> None:
    demo = [sys.executable, "-m", "simulator", "demo", "--headless", "--report", "report.json"]
    ran = subprocess.run([*demo, "--seconds", str(seconds), "--parcels-per-hour", str(rate)], cwd=tmp_path, check=False)
    report = json.loads((tmp_path / "report.json").read_text())
    assert ran.returncode == 0, report
    assert report["parcels"] >= 1000
    assert report["clean_share_passed"] >= 0.85


def test_a_hundred_kills(make_rig: MakeRig) -> None:
    """Of the daemon, of the publisher, of both, at random moments."""
    rig, random = make_rig(seed=21), Random(21)
    rig.start()
    for turn in range(100):
        time.sleep(random.uniform(0.0, 1.5))
        victim = ("daemon", "publisher", "both")[turn % 3]
        if victim != "daemon":
            rig.kill_publisher()
        if victim != "publisher":
            rig.kill()
            time.sleep(random.uniform(0.0, 0.6))
            rig.start()
    rig.let_pass(5)
    report = rig.finish()
    assert_promises(rig, report)
    assert report["parcels"] > 300
    print(json.dumps({**report, "doubles": rig.subscriber.duplicates}))  # noqa: T201 - the trial's figures


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
def test_mischief_for_hours(share: float) -> None:
    for turn in range(200):
        random = Random(turn)
        feed = FeedConfig(parcels_per_hour=9000, threat_share=0.4)
        config = PlantConfig(seed=random.randrange(1, 10**6), feed=feed)
        line = VirtualLine(config, filters=[Mischief(random.randrange(10**6), share)])
        line.run(60)
        report = line.report()
        assert not {name: report[name] for name in ZEROS if report[name]}, (turn, share)

"""Trials of many minutes: a thousand parcels at each rate, and mischief of all kinds. `./scripts/test --long`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import apsw
import pytest

from simulator.config import FeedConfig, PlantConfig
from simulator.trials.journal import records_of
from station.clock import now_ns, now_utc
from station.journal import Journal
from station.publisher.process import NICE
from tests.system.rig import Rig
from tests.system.test_line import MakeRig, assert_promises
from tests.unit.core.test_any_order import Mischief
from tests.unit.core.test_whole_line import ZEROS
from tests.unit.core.virtual_line import VirtualLine

WAITING = 100_000
BARE = """
import collections, json, sys, time
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
payloads, count = json.load(sys.stdin), int(sys.argv[2])
client = Client(CallbackAPIVersion.VERSION2, "bare")
client.max_inflight_messages_set(100)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
begun = time.monotonic()
infos = collections.deque()
for number in range(count):
    if len(infos) == 1000:
        infos.popleft().wait_for_publish()
    infos.append(client.publish("bare/event", payloads[number % len(payloads)], qos=1))
infos[-1].wait_for_publish()
print(count / (time.monotonic() - begun))
"""

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


def test_a_hundred_thousand_events_wait_for_a_broker(make_rig: MakeRig) -> None:
    """The line runs on while they are sent; the rate is told beside that of bare paho-mqtt, to the same broker."""
    rig = make_rig(seed=22)
    rig.stop_broker()
    (rig.folder / "data").mkdir()
    journal = Journal(
        rig.folder / "data" / "journal.db", station="demo/line-1/inspection-1", now_utc=now_utc, mono_ns=now_ns
    )
    for number in range(WAITING // 20):
        newest = journal.append(records_of(number), epoch=1, session=1)
    last, payloads = journal.last_seq, [event.payload.decode() for event in newest]
    journal.close()
    rig.start()
    rig.let_pass(3)
    rig.start_broker()
    rig.wait(lambda: published(rig) > 0, 15.0, "a first event published")
    begun, first = time.monotonic(), published(rig)
    rig.wait(lambda: published(rig) >= last, 120.0, "all events of the outage published")
    rate = (last - first) / (time.monotonic() - begun)
    command = ["nice", "-n", str(NICE), sys.executable, "-c", BARE, str(rig.broker_port), str(WAITING)]
    told = subprocess.run(command, input=json.dumps(payloads), capture_output=True, text=True, check=True)
    bare = float(told.stdout)
    rig.let_pass(3)
    report = rig.finish()
    print(f"{rate:.0f} events/s, bare paho-mqtt {bare:.0f}/s: {rate / bare:.2f}; the plant {rig.plant.last}")  # noqa: T201 - figures
    assert_promises(rig, report)
    assert report["orders_late_or_never_sent"] == 0


def published(rig: Rig) -> int:
    """The publisher's cursor."""
    try:
        cursor = apsw.Connection(str(rig.folder / "data" / "cursor.db"), flags=apsw.SQLITE_OPEN_READONLY)
        with contextlib.closing(cursor):
            return int(cursor.execute("SELECT seq FROM cursor").get or 0)
    except apsw.Error:
        return 0


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

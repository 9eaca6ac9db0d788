"""A disk that is really full, and one that really refuses: all is inspected, and it recovers by itself."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from station import snapshot
from station.journal.verify import verify
from tests.needs import lacking
from tests.system.rig import ZEROS, Rig

pytestmark = [pytest.mark.timeout(170), pytest.mark.xdist_group("line")]
SIZE_MB = 48
STAGES = "disk={alarm_hours: 0.001, thin_gb: 0.020, every: 3, none_gb: 0.016, refuse_gb: 0.008}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder `data` on a file system of its own, of 48 MB in memory."""
    data = tmp_path / "data"
    data.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(data)]
    mounted = subprocess.run(["mount", *options], capture_output=True, check=False)
    if mounted.returncode:
        lacking("a file system cannot be mounted here (root only): the disk is not really full in this run")
    yield data
    subprocess.run(["umount", "--lazy", str(data)], check=True)


def fill(ballast: Path, leave_mb: float) -> None:
    """Fill the disk up to so much."""
    with ballast.open("ab") as file:
        free = os.statvfs(ballast.parent)
        more = free.f_bavail * free.f_frsize - int(leave_mb * 1e6)
        try:
            os.posix_fallocate(file.fileno(), file.tell(), max(1, more))
        except OSError:
            while True:  # byte by byte to the very end
                try:
                    os.write(file.fileno(), b"0" * 4096)
                except OSError:
                    return


def standing(data: Path) -> dict[str, dict[str, Any]]:
    look = snapshot.read(data) or {"alarms": []}
    return {f"{a['alarm']}/{a['subject']}": a for a in look["alarms"] if a["standing"]}


def nothing_passes(rig: Rig, parcels: int) -> None:
    """So many parcels that come from now on leave, and all by the inspection lane."""
    begun = len(rig.facts())

    def left() -> list[str]:
        facts = rig.facts()[begun:]
        entered = {fact["item"] for fact in facts if fact["kind"] == "infeed"}
        return [fact["lane"] for fact in facts if fact["kind"] == "left" and fact["item"] in entered]

    rig.wait(lambda: len(left()) >= parcels, 40.0, f"{parcels} parcels that come and leave")
    assert set(left()) == {"inspect"}


def session(rig: Rig) -> int:
    return int(json.loads((rig.folder / "data" / "status.json").read_text())["plc"]["session"])


def test_a_full_disk_inspects_all_says_why_and_recovers_when_there_is_room(
    small_disk: Path, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig(seed=31, overrides=[STAGES])
    rig.start()
    rig.let_pass(2)
    ballast = small_disk / "ballast"
    fill(ballast, 0)
    rig.wait(lambda: "journal/disk" in standing(small_disk), 10.0, "the alarm in the status, on a full disk")
    assert "no space left" in standing(small_disk)["journal/disk"]["text"]
    rig.wait(lambda: not (snapshot.read(small_disk) or {"plc": {"live": True}})["plc"]["live"], 10.0, "session ended")
    nothing_passes(rig, 4)
    look = snapshot.read(small_disk)
    assert look is not None
    assert look["heartbeat_missing"] == ["journal"]
    before = session(rig)
    ballast.unlink()
    rig.wait(lambda: session(rig) > before and rig.live_since(time.time() - 1), 15.0, "a session of its own accord")
    rig.let_pass(3)
    rig.wait(lambda: "journal/disk" not in standing(small_disk), 10.0, "the alarm is cleared")
    told = [(a["alarm"], a["subject"]) for a in rig.events("alarm-raised")]
    assert told.count(("journal", "disk")) == 1
    assert ("no-session", "plc") not in told
    assert ("numbers", "disk") not in told
    report = rig.finish()
    assert [report[zero] for zero in ZEROS] == [0, 0, 0, 0]
    assert verify(small_disk / "journal.db").faults == []


def test_pictures_are_thinned_then_refused_and_the_events_say_so(
    small_disk: Path, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig(seed=32, overrides=[STAGES])
    rig.start()
    rig.let_pass(1)
    ballast = small_disk / "ballast"
    fill(ballast, 12)
    rig.wait(lambda: "disk-low/data" in standing(small_disk), 10.0, "the alarm that room is short")
    have = len(rig.events("parcel-completed"))
    rig.let_pass(3)
    rig.wait(lambda: any(p["frames_not_kept"] for p in rig.events("parcel-completed")[have:]), 10.0, "thinned")
    fill(ballast, 6)
    rig.wait(lambda: "pictures/refused" in standing(small_disk), 10.0, "the alarm that no picture is kept")
    have = len(rig.events("frame-inspected"))
    rig.wait(lambda: any(not f["kept"] for f in rig.events("frame-inspected")[have:]), 10.0, "a picture not kept")
    rig.let_pass(2)
    ballast.unlink()
    rig.wait(lambda: "pictures/refused" not in standing(small_disk), 20.0, "kept again")
    done = rig.events("parcel-completed")
    spared = [p for p in done if p["outcome"] == "pass" and p["frames_not_kept"]]
    assert spared
    assert not [p for p in done if p["findings"] and p["frames_not_kept"] and set(p["frames"]) - _refused(rig)]
    report = rig.finish()
    assert [report[zero] for zero in ZEROS] == [0, 0, 0, 0]


def _refused(rig: Rig) -> set[str]:
    return {f["frame_id"] for f in rig.events("frame-inspected") if not f["kept"]}


def test_a_disk_that_refuses_each_write_inspects_all_and_recovers(make_rig: Callable[..., Rig]) -> None:
    """No mount is needed: the daemon may write no file any more (RLIMIT_FSIZE), SQLite gets an error at each write."""
    rig = make_rig(seed=33)
    rig.start()
    rig.let_pass(2)
    assert rig.station is not None
    before = session(rig)
    resource.prlimit(rig.station.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    nothing_passes(rig, 4)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(rig.station.pid, resource.RLIMIT_FSIZE, unlimited)
    rig.wait(lambda: session(rig) > before and rig.live_since(time.time() - 1), 15.0, "a session of its own accord")
    rig.let_pass(3)
    raised = [a for a in rig.events("alarm-raised") if (a["alarm"], a["subject"]) == ("journal", "disk")]
    assert len(raised) == 1
    report = rig.finish()
    assert [report[zero] for zero in ZEROS] == [0, 0, 0, 0]

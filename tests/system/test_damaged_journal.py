"""A journal that was damaged, taken away, or exchanged for an old copy: the station says so, and inspects all."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from station.journal.backup import back_up, set_aside
from station.journal.verify import verify
from tests.system.rig import Rig
from tests.system.test_commands import decided_after, reasons, station

PAGE = 4096


def start_paused(rig: Rig) -> None:
    """Start it; nothing passes, and each parcel says why."""
    rig.start()
    rig.wait(lambda: len(rig.events("station-mode")) == 1, 15, "the pause is published")
    rig.wait(lambda: len(decided_after(rig, "station-mode")) >= 3, 30, "three decisions")
    assert all("paused" in reasons(decided) for decided in decided_after(rig, "station-mode"))


def resume(rig: Rig) -> None:
    """As a person does who reads the alarms: the new journal does not know how the X-ray machine counts."""
    assert station(rig, "resume", "--who", "anna").returncode == 0
    rig.pause_feed()
    rig.let_pass(2)


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_damaged_journal_is_set_aside_and_nothing_passes_until_a_person_resumes(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=41)
    rig.start()
    rig.let_pass(3)
    rig.kill()
    data = rig.folder / "data"
    path = data / "journal.db"
    pictures = sorted(path for path in (data / "pictures").rglob("*") if path.is_file())
    whole = bytearray(path.read_bytes())
    whole[PAGE : 3 * PAGE] = b"\xa5" * (2 * PAGE)
    path.write_bytes(whole)
    checked = station(rig, "check")
    assert "a start sets it aside whole" in " ".join(checked.stdout.split())

    start_paused(rig)
    (folder,) = data.glob("journal-aside-*")
    assert (folder / "journal.db").stat().st_size >= len(whole)
    raised = {(a["alarm"], a["subject"]): a for a in rig.events("alarm-raised")}
    assert folder.name in raised["journal", "aside"]["text"]
    shown = station(rig, "status").stdout
    assert "paused" in shown
    assert folder.name in "".join(shown.split())

    resume(rig)
    assert all(path.exists() for path in pictures)
    assert verify(path, cursor=data / "cursor.db").faults == []
    assert json.loads((data / "status.json").read_text())["plc"]["live"]


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_journal_that_is_taken_away_from_a_running_station_is_noticed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=42)
    rig.start()
    rig.let_pass(2)
    path = rig.folder / "data" / "journal.db"
    path.unlink()
    assert rig.station is not None
    assert rig.station.wait(15) == 1
    assert "or its log, was taken away while it was written" in rig.tail()
    rig.start()
    assert len(list(path.parent.glob("journal-aside-*/journal.db-wal"))) == 1
    resume(rig)
    assert verify(path, cursor=path.with_name("cursor.db")).faults == []


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_behind_an_old_copy_of_the_journal_nothing_passes_until_a_person_resumes(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=43)
    rig.start()
    rig.let_pass(2)
    path, copy = rig.folder / "data" / "journal.db", rig.folder / "copy.db"
    back_up(path, copy)
    rig.let_pass(2)
    rig.kill()
    set_aside(path, "1")
    assert station(rig, "journal restore", str(copy)).returncode == 0
    assert "the next start is paused" in " ".join(station(rig, "check").stdout.split())

    start_paused(rig)
    raised = {(a["alarm"], a["subject"]) for a in rig.events("alarm-raised")}
    assert ("journal", "put-back") in raised
    assert ("publisher", "journal") not in raised, "one cause, one alarm"
    resume(rig)
    assert verify(path).faults == []

"""A journal that a power cut damaged: the station comes back by itself, inspects all, and says what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from station.journal.verify import verify
from tests.system.rig import Rig
from tests.system.test_commands import decided_after, reasons, station

PAGE = 4096


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

    rig.start()
    rig.wait(lambda: len(rig.events("station-mode")) == 1, 15, "the pause is published")
    rig.wait(lambda: len(decided_after(rig, "station-mode")) >= 3, 30, "three decisions")
    assert all("paused" in reasons(decided) for decided in decided_after(rig, "station-mode"))
    (folder,) = data.glob("journal-aside-*")
    assert (folder / "journal.db").stat().st_size >= len(whole)
    raised = {(a["alarm"], a["subject"]): a for a in rig.events("alarm-raised")}
    assert folder.name in raised["journal", "aside"]["text"]
    shown = station(rig, "status").stdout
    assert "paused" in shown
    assert folder.name in "".join(shown.split())

    assert station(rig, "resume", "--who", "anna").returncode == 0
    rig.let_pass(2)
    assert all(path.exists() for path in pictures)
    assert verify(path, cursor=data / "cursor.db").faults == []
    assert json.loads((data / "status.json").read_text())["plc"]["live"]

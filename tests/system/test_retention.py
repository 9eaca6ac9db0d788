"""Retention in a real daemon: what cannot be kept to is an alarm, and the line goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing

import apsw
import pytest

from station.journal import PictureStore
from station.journal.verify import verify
from tests.system.rig import Rig


@pytest.mark.timeout(90)
@pytest.mark.xdist_group("line")
def test_rules_that_cannot_be_kept_are_an_alarm_and_nothing_is_lost(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=21)
    rig.overrides.append("retention={days: 1, max_gb: 0.00001}")
    rig.start()
    rig.let_pass(3)
    raised = [
        alarm for alarm in rig.events("alarm-raised") if (alarm["alarm"], alarm["subject"]) == ("journal", "size")
    ]
    assert len(raised) == 1
    assert "not published yet" in raised[0]["text"]
    verdict = verify(rig.folder / "data" / "journal.db")
    assert (verdict.faults, verdict.pruned) == ([], 0)


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_picture_that_a_kill_left_goes_at_the_next_start_and_no_other(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=22)
    rig.overrides.append("retention={days: 1}")
    rig.start()
    rig.let_pass(2)
    rig.kill()
    journal = rig.folder / "data" / "journal.db"
    with closing(apsw.Connection(str(journal))) as db:
        db.execute("UPDATE meta SET value = '2020-01-01T00:00:00.000Z' WHERE key = 'created'")
    store = PictureStore(rig.folder / "data" / "pictures")
    path = store.path_of(store.put(b"a picture whose event was never written"))
    assert path is not None
    for old in store.files():
        os.utime(old, (1_700_000_000, 1_700_000_000))
    rig.start()
    rig.wait(lambda: not path.exists(), 10.0, "the orphaned picture removed")
    rig.let_pass(2)
    verdict = verify(journal, pictures=store)
    assert verdict.faults == []
    assert verdict.pictures >= 4

"""An old copy of the journal is put back under a station: nothing new is lost, no id comes twice, and it is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from station.journal import CURSOR_FILE, Reader
from station.journal.verify import verify
from tests.unit.storm.rig import Rig


def put_back(rig: Rig, copied: int, published: int, later: int) -> tuple[Path, list[str]]:
    """Copy after so many events, publish more, put the copy back; the journal, and all ids on disk before that."""
    path = rig.settings.data / "journal.db"
    rig.append(copied)
    rig.restart_journal()
    shutil.copy(path, path.with_name("copy"))
    rig.append(published)
    rig.settle()
    rig.append(later)
    rig.kill()
    before = [event.id for event in Reader(path).after(0, 10_000)]
    rig.journal.close()
    for name in ("journal.db", "journal.db-wal"):
        path.with_name(name).unlink(missing_ok=True)
    shutil.copy(path.with_name("copy"), path)
    rig.open_journal()
    return path, before


@pytest.mark.parametrize(("copied", "published", "later"), [(30, 40, 0), (30, 40, 25), (30, 0, 5), (0, 40, 1)])
def test_what_is_new_arrives_under_new_ids_and_the_gap_is_told(copied: int, published: int, later: int) -> None:
    with Rig() as rig:
        path, before = put_back(rig, copied, published, later)
        rig.append(20)
        rig.run(30)
        kept = [event.id for event in Reader(path).after(0, 10_000)]
        arrived = set(rig.arrived)
        assert set(kept) <= arrived
        assert len(rig.arrived) == len(arrived) + rig.check.doubles
        new = [one for one in kept if one not in before]
        assert len(new) == 21
        assert not [v for v in rig.check.verdict({}) if v.name in {"disorder", "double-differs"}]
        opening = json.loads(next(e for e in Reader(path).after(0, 10_000) if e.id == new[0]).payload)
        told = [t.text for t in rig.told if t.subject == "journal" and t.standing]
        if published:
            assert opening["published_beyond"] in before
            assert opening["published_beyond"] not in kept
            assert opening["published_beyond"] in told[-1]
            assert verify(path, cursor=path.with_name(CURSOR_FILE)).faults == []
        else:
            assert (opening["published_beyond"], told) == ("", [])


def test_a_copy_without_its_newest_events_is_found_by_what_was_published() -> None:
    with Rig() as rig:
        path, before = put_back(rig, 10, 10, 0)
        faults = verify(path, cursor=path.with_name(CURSOR_FILE)).faults
        assert [fault.seq for fault in faults] == [12]
        assert before[-1] in faults[0].text

"""A kept journal of each released schema is brought forward, whole, wherever the migration is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from station.journal import Journal, JournalError, Reader, migrate
from station.journal.schema import SCHEMA_VERSION
from station.journal.verify import verify
from tests.unit.journal.conftest import changed
from tests.unit.journal.keep import KEPT, frame_of

Opened = Callable[..., Journal]
OLD = "SELECT seq, id, type, version, time, mono_ns, epoch, session, payload FROM event ORDER BY seq"


def rows(path: Path) -> list[Any]:
    db = apsw.Connection(str(path))
    found = db.execute(OLD).fetchall()
    db.close()
    return found


def test_each_schema_before_this_is_kept() -> None:
    kept = {int(file.stem[1:]) for file in KEPT.glob("*.db")}
    assert kept - {SCHEMA_VERSION} == set(range(1, SCHEMA_VERSION))


@pytest.fixture(params=sorted(file.stem for file in KEPT.glob("*.db")))
def kept(path: Path, request: pytest.FixtureRequest) -> Path:
    shutil.copy(KEPT / f"{request.param}.db", path)
    return path


def test_a_kept_journal_goes_on_with_all_its_events(kept: Path, opened: Opened) -> None:
    before = rows(kept)
    version = int(kept.read_bytes()[60:64].hex(), 16)
    journal = opened()
    new = journal.append([changed(1)], epoch=1, session=1)
    assert rows(kept)[: len(before)] == before
    assert new[0].seq == len(before) + 2
    opening = Reader(kept).after(len(before), 1)[0]
    assert opening.type == "journal-opened"
    migrated = 0 if version == SCHEMA_VERSION else version
    assert f'"migrated_from":{migrated}}}'.encode() in opening.payload
    assert verify(kept).faults == []
    assert len(Reader(kept).of_parcel(None, 3)) == 6
    assert len(Reader(kept).of_parcel(None, 1)) == 6


def test_pictures_of_an_old_journal_are_found_by_all_that_name_them(path: Path, opened: Opened) -> None:
    shutil.copy(KEPT / "v1.db", path)
    opened()
    db = apsw.Connection(str(path))
    named = dict(db.execute("SELECT frame_id, count(*) FROM frame_event GROUP BY 1"))
    assert named == {frame_of(number): 6 if number == 2 else 3 for number in range(2, 7)}
    db.close()


class KilledError(Exception):
    pass


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_a_migration_killed_after_any_step_goes_on_there(
    path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    shutil.copy(KEPT / "v1.db", path)
    before = rows(path)
    monkeypatch.setattr(migrate, "AT_ONCE", at_once)
    step, kills = migrate._one_to_two, 0

    def killed(db: apsw.Connection) -> bool:
        """One transaction is committed, the next is not."""
        if done_one:
            step(db)
            raise KilledError
        done_one.append(True)
        return step(db)

    monkeypatch.setattr(migrate, "_one_to_two", killed)
    while True:
        done_one: list[bool] = []
        try:
            journal = opened()
        except KilledError:
            kills += 1
            with pytest.raises(JournalError, match="start the station once"):
                Reader(path)
            assert rows(path) == before
        else:
            break
    assert kills == len(before) // at_once + 1 + (len(before) % at_once > 0)
    journal.append([changed(1)], epoch=1, session=1)
    assert verify(path).faults == []


def test_a_migration_that_is_really_killed_goes_on(path: Path, opened: Opened) -> None:
    shutil.copy(KEPT / "v1.db", path)
    code = textwrap.dedent("""
        import os, signal, sys
        from datetime import datetime, UTC
        from pathlib import Path
        from station.journal import Journal, migrate
        migrate.AT_ONCE, step, turns = 3, migrate._one_to_two, []
        def killed(db):
            turns.append(1)
            done = step(db)
            if len(turns) == 6:
                os.kill(os.getpid(), signal.SIGKILL)
            return done
        migrate._one_to_two = killed
        Journal(Path(sys.argv[1]), station="demo", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 1)
    """)
    ended = subprocess.run([sys.executable, "-c", code, str(path)], env=os.environ, check=False)
    assert ended.returncode == -signal.SIGKILL
    opened().append([changed(1)], epoch=1, session=1)
    assert verify(path).faults == []


def test_the_program_before_can_still_read_a_journal_that_is_half_brought_forward(
    path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(KEPT / "v1.db", path)
    monkeypatch.setattr(migrate, "_finish", lambda _db: (_ for _ in ()).throw(KilledError))
    with pytest.raises(KilledError):
        opened()
    db = apsw.Connection(str(path))
    assert db.pragma("user_version") == 1
    assert set(dict(db.execute("SELECT key, value FROM meta"))) == {"id", "station", "created"}
    old = (41, "x-41", "a", 1, "t", 1, 1, 1, b"{}")
    db.execute("INSERT INTO event (seq, id, type, version, time, mono_ns, epoch, session, payload) VALUES"
               " (?, ?, ?, ?, ?, ?, ?, ?, ?)", old)  # fmt: skip
    db.close()

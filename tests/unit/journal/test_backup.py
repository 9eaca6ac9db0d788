"""Backup beside a writer, restore, and what a restored old copy does to ids and to the subscriber."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from station.beginning import begin
from station.core.events import CommandReceived
from station.journal import Journal, JournalError, Reader, backup
from station.journal.backup import back_up, restore, set_aside
from station.journal.verify import verify
from tests.unit.journal.conftest import NOON, changed
from tests.unit.journal.keep import KEPT

Opened = Callable[..., Journal]


def ids(path: Path) -> list[str]:
    return [event.id for event in Reader(path).after(0, 100_000)]


def test_a_backup_made_while_the_station_writes_is_whole(
    path: Path, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES", 2)
    journal = opened()
    for _ in range(50):
        journal.append([changed(n) for n in range(20)], epoch=1, session=1)
    over, written, steps = threading.Event(), threading.Event(), list[tuple[int, int]]()

    def write() -> None:
        while not over.is_set():
            journal.append([changed(1)], epoch=1, session=1)
            written.set()

    def told(done: int, of: int) -> None:
        written.clear()
        assert written.wait(5)
        steps.append((done, of))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(path, tmp_path / "b.db", told)
    finally:
        over.set()
        writer.join()
    assert len(steps) > 20
    assert steps[-1][0] == steps[-1][1]
    verdict = verify(tmp_path / "b.db")
    assert verdict.faults == []
    assert 1001 <= verdict.events < journal.last_seq
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("b.db")) == ["b.db"]
    assert verify(path).faults == []


def test_a_backup_writes_nothing_over_and_leaves_nothing_unfinished(path: Path, tmp_path: Path, opened: Opened) -> None:
    opened().append([changed(1)], epoch=1, session=1)
    there = tmp_path / "there.db"
    there.write_bytes(b"precious")
    with pytest.raises(JournalError, match="nothing is written over"):
        back_up(path, there)
    assert there.read_bytes() == b"precious"
    with pytest.raises(JournalError, match="cannot be"):
        back_up(path, tmp_path / "none" / "b.db")

    def interrupted(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        back_up(path, tmp_path / "b.db", interrupted)
    assert sorted(tmp_path.iterdir()) == before


def test_a_restored_journal_goes_on_and_uses_no_id_again(path: Path, tmp_path: Path, opened: Opened) -> None:
    journal = opened()
    journal.append([changed(n) for n in range(9)], epoch=1, session=1)
    back_up(path, tmp_path / "b.db")
    journal.append([changed(n) for n in range(9)], epoch=1, session=1)
    lost = ids(path)
    journal.close()
    set_aside(path, "now")
    assert restore(tmp_path / "b.db", path, "demo") == 10
    again = opened()
    again.append([changed(n) for n in range(9)], epoch=1, session=1)
    assert ids(path)[:10] == lost[:10]
    assert len({*ids(path), *lost}) == 10 + 9 + 10
    assert verify(path).faults == []


def test_a_journal_that_was_empty_when_copied_uses_no_id_again(path: Path, tmp_path: Path, opened: Opened) -> None:
    opened().close()
    shutil.copy(path, tmp_path / "b.db")
    opened().append([changed(1)], epoch=1, session=1)
    first = ids(path)
    set_aside_all(path, opened)
    shutil.copy(tmp_path / "b.db", path)
    opened().append([changed(1)], epoch=1, session=1)
    assert not {*first} & {*ids(path)}


def set_aside_all(path: Path, _opened: Opened) -> None:
    for file in path.parent.glob("journal.db*"):
        file.rename(file.with_name(f"old-{file.name}"))


def test_restore_refuses_what_is_there_foreign_another_stations_or_not_whole(
    path: Path, tmp_path: Path, opened: Opened
) -> None:
    journal = opened()
    journal.append([changed(n) for n in range(9)], epoch=1, session=1)
    good = tmp_path / "good.db"
    back_up(path, good)
    with pytest.raises(JournalError, match="move the journal aside first"):
        restore(good, path, "demo")
    journal.close()
    folder = set_aside(path, "now")
    assert [p.name for p in folder.iterdir()] == ["journal.db"]
    with pytest.raises(JournalError, match="belongs to station 'demo'"):
        restore(good, path, "other")
    changed_one, cut, foreign = (tmp_path / name for name in ("changed.db", "cut.db", "foreign.db"))
    for copy in (changed_one, cut):
        shutil.copy(good, copy)
    db = apsw.Connection(str(changed_one))
    db.execute("UPDATE event SET time = 'then' WHERE seq = 4")
    db.close()
    cut.write_bytes(good.read_bytes()[:20_000])
    foreign.write_text("Dear diary, " * 100)
    for bad, word in ((changed_one, "event 4"), (cut, "damaged"), (foreign, "not a journal"), (tmp_path, "a folder")):
        with pytest.raises(JournalError, match=word):
            restore(bad, path, "demo")
    assert not list(tmp_path.glob("journal.db*[!k]"))
    assert restore(good, path, "demo") == 10


def test_a_start_behind_a_restored_backup_is_paused_until_a_run_has_told_so(
    path: Path, tmp_path: Path, opened: Opened
) -> None:
    """A pause and a stricter policy that were commanded behind the backup are forgotten by it."""
    journal = opened()
    journal.append([changed(1)], epoch=1, session=1)
    back_up(path, tmp_path / "b.db")
    assert begin(path, NOON, lambda: journal).subject == ""
    journal.append([changed(2)], epoch=1, session=1)
    journal.close()
    set_aside(path, "now")
    restore(tmp_path / "b.db", path, "demo")
    for _ in range(2):
        begun = begin(path, NOON, opened)
        assert (begun.subject, "a backup that was restored" in begun.text) == ("put-back", True)
        assert isinstance(begun.events[0], CommandReceived)
        assert (begun.events[0].command.type, begun.events[0].own) == ("pause", True)
        begun.journal.close()
    journal = opened()
    journal.append([changed(3)], epoch=1, session=1)
    assert begin(path, NOON, lambda: journal).subject == ""
    assert verify(path).faults == []


def test_no_backup_is_made_of_a_journal_that_is_not_whole(path: Path, tmp_path: Path, opened: Opened) -> None:
    journal = opened()
    journal.append([changed(n) for n in range(9)], epoch=1, session=1)
    journal.close()
    db = apsw.Connection(str(path))
    db.execute("UPDATE event SET payload = x'7b7d' WHERE seq = 4")
    db.close()
    with pytest.raises(JournalError, match=r"event 4.*no backup was made"):
        back_up(path, tmp_path / "b.db")
    assert not list(tmp_path.glob("b.db*"))


@pytest.mark.parametrize("version", [path.stem for path in sorted(KEPT.glob("v*.db"))])
def test_a_backup_of_an_older_schema_is_restored_and_brought_forward(
    path: Path, tmp_path: Path, opened: Opened, version: str
) -> None:
    kept = Path(shutil.copy(KEPT / f"{version}.db", tmp_path / "kept.db"))
    db = apsw.Connection(str(kept))
    assert restore(kept, path, "demo") == db.execute("SELECT max(seq) FROM event").get
    db.close()
    opened().append([changed(1)], epoch=1, session=1)
    assert verify(path).faults == []


def test_a_journal_that_is_written_cannot_be_set_aside(path: Path, opened: Opened) -> None:
    journal = opened()
    with pytest.raises(JournalError, match="stop that one first"):
        set_aside(path, "now")
    journal.close()
    set_aside(path, "now")
    with pytest.raises(JournalError, match="there is no journal"):
        set_aside(path, "later")

"""Somebody who may only read looks at a journal, whether its station runs or has ended."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.journal import Journal, JournalError, Reader
from station.journal.backup import back_up
from station.journal.verify import verify
from tests.unit.journal.conftest import NOON, changed

NOBODY = 65534


@contextlib.contextmanager
def reader_only(folder: Path) -> Iterator[None]:
    """A user who may read the folder, and write nothing there."""
    mode, user = folder.stat().st_mode, os.geteuid()
    folder.chmod(0o555)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(mode)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where another user may look in, unlike in `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def written(folder: Path) -> Journal:
    journal = Journal(folder / "journal.db", station="demo", now_utc=lambda: NOON, mono_ns=lambda: 7)
    journal.append([changed(1), changed(2)], epoch=1, session=1)
    for path in folder.iterdir():
        path.chmod(0o644)
    return journal


def test_behind_an_end_in_order(folder: Path) -> None:
    """It was refused, "may not be written", which asks for rights that nobody needs."""
    written(folder).close()
    before = sorted(folder.iterdir())
    with reader_only(folder), contextlib.closing(Reader(folder / "journal.db")) as reader:
        assert [event.seq for event in reader.after(0, 9)] == [1, 2, 3]
        assert verify(folder / "journal.db").events == 3
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        with reader_only(folder):
            back_up(folder / "journal.db", Path(name) / "b.db")
        assert verify(Path(name) / "b.db").events == 3
    assert sorted(folder.iterdir()) == before


def test_while_it_runs(folder: Path) -> None:
    journal = written(folder)
    with reader_only(folder), contextlib.closing(Reader(folder / "journal.db")) as reader:
        assert reader.last_seq() == 3
    journal.close()


def test_behind_a_kill_with_a_log_nothing_is_guessed(folder: Path) -> None:
    """What stands in the log alone would be left out."""
    journal = written(folder)
    log = (folder / "journal.db-wal").read_bytes()
    journal.close()
    (folder / "journal.db-wal").write_bytes(log)
    with reader_only(folder), pytest.raises(JournalError):
        Reader(folder / "journal.db")

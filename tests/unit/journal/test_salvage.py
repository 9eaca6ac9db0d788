"""What is read of a damaged journal is what was written, and what is not read is named."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.journal import Journal, JournalError, Reader, Stored
from station.journal.salvage import Salvage
from tests.unit.journal.conftest import NOON, changed

PAGE = 4096
EVENTS = 1201


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "journal.db"
    ticks = count()
    journal = Journal(path, station="demo", now_utc=lambda: NOON, mono_ns=lambda: next(ticks))
    for n in range(60):
        journal.append([changed(n * 20 + i) for i in range(20)], epoch=1, session=1)
    journal.close()
    return path


@pytest.fixture(scope="module")
def written(whole: Path) -> dict[int, Stored]:
    return {event.seq: event for event in Reader(whole).after(0, 2 * EVENTS)}


def missing(salvage: Salvage) -> set[int]:
    return {seq for first, last in salvage.lost for seq in range(first, last + 1)}


def look(path: Path, written: dict[int, Stored]) -> tuple[int, Salvage]:
    """How many events are read; what is read is as it was written, and in order, and all else is named."""
    salvage = Salvage(path)
    found = list(salvage.events())
    assert [event.seq for event in found] == sorted({event.seq for event in found})
    assert all(written[event.seq] == event for event in found)
    read = {event.seq for event in found}
    last = max(read, default=0)
    assert missing(salvage) & set(range(1, last + 1)) == set(range(1, last + 1)) - read
    return len(found), salvage


def test_of_a_sound_journal_all_is_read_and_nothing_lost(whole: Path, written: dict[int, Stored]) -> None:
    found, salvage = look(whole, written)
    assert (found, salvage.lost, len(written)) == (EVENTS, [], EVENTS)


def test_whatever_page_is_garbage_most_of_the_rest_is_read(
    whole: Path, written: dict[int, Stored], tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    pages = whole.stat().st_size // PAGE
    read = []
    for page in range(1, pages):
        shutil.copy(whole, path)
        with path.open("r+b") as file:
            file.seek(page * PAGE)
            file.write(b"\xa5" * PAGE)
        try:
            read.append(look(path, written)[0])
        except JournalError:
            read.append(0)
    assert sorted(read)[pages // 10] > EVENTS * 0.9


@given(st.lists(st.tuples(st.integers(100, 10**9), st.integers(1, 255)), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_never_pass_for_what_was_written(
    whole: Path, written: dict[int, Stored], tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("flipped") / "journal.db"
    data = bytearray(whole.read_bytes())
    for at, bits in flips:
        data[at % len(data)] ^= bits
    path.write_bytes(data)
    salvage = Salvage(path)
    try:
        found = list(salvage.events())
    except JournalError:
        return
    alone = {last + 1 for _, last in salvage.lost} | {1}
    assert [event for event in found if written.get(event.seq) != event and event.seq not in alone] == []


def test_events_that_were_altered_are_left_out(whole: Path, written: dict[int, Stored], tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(whole, path)
    db = apsw.Connection(str(path))
    db.execute("UPDATE event SET session = 9 WHERE seq = 400")
    db.execute("UPDATE event SET payload = CAST('text' AS BLOB) WHERE seq = 600")
    db.execute("DELETE FROM event WHERE seq BETWEEN 700 AND 799")
    db.execute("UPDATE event SET chain = x'00', payload = x'00' WHERE seq = 800")
    db.close()
    found, salvage = look(path, written)
    assert salvage.lost == [(400, 400), (600, 600), (700, 801)]
    assert found == EVENTS - 104


def test_a_file_whose_first_page_is_gone_is_told(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(bytes(PAGE) + whole.read_bytes()[PAGE:])
    with pytest.raises(JournalError, match=r"\.recover"):
        list(Salvage(path).events())

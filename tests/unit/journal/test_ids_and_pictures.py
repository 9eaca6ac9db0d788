from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.journal import IdFile, JournalError, PictureStore
from station.journal.ids import Numbers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


def test_ids_grow_from_the_seconds_of_the_clock_and_are_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "ids.json"
    ids = IdFile(path, lambda: NOW)
    assert [ids.next_session(), ids.next_session(), ids.next_epoch()] == [NOW_S, NOW_S + 1, NOW_S]
    assert IdFile(path, lambda: datetime(1970, 1, 1, tzinfo=UTC)).next_session() == NOW_S + 2


def test_ids_are_above_what_the_plc_holds(tmp_path: Path) -> None:
    ids = IdFile(tmp_path / "ids.json", lambda: NOW)
    assert ids.next_session(floor=NOW_S + 100) == NOW_S + 101
    assert ids.next_session() == NOW_S + 102
    with pytest.raises(JournalError, match="check what the PLC reports"):
        ids.next_session(floor=2**32 - 1)
    assert ids.next_session() == NOW_S + 103


def test_with_the_file_lost_and_the_clock_set_back_the_journal_knows_what_was_used(tmp_path: Path) -> None:
    ids = IdFile(tmp_path / "ids.json", lambda: datetime(1970, 1, 1, tzinfo=UTC), Numbers(epoch=7, session=NOW_S))
    assert (ids.next_session(), ids.next_session(), ids.next_epoch()) == (NOW_S + 1, NOW_S + 2, 8)


def test_a_damaged_id_file_is_kept_aside_and_never_gives_zero(tmp_path: Path) -> None:
    path = tmp_path / "ids.json"
    path.write_bytes(b'{"session": 12')
    assert IdFile(path, lambda: datetime(1970, 1, 1, tzinfo=UTC)).next_epoch() == 1
    assert path.with_suffix(".damaged").read_bytes() == b'{"session": 12'


def test_an_id_that_cannot_be_written_is_not_given(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="before it is on disk"):
        IdFile(tmp_path / "none" / "ids.json", lambda: NOW).next_session()


@pytest.mark.parametrize(
    ("data", "suffix"),
    [(b"\x89PNG\r\n\x1a\n..", ".png"), (b"\xff\xd8\xff\xe0..", ".jpg"), (b"what is this", ".bin"), (b"", ".bin")],
)
def test_a_picture_is_named_by_its_content(tmp_path: Path, data: bytes, suffix: str) -> None:
    store = PictureStore(tmp_path / "pictures")
    sha256 = store.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest() == store.put(data)
    path = store.path_of(sha256)
    assert path == tmp_path / "pictures" / sha256[:2] / f"{sha256}{suffix}"
    assert path.read_bytes() == data
    assert len(list(path.parent.iterdir())) == 1
    assert store.path_of("0" * 64) is None


def test_a_picture_that_the_disk_refuses_is_not_half_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    store = PictureStore(tmp_path)
    store.put(b"good")
    (tmp_path / hashlib.sha256(b"bad").hexdigest()[:2]).mkdir()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JournalError, match="nothing of it was kept"):
        store.put(b"bad")
    assert [p.read_bytes() for p in tmp_path.rglob("*.*")] == [b"good"]


def test_a_picture_that_need_not_be_kept_goes_and_one_that_came_twice_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = PictureStore(tmp_path)
    once, twice, stuck = store.put(b"once"), store.put(b"twice"), store.put(b"stuck")
    store.put(b"twice")
    assert store.bytes_kept == len(b"once") + len(b"twice") + len(b"stuck")
    store.drop([once, twice, "0" * 64])
    assert store.path_of(once) is None
    assert store.path_of(twice) is not None
    assert store.bytes_kept == len(b"twice") + len(b"stuck")

    def refuse(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "unlink", refuse)
    store.drop([stuck])
    assert store.path_of(stuck) is not None
    assert "cannot be removed: Input/output error" in caplog.text


def test_a_picture_that_an_earlier_run_kept_is_not_dropped(tmp_path: Path) -> None:
    """Its events name it; what came in this run alone is no other's."""
    earlier = PictureStore(tmp_path).put(b"same")
    store = PictureStore(tmp_path)
    assert store.put(b"same") == earlier
    new = store.put(b"new")
    store.drop([earlier, new])
    assert (store.path_of(earlier) is not None, store.path_of(new)) == (True, None)

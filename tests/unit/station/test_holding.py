"""The commanded hold list as files: as a whole or not at all, and known again after a start."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from pathlib import Path

import pytest

from station.clock import now_utc
from station.holding import (
    CURRENT,
    FOLDER,
    MOST_STAGED,
    HoldListError,
    current,
    in_force,
    make_current,
    stage,
    staged,
)
from station.journal import Inbox
from station.lists import ListError, Lists, read_hold_list


def test_equal_lists_are_one_file(tmp_path: Path) -> None:
    sha256, codes = stage(tmp_path, ["B", "A", "B"])
    assert codes == 2
    assert stage(tmp_path, ["A", "B"]) == (sha256, 2)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [f"{sha256}.txt"]
    assert (tmp_path / FOLDER / f"{sha256}.txt").read_text() == "A\nB\n"


def test_codes_are_held_in_all_spellings(tmp_path: Path) -> None:
    sha256, _ = stage(tmp_path, ["036000291452", "00340123450000000017", "ab1"])
    gtin = {"036000291452", "0036000291452", "00036000291452"}
    assert staged(tmp_path, sha256).codes == gtin | {"00340123450000000017", "340123450000000017", "AB1"}
    assert "0036000291452(21)X" in staged(tmp_path, sha256).codes


@pytest.mark.parametrize("code", ["", " A", "A\n", "A\x00", "x" * 129], ids=repr)
def test_what_is_no_code_spoils_the_whole_list(tmp_path: Path, code: str) -> None:
    with pytest.raises(HoldListError, match="no barcode"):
        stage(tmp_path, ["A", code])
    assert not (tmp_path / FOLDER).exists()


def test_a_list_has_an_end(tmp_path: Path) -> None:
    assert stage(tmp_path, map(str, range(100_000)))[1] == 100_000
    with pytest.raises(HoldListError, match="100001 codes"):
        stage(tmp_path, map(str, range(100_001)))


def test_lists_that_nobody_takes_have_an_end(tmp_path: Path) -> None:
    for number in range(MOST_STAGED):
        stage(tmp_path, [str(number)])
    with pytest.raises(HoldListError, match="does the station run"):
        stage(tmp_path, ["one more"])
    assert stage(tmp_path, ["0"])[1] == 1


def test_lists_that_nobody_needs_any_more_make_room(tmp_path: Path) -> None:
    """A central system may send a list every few minutes, all day."""
    staged_ones = [stage(tmp_path, [str(number)])[0] for number in range(MOST_STAGED)]
    for path in (tmp_path / FOLDER).iterdir():
        os.utime(path, (now_utc().timestamp() - 60,) * 2)
    make_current(tmp_path, staged_ones[3])
    with closing(Inbox(tmp_path)) as inbox:
        inbox.post("h-1", "hold-list", "mqtt", b'{"sha256":"%b"}' % staged_ones[5].encode())
    newest, _ = stage(tmp_path, ["one more"])
    left = {path.stem for path in (tmp_path / FOLDER).glob("*.txt")}
    assert left == {staged_ones[3], staged_ones[5], newest}


def test_none_is_in_force_until_one_is_made_so(tmp_path: Path) -> None:
    assert (in_force(tmp_path), current(tmp_path).codes) == ("", frozenset())
    sha256, _ = stage(tmp_path, ["A"])
    make_current(tmp_path, sha256)
    assert in_force(tmp_path) == sha256
    assert current(tmp_path) == staged(tmp_path, sha256)


def test_an_empty_list_holds_nothing(tmp_path: Path) -> None:
    sha256, codes = stage(tmp_path, [])
    make_current(tmp_path, sha256)
    assert (codes, current(tmp_path).codes) == (0, frozenset())


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"0a"], ids=repr)
def test_a_damaged_word_on_what_is_in_force_is_no_list(tmp_path: Path, content: bytes) -> None:
    make_current(tmp_path, stage(tmp_path, ["A"])[0])
    (tmp_path / FOLDER / CURRENT).write_bytes(content)
    with pytest.raises(HoldListError, match="give the hold list again"):
        current(tmp_path)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    sha256, _ = stage(tmp_path, ["A"])
    make_current(tmp_path, sha256)
    (tmp_path / FOLDER / f"{sha256}.txt").unlink()
    with pytest.raises(ListError, match="give the hold list again"):
        Lists(None, None, tmp_path).changed()
    (tmp_path / FOLDER / CURRENT).unlink()
    (tmp_path / FOLDER / CURRENT).mkdir()
    with pytest.raises(HoldListError, match="directory"):
        current(tmp_path)


def test_another_list_than_the_one_that_was_commanded_last_is_not_known(tmp_path: Path) -> None:
    """Nor is it known where there is none: `rm -r hold` let held parcels pass."""
    other, wanted = stage(tmp_path, ["A"])[0], stage(tmp_path, ["B"])[0]
    lists = Lists(None, None, tmp_path, told=lambda: wanted)
    with pytest.raises(ListError, match="is none: give it again"):
        lists.changed()
    make_current(tmp_path, other)
    with pytest.raises(ListError, match=f"is {other[:16]}: give it again"):
        lists.changed()
    make_current(tmp_path, wanted)
    loaded = lists.changed()
    assert loaded is not None
    assert loaded.commanded == current(tmp_path)


def test_a_list_that_is_no_text_is_none(tmp_path: Path) -> None:
    content = b"\xff\n"
    sha256, folder = hashlib.sha256(content).hexdigest(), tmp_path / FOLDER
    folder.mkdir()
    (folder / f"{sha256}.txt").write_bytes(content)
    with pytest.raises(HoldListError, match="UTF-8"):
        staged(tmp_path, sha256)


def test_the_lists_of_a_start_name_what_was_commanded(tmp_path: Path) -> None:
    make_current(tmp_path, stage(tmp_path, ["A"])[0])
    (tmp_path / "held.csv").write_text("barcode\nF\n")
    loaded = Lists(tmp_path / "held.csv", None, tmp_path).changed()
    assert loaded is not None
    assert loaded.commanded is not None
    assert (loaded.held, loaded.commanded.codes) == ({"F"}, {"A"})
    assert read_hold_list(tmp_path / "held.csv") == ["F"]

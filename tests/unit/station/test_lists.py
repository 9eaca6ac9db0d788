"""Hold list and declared weights: as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.lists import ListError, Lists


def both(tmp_path: Path, hold: bytes = b"barcode\n0012\n", declared: bytes = b"barcode,grams\n0012,500\n") -> Lists:
    (tmp_path / "hold.csv").write_bytes(hold)
    (tmp_path / "declared.csv").write_bytes(declared)
    return Lists(tmp_path / "hold.csv", tmp_path / "declared.csv")


def test_loaded_once_and_again_when_changed(tmp_path: Path) -> None:
    lists = both(tmp_path)
    loaded = lists.changed()
    assert loaded is not None
    assert loaded.held == frozenset({"0012"})
    assert loaded.declared_g == (("0012", 500.0),)
    assert lists.changed() is None
    (tmp_path / "hold.csv").write_bytes(b"barcode\n0012\n0013\n")
    assert lists.changed() is None, "a change is read only when it was seen twice alike"
    again = lists.changed()
    assert again is not None
    assert again.held == {"0012", "0013"}
    assert again.version != loaded.version


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("036000291452", "0036000291452"),
        ("00036000291452", "0036000291452"),
        ("00340123450000000178", "340123450000000178"),
        ("0012", "0012"),
    ],
)
def test_a_held_code_is_held_however_it_is_spelt(tmp_path: Path, written: str, read: str) -> None:
    loaded = both(tmp_path, hold=f"barcode\n{written}\n".encode()).changed()
    assert loaded is not None
    assert read in loaded.held


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (b"barcode,grams\n0012,heavy\n", "declared.csv:2: 'heavy' is no weight"),
        (b"barcode,grams\n0012,nan\n", "no weight"),
        (b"barcode,grams\n0012,-4\n", "no weight"),
        (b"barcode,grams\n0012\n", "declared.csv:2"),
        (b"barcode,grams\n0012,500", "still being written"),
        (b"\xff\xfe\n", "not CSV in UTF-8"),
        (b"", "is empty; write a file with at least the heading"),
    ],
)
def test_a_bad_list_is_refused_as_a_whole_and_named(tmp_path: Path, declared: bytes, said: str) -> None:
    lists = both(tmp_path, declared=declared)
    with pytest.raises(ListError, match=said):
        lists.changed()
    (tmp_path / "declared.csv").write_bytes(b"barcode,grams\n0012,500\n")
    assert lists.changed() is not None


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"hold\.csv"):
        Lists(tmp_path / "hold.csv", None).changed()


@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    lists = both(tmp_path_factory.mktemp("any"), hold=data)
    try:
        loaded = lists.changed()
    except ListError:
        return
    assert loaded is not None

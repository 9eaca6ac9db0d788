"""Hold list and declared weights: as a whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.scanner_codec import Scanned, ScannerCodec
from station.core.events import Arrived
from station.core.now import Now
from station.holding import HoldListError, stage
from station.lists import ListError, Lists
from station.spelling import Codes, code_fault
from tests.unit.core.virtual_line import VirtualLine


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


@pytest.mark.parametrize(("rows", "waits_s"), [(0, 10), (2, 10), (3, 0), (6, 0)])
def test_a_list_that_has_lost_more_than_half_must_stay_so_for_a_while(tmp_path: Path, rows: int, waits_s: int) -> None:
    """A slow export writes in place, the heading first, and each line to its end."""
    now = [5]
    hold = tmp_path / "hold.csv"
    hold.write_text("barcode\nA1\nA2\nA3\nA4\nA5\n")
    lists = Lists(hold, None, clock_ns=lambda: now[0])
    assert lists.changed() is not None
    hold.write_text("barcode\n" + "".join(f"B{number}\n" for number in range(rows)))
    assert lists.changed() is None
    for _ in range(waits_s):
        with pytest.raises(ListError, match=f"hold.csv: has {rows} rows, 5 are in force; is it still being written?"):
            lists.changed()
        now[0] += 1_000_000_000
    taken = lists.changed()
    assert taken is not None
    assert len(taken.held) == rows


def test_and_so_must_declared_weights_and_from_the_last_change_on(tmp_path: Path) -> None:
    now = [5]
    declared = tmp_path / "declared.csv"
    declared.write_text("barcode,grams\nA1,1\nA2,2\nA3,3\n")
    lists = Lists(None, declared, clock_ns=lambda: now[0])
    assert lists.changed() is not None
    for text in ("barcode,grams\n", "barcode,grams\nA1,1\n"):
        declared.write_text(text)
        assert lists.changed() is None
        for _ in range(9):
            with pytest.raises(ListError, match="is it still being written"):
                lists.changed()
            now[0] += 1_000_000_000
    now[0] += 1_000_000_000
    taken = lists.changed()
    assert taken is not None
    assert dict(taken.declared_g)["A1"] == 1.0


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("036000291452", "0036000291452"),
        ("00036000291452", "0036000291452"),
        ("00340123450000000178", "340123450000000178"),
        ("0012", "0012"),
        ("0109501101530003", "9501101530003"),
        ("010950110153000310LOT7", "9501101530003"),
        ("010950110153000321SER9", "9501101530003(21)SER9"),
        ("10LOT7<GS>0109501101530003", "9501101530003"),
        ("9501101530003", "9501101530003(21)SER9"),
        ("010950110153000310LOT7", "9501101530003(21)SER9"),
        ("00000012345670", "12345670"),
        ("12345670", "0000012345670"),
        ("14006381333938", "14006381333938"),
        ("36000291452", "0036000291452"),
        ("340123450000000017", "00340123450000000017"),
        ("042100005264", "04252614"),
        ("0012345000065", "01234565"),
        ("*AB1*", "AB1"),
        ("ab123456", "AB123456"),
        ("AB123456", "ab123456"),
        ("010950110153000321ser9", "9501101530003(21)SER9"),
    ],
)
def test_a_held_code_is_held_however_it_is_spelt(tmp_path: Path, written: str, read: str) -> None:
    loaded = both(tmp_path, hold=f"barcode\n{written}\n".encode()).changed()
    assert loaded is not None
    assert read in loaded.held


@pytest.mark.parametrize(
    "label",
    [
        "https://id.gs1.org/01/09501101530003/21/SER9",
        "HTTP://EXAMPLE.COM/00/340123450000000017?x=1",
        "https://example.com/p/4711",
        "10LOT7<FNC1>0109501101530003",
        "010950110153000310LOT7{GS}21SER9",
        "010950110153000310LOT7<GS>21SER9",
        "00340123450000000017",
        "340123450000000017",
        "0109501101530003",
        "036000291452",
        "04252614",
        "JJD0099 abc",
        "*AB1*",
    ],
)
@pytest.mark.parametrize("gs1", ["auto", "off"])
def test_what_a_list_has_as_on_the_label_is_what_a_scanner_tells_of_it(label: str, gs1: Literal["auto", "off"]) -> None:
    """Two parties, one meaning: a label whose identity was told in a new way was no longer held by its own text."""
    codec = ScannerCodec(prefix=b"", suffix=b"\r", noread="", max_length=128, idle_ns=1, gs1=gs1)
    (read,) = codec.receive(label.encode() + b"\r", Arrived(0, 1))
    assert isinstance(read, Scanned)
    assert read.code is not None
    assert code_fault(label) == ""
    assert read.code in Codes.of([label])


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (b"barcode,grams\n0012,heavy\n", "declared.csv:2: 'heavy' is no weight"),
        (b"barcode,grams\n0012,nan\n", "no weight"),
        (b"barcode,grams\n0012,-4\n", "no weight"),
        (b"barcode,grams\n0012\n", "declared.csv:2"),
        (b"barcode,kg\n0012,0.5\n", "declared.csv:1: the second column must be `grams`"),
        (b"barcode,grams\n0012,2,5\n", "declared.csv:2: 3 columns"),
        (b"barcode,grams\n0012,500\n0013,1\n0012,501\n", "declared.csv:4: 0012 is declared a second time"),
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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("010950110153000321SER9", "9501101530003"),
        ("010950110153000321SER9", "9501101530003(21)SER8"),
        ("AB123456", "AB12345"),
        ("0012", "12"),
        ("036000291452", "03629145"),
        ("0109501101530004", "9501101530004"),
    ],
)
def test_another_code_is_not_held(tmp_path: Path, written: str, read: str) -> None:
    try:
        loaded = both(tmp_path, hold=f"barcode\n{written}\n".encode()).changed()
    except ListError:
        return
    assert loaded is not None
    assert read not in loaded.held


@pytest.mark.parametrize(
    ("written", "read"),
    [("010950110153000310LOT7", "9501101530003"), ("00000012345670", "12345670"), ("ab123456", "AB123456")],
)
def test_a_weight_is_declared_however_the_code_is_spelt(tmp_path: Path, written: str, read: str) -> None:
    loaded = both(tmp_path, declared=f"barcode,grams\n{written},700\n".encode()).changed()
    assert loaded is not None
    assert dict(loaded.declared_g)[read] == 700


def test_the_core_asks_for_codes_as_the_list_means_them(tmp_path: Path) -> None:
    line = VirtualLine().line
    line.handle(both(tmp_path, hold=b"barcode\nab1\n9501101530003\n").changed(), Now(1, ""))
    assert [code in line.desk for code in ("AB1", "9501101530003(21)X", "AB2")] == [True, True, False]


SPOILT = [
    ("4006381333931;customs", "several cells"),
    ("4006381333931\tcustoms", "no barcode has"),
    ("4.00638E+12", "a spreadsheet has rounded it"),
    ("4,00638E+12", "2 columns"),
    ('"4,00638E+12"', "a spreadsheet has rounded it"),
    ("4006381333931.0", "made a number of it"),
    ("4.006.381.333.931", "made a number of it"),
    ("4'006'381'333'931", "made a number of it"),
    ("+4006381333931", "made a number of it"),
    ("4006381333931-", "made a number of it"),
    ('="4006381333931"', "the code alone"),
    ("'4006381333931", "the code alone"),
    ("]C1003401234500000001", "the code alone"),
    ("(00)340123450000000017", "without brackets"),
    ("4006 3813 3393 1", "without blanks"),
    ("\u200b4006381333931", "no barcode has"),
    ("\0\0\0", "no barcode has|not CSV"),
    ("<html><body>503 Service Unavailable</body></html>", "the code alone"),
    ('{"error": "timeout"}', "2 columns|the code alone|not CSV"),
    ("4006381333931,customs", "2 columns"),
    *((code, "check digit, does not fit") for code in ("340123450000000010", "00340123450000000018")),
    *((code, "a spreadsheet has rounded it") for code in ("340123460000000000", "340123450000000000000")),
]
"""What a spreadsheet, a web server or a helpful person makes of a hold list; it would hold nothing."""


@pytest.mark.parametrize(("line", "said"), SPOILT)
def test_a_hold_list_that_would_hold_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    for text in (f"barcode\n0012\n{line}\n", f"{line}\n"):
        lists = both(tmp_path, hold=text.encode())
        with pytest.raises(ListError, match=said):
            lists.changed()


@pytest.mark.parametrize(("line", "said"), [case for case in SPOILT if "columns" not in case[1]])
def test_and_so_is_one_that_is_commanded(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(HoldListError, match=said.partition("|")[0]):
        stage(tmp_path, ["0012", line.strip('"') if "rounded" in said else line])


@pytest.mark.parametrize(
    "code", ["123456789012", "14006381333939", "123456789012345", "9612345678901234567890", "00340123450000000017"]
)
def test_a_carriers_own_number_may_be_held(tmp_path: Path, code: str) -> None:
    """Numbers of 12, 14, 15 and 22 digits without a check digit of GS1 are on many labels."""
    loaded = both(tmp_path, hold=f"0012\n{code}\n".encode()).changed()
    assert loaded is not None
    assert code in loaded.held


def test_more_columns_may_be_named_in_the_heading(tmp_path: Path) -> None:
    loaded = both(tmp_path, hold=b"barcode,why\n0012,customs\n").changed()
    assert loaded is not None
    assert loaded.held == {"0012"}


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

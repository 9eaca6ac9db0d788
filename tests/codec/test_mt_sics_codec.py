"""Field cases C22 (as another family's text) and C23."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from drivers.mt_sics_codec import MtSicsCodec, Refused
from drivers.weighing import Dynamic, NewResults, Weighed
from station.core.events import Arrived
from tests.codec.pieces import ANYTHING, CUTS, MS, at, pieces


def codec(unit: str = "kg") -> MtSicsCodec:
    return MtSicsCodec(unit, 100 * MS)


def read(line: str, unit: str = "kg") -> object:
    [event] = codec(unit).receive(line.encode("latin-1") + b"\r\n", at(1))
    return event


@pytest.mark.parametrize(
    ("line", "unit", "grams"),
    [
        ("S S      1.234 kg", "kg", 1234.0),
        ("S S    1234.0 g", "g", 1234.0),
        ("S S      0.001 t", "t", 1000.0),
        ("S S      2.500 lb", "lb", 1133.980925),
        ("S S     10.000 oz", "oz", 283.49523125),
        ("S S      0.000 kg", "kg", 0.0),
        ("S S      1 kg ", "kg", 1000.0),
    ],
)
def test_only_a_stable_result_is_a_weight(line: str, unit: str, grams: float) -> None:
    event = read(line, unit)
    assert isinstance(event, Weighed)
    assert event.weight_g == pytest.approx(grams)
    assert event.fault == ""


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("S I", "not executable"), ("S +", "overload"), ("S -", "underload"), ("ES", "syntax error"),
        ("ET", "transmission error"), ("EL", "logical error"), ("S S      2.500 lb", "unit lb, expected kg"),
        ("S S      1,234 kg", "no MT-SICS result"),
        ("S S      1.234", "no MT-SICS result"), ("S S      1.2.4 kg", "no MT-SICS result"),
        ("S X      1.234 kg", "no MT-SICS result"), ("4006381333931", "no MT-SICS result"),
        ("S S      1.\xb234 kg", "no MT-SICS result"), (" S      1.234 kg", "no MT-SICS result"),
        ("S S     1e3 kg", "no MT-SICS result"), ("S S      nan kg", "no MT-SICS result"),
    ],
)  # fmt: skip
def test_whatever_else_is_a_fault_with_its_name(line: str, fault: str) -> None:
    event = read(line)
    assert isinstance(event, Weighed)
    assert event.weight_g is None
    assert fault in event.fault


def test_dynamic_is_no_evidence_however_often() -> None:
    events = codec().receive(b"S D     12.345 kg\r\n" * 100, at(1))
    assert {type(e) for e in events} == {Dynamic}
    assert len(events) == 100


def test_power_up_is_no_result() -> None:
    assert read('I4 A "0123456789"') == Refused("switched on", b'I4 A "0123456789"', "", at(1))


@pytest.mark.parametrize("swb", [0x30, 0x38, 0x34, 0x32, 0x20, 0x70, 0x31])
def test_a_toledo_scale_is_refused_and_named(swb: int) -> None:
    frame = bytes([0x02, 0x2D, swb, 0x20]) + b"002500000000\r-"
    events = codec().receive(frame * 10, at(1))
    assert events
    assert all(isinstance(e, Refused) for e in events)
    assert events[0].family == "a Toledo continuous scale"  # type: ignore[union-attr]


@settings(deadline=None)
@given(cuts=CUTS)
def test_any_split_reads_the_same(cuts: list[int]) -> None:
    one, events = codec(), []
    for n, piece in enumerate(pieces(b"S S      1.234 kg\r\nS D      1.300 kg\r\nS +\r\n" * 2, cuts)):
        events += one.receive(piece, at(15 * n + 1))
    assert [type(e) for e in events] == [Weighed, Dynamic, Weighed] * 2


@pytest.mark.parametrize("split", range(1, 17))
def test_half_a_line_is_never_a_weight(split: int) -> None:
    one, line = codec(), b"S S      1.234 kg"
    events = one.receive(line[:split], at(1))
    events += one.idle(at(301).after_ns)
    events += one.receive(line[split:] + b"\r\n", at(302))
    assert not any(isinstance(e, Weighed) for e in events)


@settings(deadline=None)
@given(chunks=ANYTHING)
def test_any_bytes_raise_nothing_and_never_grow_memory(chunks: list[tuple[bytes, int]]) -> None:
    one, now = codec(), 1
    for data, silence in chunks:
        for event in one.receive(data, Arrived(now * MS, (now + 1) * MS)):
            assert isinstance(event, (Weighed, Dynamic, Refused))
        assert one.held <= 66
        now += silence
        one.idle(now * MS)


def _new(*results: float | str | None) -> list[float | str]:
    """Which of these results are new: None is dynamic, a text a fault."""
    gate, new = NewResults(empty_g=20), []
    for result in results:
        if result is None:
            event: Weighed | Dynamic = Dynamic(at(1))
        elif isinstance(result, str):
            event = Weighed(None, result, at(1))
        else:
            event = Weighed(result, "", at(1))
        if told := gate.new(event):
            new.append(told.fault or told.weight_g or 0.0)
    return new


def test_a_repeated_result_is_new_only_after_a_moving_or_empty_platform() -> None:
    assert _new(500.0, 500.0) == []
    assert _new(0.0, 500.0, 500.0, 500.0, None, 500.0, 0.0, 700.0) == [500.0, 500.0, 700.0]
    assert _new(None, 500.0, 501.0) == [500.0]
    assert _new(-2.0, 500.0, 0.0, -500.0, -2.0, 600.0) == [500.0, "negative", 600.0]


def test_a_weight_that_becomes_another_although_nothing_moved_is_a_fault() -> None:
    moved = "another weight, and nothing moved"
    assert _new(0.0, 1200.0, 2500.0, 2500.0, None, 2500.0) == [1200.0, moved, 2500.0]
    assert _new(0.0, 1200.0, 1195.0, 1200.0) == [1200.0]
    assert _new(1200.0, 2500.0) == [moved]


def test_a_fault_is_told_when_it_begins() -> None:
    assert _new(None, "overload", "overload", 500.0, None, 500.0) == ["overload", 500.0]


@pytest.mark.parametrize("spoilt", range(len(b"S S      1.234 kg\r\n")))
def test_a_result_with_a_byte_of_wrong_parity_is_no_weight(spoilt: int) -> None:
    data = bytearray(b"S S      1.234 kg\r\n")
    data[spoilt] = 0
    events = codec().receive(bytes(data) + b"S S      2.000 kg\r\n", at(1))
    assert {event.weight_g for event in events if isinstance(event, Weighed)} <= {None, 2000.0}

"""Field cases C06 and C08."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.modbus_scale_codec import ScaleCodec, ScaleMap
from drivers.weighing import Weighed
from station.core.events import Arrived
from tests.codec.pieces import MS, at

STABLE = 1


def scale_map(kind: str = "float32", words: str = "high-first", **more: object) -> ScaleMap:
    return ScaleMap.model_validate({
        "weight": {"address": 10, "type": kind, "words": words}, "unit": "kg", "counter": 13,
        "status": {"address": 12, "stable_bit": 0, "fault_bits": {1: "overload", 15: "error"}}, **more,
    })  # fmt: skip


def result(weight: list[int], status: int = STABLE, *, settings: ScaleMap) -> Weighed:
    codec = ScaleCodec(settings)
    assert codec.sample([*weight, *[0] * (2 - len(weight)), status, 5], at(1)) is None
    event = codec.sample([*weight, *[0] * (2 - len(weight)), status, 6], at(2))
    assert event is not None
    return event


@pytest.mark.parametrize(
    ("kind", "words", "weight", "grams"),
    [
        ("float32", "high-first", [0x4020, 0x0000], 2500),
        ("float32", "low-first", [0x0000, 0x4020], 2500),
        ("int32", "high-first", [0x0000, 0x0002], 2000),
        ("uint32", "low-first", [0x0002, 0x0000], 2000),
        ("int16", "high-first", [0x0002], 2000),
        ("uint16", "high-first", [0x0002], 2000),
    ],
)
def test_types_and_word_orders(kind: str, words: str, weight: list[int], grams: float) -> None:
    assert result(weight, settings=scale_map(kind, words)).weight_g == grams


@pytest.mark.parametrize(
    ("kind", "weight", "fault"),
    [
        ("uint16", [0x7FFD], "no value (7FFD)"), ("int16", [0x7FFF], "no value (7FFF)"),
        ("int16", [0x8000], "no value (8000)"), ("uint16", [0xFFFF], "no value (FFFF)"),
        ("int32", [0x8000, 0x0000], "no value (80000000)"), ("uint32", [0xFFFF, 0xFFFF], "no value (FFFFFFFF)"),
        ("float32", [0x7FC0, 0x0000], "no value (7FC00000)"), ("float32", [0x7F80, 0x0000], "no value"),
        ("float32", [0x0000, 0x4020], "nonsense (00004020)"), ("uint32", [0x0002, 0x0000], "nonsense"),
        ("int16", [0xFF38], "negative"), ("float32", [0xC020, 0x0000], "negative"),
        ("uint16", [0x0309], "no value (0309)"),
    ],
)  # fmt: skip
def test_no_value_and_nonsense_are_no_weight(kind: str, weight: list[int], fault: str) -> None:
    event = result(weight, settings=scale_map(kind, no_value=(0x309,)))
    assert event.weight_g is None
    assert fault in event.fault


@pytest.mark.parametrize(
    ("kind", "words", "weight", "code"),
    [
        ("int32", "low-first", [0x423F, 0x000F], 0x423F000F),
        ("int32", "low-first", [0x423F, 0x000F], 999_999),
        ("float32", "high-first", [0x4479, 0xC000], 999),
        ("int16", "high-first", [0xFFF6], -10),
    ],
)
def test_a_code_for_no_value_is_known_as_number_and_as_it_stands_on_the_wire(
    kind: str, words: str, weight: list[int], code: int
) -> None:
    assert result(weight, settings=scale_map(kind, words, no_value=(code,))).fault.startswith("no value")


def test_status_is_read_with_every_result() -> None:
    good, settings = [0x4020, 0], scale_map()
    assert result(good, 0, settings=settings).fault == "not stable"
    assert result(good, STABLE | 0x8002, settings=settings).fault == "overload, error"
    told = scale_map(unit_register={"address": 14, "codes": {1: "kg", 2: "lb"}})
    for code, fault in ((1, ""), (2, "unit lb, expected kg"), (9, "unit code 9, expected kg")):
        codec = ScaleCodec(told)
        codec.sample([*good, STABLE, 5, code], at(1))
        event = codec.sample([*good, STABLE, 6, code], at(2))
        assert event is not None
        assert event.fault == fault


def counted(*counters: int) -> list[bool]:
    codec = ScaleCodec(scale_map())
    return [codec.sample([0x4020, 0, STABLE, counter], at(1)) is not None for counter in counters]


def test_only_an_advanced_counter_makes_a_result() -> None:
    assert counted(5, 5, 6, 6, 7) == [False, False, True, False, True]
    assert counted(0xFFFE, 0, 1) == [False, True, True]
    assert counted(500, 3, 4) == [False, False, True]
    assert counted(5, 0xFFFF, 0xFFFF, 0xFFFF, 6, 7) == [False, False, False, False, False, True]
    assert counted(5, 5000, 5001) == [False, False, True]


def test_missed_results_are_counted() -> None:
    codec = ScaleCodec(scale_map())
    for counter in (5, 8):
        codec.sample([0x4020, 0, STABLE, counter], Arrived(0, 30 * MS))
    assert codec.missed == 2


def test_an_old_result_that_is_back_is_not_new() -> None:
    """Many gateways serve zeros while they have lost their slave, and bytes of another answer get lost in one."""
    assert counted(42, 0, 0, 42, 43) == [False, False, False, False, True]
    assert counted(41, 42, 0, 42, 42, 43) == [False, True, False, False, False, True]
    assert counted(1, 0, 1, 2) == [False, False, False, True]
    assert counted(41, 40, 41, 42) == [False, False, False, True]
    assert counted(41, 0xFFFF, 41, 0, 41, 42) == [False] * 5 + [True]
    assert counted(42, 0, 20, 42, 0, 42) == [False] * 6


def test_no_result_is_lost_where_the_numbers_begin_anew() -> None:
    assert counted(0xFFFD, 0xFFFE, 0xFFFF, 0, 1) == [False, True, True, True, True]
    assert counted(0xFFFE, 0xFFFF, 1) == [False, True, True]


def test_a_scale_that_was_restarted_counts_again_from_its_second_number_on() -> None:
    assert counted(500, 0, 1, 2) == [False, False, True, True]


def test_without_a_counter_the_platform_must_have_moved() -> None:
    codec = ScaleCodec(scale_map(counter=None))
    light, heavy = struct.unpack(">HH", struct.pack(">f", 0.0)), (0x4020, 0)
    frames = [(heavy, 1), (light, 1), (heavy, 0), (heavy, 1), (heavy, 1), (heavy, 0), (heavy, 1)]
    new = [codec.sample([*weight, stable], at(1)) is not None for weight, stable in frames]
    assert new == [False, False, False, True, False, False, True]


def test_a_known_pattern_shows_map_and_order() -> None:
    settings = scale_map(pattern={"address": 14, "type": "uint32", "value": 0x12345678})
    codec = ScaleCodec(settings)
    assert codec.mismatch([0, 0, 0, 0, 0x1234, 0x5678]) == ""
    assert "check map, offset and word order" in codec.mismatch([0, 0, 0, 0, 0x5678, 0x1234])
    assert settings.span == (10, 6)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 65535), min_size=4, max_size=4), max_size=50), st.sampled_from(
    ["int16", "uint16", "int32", "uint32", "float32"]), st.booleans())  # fmt: skip
def test_any_words_raise_nothing_and_give_sane_weights(samples: list[list[int]], kind: str, counter: bool) -> None:  # noqa: FBT001
    codec = ScaleCodec(scale_map(kind, **({} if counter else {"counter": None})))
    for words in samples:
        event = codec.sample(words, at(1))
        if event is not None:
            assert (event.weight_g is None) == bool(event.fault)
            assert event.weight_g is None or 0 <= event.weight_g <= 1e6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": {"address": 12, "stable_bit": 0, "fault_bits": {16: "overload"}}}, "less than or equal to 15"),
        ({"status": {"address": 12, "stable_bit": 0, "fault_bits": {-1: "overload"}}}, "greater than or equal to 0"),
        ({"status": {"address": 12, "stable_bit": 1, "fault_bits": {1: "overload"}}}, "bit 1 is both"),
        ({"status": {"address": 11, "stable_bit": 0}}, "register 11 is part of both weight and status"),
        ({"counter": 12}, "register 12 is part of both status and counter"),
        ({"unit_register": {"address": 14, "codes": {1: "stone"}}}, "Input should be 'g'"),
        ({"factor": True}, "'true' is yes or no"),
        ({"weight": {"address": 65_535, "type": "int32"}}, "cannot begin at 65535"),
        ({"no_value": (2**32,)}, "no_value 4294967296: no register of type int32 ever holds it"),
        ({"no_value": (-(2**31) - 1,)}, "ever holds it"),
        ({"pattern": {"address": 14, "value": 70_000}}, "value 70000: a register of type uint16"),
        ({"pattern": {"address": 14, "value": 1.5}}, "value 1.5"),
        ({"pattern": {"address": 14, "value": 0}}, "not 0"),
        ({"unit_register": {"address": 14, "codes": {1: "g"}}}, "no code of unit_register means kg"),
        ({"unit_register": {"address": 14, "codes": {70_000: "kg"}}}, "less than or equal to 65535"),
        ({"largest_g": float("inf")}, "finite"),
    ],
)
def test_a_map_that_cannot_be_right_is_refused(change: dict[str, object], said: str) -> None:
    """A manual that counts bits from 1 made bit 16 of an overload: it was never seen."""
    right = {
        "weight": {"address": 10, "type": "int32"},
        "unit": "kg",
        "status": {"address": 12, "stable_bit": 0, "fault_bits": {1: "overload"}},
        "counter": 13,
    }
    assert ScaleMap.model_validate(right).span == (10, 4)
    with pytest.raises(ValidationError, match=said):
        ScaleMap.model_validate(right | change)

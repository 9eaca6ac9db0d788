"""Field case C13."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from drivers.rtu_codec import AnswerFinder, Refusal, Registers, crc, read_request
from tests.codec.pieces import CUTS, pieces

ASKED = read_request(1, 3, 0, 2)
WORDS = Registers((0x1234, 0x8003))
BODY = bytes.fromhex("010304 1234 8003")
ANSWER = BODY + crc(BODY)


def found(data: bytes, cuts: list[int] | None = None, finder: AnswerFinder | None = None) -> Registers | Refusal | None:
    finder = finder or AnswerFinder(1, 3, 2)
    for piece in pieces(data, cuts or []):
        if (answer := finder.receive(piece)) is not None:
            return answer
    return None


def test_the_checksum_is_that_of_the_specification() -> None:
    assert crc(bytes.fromhex("0207")) == bytes.fromhex("4112")  # V1.02, appendix B
    assert crc(bytes.fromhex("048302")) == bytes.fromhex("D0F0")
    assert crc(bytes.fromhex("0103020000")) == bytes.fromhex("B844")


@given(st.binary(max_size=260))
def test_the_checksum_is_that_of_another_implementation(data: bytes) -> None:
    assert int.from_bytes(crc(data)) == FramerRTU.compute_CRC(data)


def test_a_read_is_as_the_specification_has_it() -> None:
    assert read_request(0x11, 3, 0x006B, 3) == bytes.fromhex("1103006B0003 7687")


@pytest.mark.parametrize(
    ("line", "finder", "answer"),
    [
        ("00 04 83 02 D0 F0 00", AnswerFinder(4, 3, 1), Refusal(2)),
        ("01 03 02 00 00 B8 44 00 00 00", AnswerFinder(1, 3, 1), Registers((0,))),
    ],
)
def test_zeros_of_a_turning_line_are_no_part_of_an_answer(
    line: str, finder: AnswerFinder, answer: Registers | Refusal
) -> None:
    assert found(bytes.fromhex(line), finder=finder) == answer


NOISE = st.binary(max_size=40)


@settings(deadline=None)
@given(NOISE, CUTS)
@example(ASKED, [])
@example(ANSWER[:-1], [])
@example(b"\x01\x03\x04", [])
def test_an_answer_is_found_behind_any_noise_at_any_split(noise: bytes, cuts: list[int]) -> None:
    assert found(noise + ANSWER, cuts) == WORDS


@settings(deadline=None)
@given(st.integers(0, len(ANSWER) - 1), st.integers(1, 255), CUTS)
def test_no_answer_with_a_byte_changed_is_taken(place: int, flip: int, cuts: list[int]) -> None:
    spoilt = bytearray(ANSWER)
    spoilt[place] ^= flip
    assert found(bytes(spoilt), cuts) is None


@settings(deadline=None)
@given(st.integers(0, len(ANSWER) - 1), CUTS)
def test_no_answer_that_lost_a_byte_is_taken(place: int, cuts: list[int]) -> None:
    assert found(ANSWER[:place] + ANSWER[place + 1 :], cuts) is None


@pytest.mark.parametrize("other", [(2, 3, 2), (1, 4, 2), (1, 3, 3)])
def test_the_answer_to_another_question_is_none(other: tuple[int, int, int]) -> None:
    assert found(ANSWER, finder=AnswerFinder(*other)) is None


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=30))
def test_any_bytes_raise_nothing_and_little_is_remembered(chunks: list[bytes]) -> None:
    finder = AnswerFinder(1, 3, 2)
    for chunk in chunks:
        finder.receive(chunk)
        assert len(finder._held) <= len(ANSWER)

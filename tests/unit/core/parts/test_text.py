"""Text from outside as it may stand in a record: field cases of file names and answers in no encoding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.core.records import DeviceChanged, Reason
from station.core.text import LONGEST_TEXT, shown


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Prüfung 17.png", "Prüfung 17.png"),
        ("Pr\udcfcfung.png", "Pr\\xfcfung.png"),
        ("a\nb\tc\x1dd", "a b c d"),
        ("\x1b[2J", "\N{REPLACEMENT CHARACTER}[2J"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
        ("x" * (LONGEST_TEXT + 1), "x" * (LONGEST_TEXT - 1) + "…"),
    ],
)
def test_what_steers_a_screen_or_is_in_no_encoding_is_told_in_plain_characters(text: str, plain: str) -> None:
    assert shown(text) == plain


@given(st.text(st.characters(), max_size=2000))
def test_any_text_can_be_written_shown_and_published(text: str) -> None:
    plain = shown(text)
    assert plain.isprintable()
    assert len(plain.encode()) <= 12 * LONGEST_TEXT


def test_records_hold_sentences_so() -> None:
    assert Reason(code="picture-unusable", text="\udcfc\n").text == "\\xfc "
    assert DeviceChanged(device="xray", connected=False, detail="y" * 40_000).detail[-2:] == "y…"

"""Field cases C27, C29, C33 and the frame of a scanner in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drivers.scanner_codec import Refused, Scanned, ScannerCodec
from station.core.events import Arrived
from tests.codec.pieces import ANYTHING, CUTS, MS, at, pieces

EAN = "4006381333931"
LOT_FIRST = "1021072911172405310100693570007182"


def codec(prefix: bytes = b"", suffix: bytes = b"\r\n", max_length: int = 128, **more: str) -> ScannerCodec:
    words = {"noread": "NOREAD", "gs1": "auto"} | more
    return ScannerCodec(prefix=prefix, suffix=suffix, max_length=max_length, idle_ns=100 * MS, **words)  # type: ignore[arg-type]


def read(text: str | bytes, **kind: str) -> Scanned | Refused:
    data = text.encode("latin-1") if isinstance(text, str) else text
    [event] = codec(**kind).receive(data + b"\r\n", at(1))  # type: ignore[arg-type]
    return event


def code(text: str, **kind: str) -> str | None:
    event = read(text, **kind)
    assert isinstance(event, Scanned)
    return event.code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (EAN, EAN),
        ("036000291452", "0036000291452"),
        ("0036000291452", "0036000291452"),
        ("]E0036000291452", "0036000291452"),
        ("]E00036000291452", "0036000291452"),
        ("]E0" + EAN, EAN),
        ("]E3" + EAN + "12", EAN),
        ("]E004252614", "0042100005264"),
        ("]E001234565", "0012345000065"),
        ("]E096385074", "96385074"),
        ("]E000000000", "0000000000000"),
        ("96385074", "96385074"),
        ("]E496385074", "96385074"),
        ("00012", "00012"),
        ("JJD0099 abc", "JJD0099 abc"),
        ("036000291453", "036000291453"),
        ("]C0036000291452", "036000291452"),
        ("]C0 AB1]", "AB1]"),
        (" ABC1  ", "ABC1"),
        ("  ]C0ABC1", "ABC1"),
        ("*ABC1*", "ABC1"),
        ("]A0*AB C1*", "AB C1"),
        ("*ABC1", "*ABC1"),
        ("*A*1*", "*A*1*"),
        ("00340123450000000017", "340123450000000017"),
        ("]C100340123450000000017", "340123450000000017"),
        ("0104006381333931", EAN),
        ("]C10104006381333931", EAN),
        ("]C1010400638133393121A1", f"{EAN}(21)A1"),
        ("]d2010400638133393121A1\x1d10LOT", f"{EAN}(21)A1"),
        ("\x1d0104006381333931", EAN),
        ("<GS>0104006381333931", EAN),
        (f"]C1{LOT_FIRST[:10]}\x1d{LOT_FIRST[10:]}", "0693570007182"),
        (f"{LOT_FIRST[:10]}<GS>{LOT_FIRST[10:]}", "0693570007182"),
        (f"]C1{LOT_FIRST[:10]}<FNC1>{LOT_FIRST[10:]}", "0693570007182"),
        (f"{LOT_FIRST[:10]}{{GS}}{LOT_FIRST[10:]}", "0693570007182"),
        ("340123450000000017", "340123450000000017"),
        ("(01)04006381333931(21)A1", f"{EAN}(21)A1"),
        ("(00)340123450000000017", "340123450000000017"),
        ("https://id.gs1.org/01/04006381333931/21/A1", f"{EAN}(21)A1"),
        ("HTTP://EXAMPLE.COM/00/340123450000000017?x=1", "340123450000000017"),
        ("https://example.com/p/4711", "https://example.com/p/4711"),
        ("A(01)4", "A(01)4"),
    ],
)
def test_codes_of_one_identity_are_spelt_alike_and_others_kept_to_the_letter(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LOT_FIRST, "no valid GS1"),
        ("]C1" + LOT_FIRST, "no valid GS1"),
        ("]C0" + LOT_FIRST, "no valid GS1"),
        ("00340123450000000018", "bad check digit"),
        ("]C100340123450000000018", "bad check digit"),
        ("]C10104006381333932", "bad check digit"),
        ("010400638133393121123", "without separators"),
        ("]E04006381333932", "bad check digit"),
        ("]C101040063813339312198Z17240531", "a separator too few"),
        ("]C1010400638133393110LOT0034012345000000", "a separator too few"),
        ("]C110LOT", "neither SSCC nor GTIN"),
        ("]C1", "empty"),
        ("\x1d", "empty"),
        ("]C101040063813339310104006381333931", "twice"),
        ("(01)04006381333932", "bad check digit"),
        ("(01)04006381333931(21)A(B)", "no valid GS1"),
        ("(10)LOT", "neither SSCC nor GTIN"),
        ("(4711)", "no valid GS1"),
        ("https://id.gs1.org/01/04006381333932", "bad check digit"),
        ("https://[x/01/04006381333931", "no valid GS1"),
        ("https://x/01/1", "bad check digit"),
        ("http://x/00/1/01/04006381333931/00/2", "no valid GS1"),
        (f"{EAN} {EAN}", "several codes"),
        (f"{EAN}/{EAN}", "several codes"),
        (f"{EAN}#012", "several codes"),
        ("AB 340123450000000017", "several codes"),
        (f"{EAN}NOREAD", "its word for no code, and more"),
        ("NOREAD 4006381333931", "its word for no code, and more"),
    ],
)
def test_an_unsure_identity_is_no_code_and_says_why(text: str, why: str) -> None:
    event = read(text)
    assert isinstance(event, Scanned)
    assert event.code is None
    assert why in event.symbology


def test_a_site_with_long_numbers_of_its_own_may_take_them_as_they_are() -> None:
    assert code("00340123450000000018", gs1="off") == "00340123450000000018"
    assert code("]C1" + LOT_FIRST, gs1="off") == LOT_FIRST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((word, "a word") for word in ("ERROR", "HEARTBEAT", "?", "*****", "NR", "-", "TIMEOUT", "]C0ERROR")),
        *((answer, "several codes") for answer in ("OK,LON,1", "ER,LON,00", "ST,GS,+  2.500kg", f"AB1,{EAN}")),
        *((codes, "several codes") for codes in ("ABC123;DEF456", "ABC123|DEF456", "]C0ABC123]C0DEF456")),
    ],
)
def test_words_answers_and_several_codes_in_one_text_are_none(text: str, why: str) -> None:
    event = read(text)
    assert isinstance(event, Scanned)
    assert (event.code, why in event.symbology, text[-6:] in event.symbology) == (None, True, True)


def test_a_site_says_what_its_codes_look_like() -> None:
    allowed = "[0-9]{13}|K,[0-9]+"
    assert [code(text, codes=allowed) for text in (EAN, f"]E0{EAN}", "K,77", "SUFBK2990D0A.", "0")] == [
        EAN,
        EAN,
        "K,77",
        None,
        None,
    ]


def test_a_site_whose_codes_have_stars_keeps_them() -> None:
    assert code("*A1*", codes=r"\*[A-Z0-9]+\*") == "*A1*"
    assert code("*A1*", codes="[A-Z0-9]+") == "A1"


def test_what_codes_allows_may_be_written_as_on_the_label_or_as_it_is_told() -> None:
    """Else the example of the manual would read no SSCC with its application identifier."""
    texts = ("340123450000000017", "00340123450000000017", "]C100340123450000000017", f"]C101{EAN.zfill(14)}", "12345")
    sscc = "340123450000000017"
    assert [code(text, codes="[0-9]{13}|[0-9]{18}") for text in texts] == [sscc, sscc, sscc, EAN, None]


@pytest.mark.parametrize(
    ("noread", "codes", "texts", "expected"),
    [
        ("NR", "", ["NR", "NR7", "7NR", "AB7"], [None, None, None, "AB7"]),
        ("NR", "[A-Z0-9]+", ["NR", "NR7"], [None, "NR7"]),
        ("NOREAD", "[A-Z0-9 ]+", ["NOREAD 12", "AB7"], [None, "AB7"]),
        ("", "", ["NOREAD 12"], ["NOREAD 12"]),
    ],
)
def test_a_word_for_no_code_is_known_with_what_a_scanner_adds_to_it(
    noread: str, codes: str, texts: list[str], expected: list[str | None]
) -> None:
    assert [code(text, noread=noread, codes=codes) for text in texts] == expected


def test_codes_that_come_in_one_text_are_parted_by_the_separator_that_is_configured() -> None:
    events = codec(separator=";").receive(f"]E0{EAN};ABC123;NOREAD\r\n".encode(), at(1))
    assert [event.code for event in events if isinstance(event, Scanned)] == [EAN, "ABC123", None]


@pytest.mark.parametrize(
    "text", ["NOREAD", "]Z6NOREAD", "NoRead", "NO READ", "NOREAD 12", "NOREAD0001", "NoRead_17", "12:05:31 NOREAD"]
)
def test_noread_is_a_reading_without_a_code(text: str) -> None:
    assert read(text) == Scanned(None, "", at(1))


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("S S      1.23 kg", "an MT-SICS scale"),
        ("S D     12.345 kg", "an MT-SICS scale"),
        ("ES", "an MT-SICS scale"),
        ("$GPGGA,123519,4807.038,N", "a GPS receiver (NMEA)"),
        ("AT", "a modem (AT commands)"),
        ("AT+GCAP", "a modem (AT commands)"),
        ("AT+CPIN?", "a modem (AT commands)"),
        ("AT+CFUN=1", "a modem (AT commands)"),
        ("ATE0", "a modem (AT commands)"),
        ("AT&F", "a modem (AT commands)"),
    ],
)
def test_text_of_another_family_is_refused_and_named(text: str, family: str) -> None:
    event = read(text)
    assert isinstance(event, Refused)
    assert event.family == family


@pytest.mark.parametrize(
    "text", ["ATE4711", "ATI0815", "ATZ5", "AT&T7", "AT&4711", "ATLAS1", "AT 4711", "AT+4711", "EST1"]
)
def test_a_label_that_begins_as_another_devices_text_is_a_code(text: str) -> None:
    assert code(text) == text


def test_a_toledo_scale_at_the_scanners_port_is_named() -> None:
    weighed = bytes.fromhex("022D3020303032353030303030303030 0D2D")
    events = codec().receive(weighed * 20, at(1))
    assert any(isinstance(e, Refused) and e.family == "a Toledo continuous scale" for e in events)


@pytest.mark.parametrize("prefix", [b"", b"\x02", b"#A"])
@settings(deadline=None)
@given(cuts=CUTS)
def test_any_split_reads_the_same(prefix: bytes, cuts: list[int]) -> None:
    data = (prefix + EAN.encode() + b"\r\n" + prefix + b"NOREAD\r\n" + prefix + b"00012\r\n") * 2
    one, events = codec(prefix), []
    for n, piece in enumerate(pieces(data, cuts)):
        events += one.receive(piece, at(15 * n + 1))
        events += one.idle(at(15 * n + 10).after_ns)
    assert [e.code for e in events if isinstance(e, Scanned)] == [EAN, None, "00012"] * 2


def test_a_frame_is_as_old_as_its_first_byte() -> None:
    one = codec(b"\x02")
    assert one.receive(b"\x02400", at(5)) == []
    assert one.receive(b"\r\n\x0212", at(9)) == [Scanned("400", "", at(5))]
    assert one.receive(b"\r\n", at(11)) == [Scanned("12", "", at(9))]


@pytest.mark.parametrize("prefix", [b"", b"\x02", b"#"])
@pytest.mark.parametrize("split", range(1, len(EAN)))
def test_half_a_code_is_never_a_code(prefix: bytes, split: int) -> None:
    one = codec(prefix)
    text = EAN.encode()
    events = one.receive(prefix + text[:split], at(1))
    events += one.idle(at(301).after_ns)
    events += one.receive(text[split:] + b"\r\n", at(302))
    assert not any(isinstance(e, Scanned) for e in events)
    assert one.receive(prefix + b"00012\r\n", at(320)) == [Scanned("00012", "", at(320))]


def test_a_missing_end_mark_costs_its_own_code_where_the_prefix_shows_the_next() -> None:
    one = codec(b"\x02")
    events = one.receive(b"\x02111\x02222\r\n", at(1))
    assert [type(e) for e in events] == [Refused, Scanned]
    assert events[1].code == "222"  # type: ignore[union-attr]


def test_a_missing_end_mark_is_over_after_a_long_silence() -> None:
    one = codec()
    one.receive(b"111", at(1))
    assert [type(e) for e in one.idle(at(200).after_ns)] == [Refused]
    assert one.idle(at(1300).after_ns) == []
    assert one.receive(b"222\r\n", at(1400)) == [Scanned("222", "", at(1400))]


@pytest.mark.parametrize("prefix", [b"", b"\x02"])
def test_bad_bytes_cost_one_frame_at_most(prefix: bytes) -> None:
    one = codec(prefix)
    events = one.receive(b"\xe6\xff\x00\r\n" + prefix + b"222\r\n", at(1))
    assert events[-1] == Scanned("222", "", at(1))
    assert not any(isinstance(e, Scanned) and e.code for e in events[:-1])


def test_after_the_start_within_a_stream_nothing_counts_before_a_mark() -> None:
    one = codec()
    one.skip()
    assert one.receive(b"3931\r\n222\r\n", at(1)) == [Scanned("222", "", at(1))]


def test_too_long_is_dropped_whole() -> None:
    one = codec(max_length=10)
    events = one.receive(b"1" * 40 + b"\r\n" + b"222\r\n", at(1))
    assert [type(e) for e in events] == [Refused, Scanned]


@pytest.mark.parametrize("prefix", [b"", b"\x02", b"##"])
@settings(deadline=None)
@given(chunks=ANYTHING, suffix=st.sampled_from([b"\r\n", b"\r", b"\x03", b";;"]))
def test_any_bytes_raise_nothing_and_never_grow_memory(
    prefix: bytes, chunks: list[tuple[bytes, int]], suffix: bytes
) -> None:
    one, now = codec(prefix, suffix, max_length=32), 1
    for data, silence in chunks:
        for event in one.receive(data, Arrived(now * MS, (now + 1) * MS)):
            assert isinstance(event, (Scanned, Refused))
            if isinstance(event, Refused):
                assert len(event.data) <= 32 + len(prefix) + len(suffix) + 1
        assert one.held <= 32 + len(prefix) + len(suffix)
        now += silence
        one.idle(now * MS)


@settings(deadline=None)
@given(text=st.from_regex(r"(\][A-Za-z][0-9])?[0-9\x1d]{1,60}", fullmatch=True))
def test_any_number_is_an_identity_or_unsure(text: str) -> None:
    event = read(text)
    assert isinstance(event, Scanned)
    assert (event.code is None) == event.symbology.startswith("unsure")


@settings(deadline=None, max_examples=300)
@example(text="\x1d \x1d")
@given(
    text=st.from_regex(
        r"(https?://[a-z\[]{1,3}/0[01]/|\(0[01]\)|\]C1|\x1d)[0-9()/ \x1d?=&%\[\]:]{1,40}", fullmatch=True
    )
)
def test_anything_like_a_gs1_text_is_an_identity_or_unsure(text: str) -> None:
    event = read(text)
    assert isinstance(event, Scanned)
    assert (event.code is None) == event.symbology.startswith("unsure")


@pytest.mark.parametrize("prefix", [b"", b"\x02", b"AB"])
@pytest.mark.parametrize("spoilt", range(len(b"CODE0011\r\n")))
def test_a_code_with_a_byte_of_wrong_parity_is_none(prefix: bytes, spoilt: int) -> None:
    data = bytearray(prefix + b"CODE0011\r\n")
    data[len(prefix) + spoilt] = 0
    events = codec(prefix).receive(bytes(data) + prefix + b"CODE0012\r\n", at(1))
    assert {event.code for event in events if isinstance(event, Scanned)} <= {None, "CODE0012"}


def test_half_a_code_ahead_of_a_new_beginning_is_no_part_of_the_next() -> None:
    scanner = codec()
    assert scanner.receive(b"400638", at(1)) == []
    scanner.begin()
    assert scanner.receive(b"00012\r\n", at(2)) == [Scanned("00012", "", at(2))]


def test_what_is_skipped_ends_with_a_silence_from_then_on() -> None:
    scanner = codec()
    scanner.receive(b"00012\r\n", at(1))
    scanner.skip()
    scanner.idle(5000 * MS)
    assert scanner.receive(b"0011\r\n", at(5001)) == []
    scanner.skip()
    scanner.idle(6000 * MS)
    scanner.idle(7001 * MS)
    assert scanner.receive(b"00013\r\n", at(7002)) == [Scanned("00013", "", at(7002))]

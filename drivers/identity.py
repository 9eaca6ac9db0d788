"""The identity in a code's text: GTIN, SSCC, GTIN with serial, or the text itself; or why it is unsure. Pure.

Sources: ISO/IEC 15424 (symbology identifiers `]cm`), GS1 General Specifications (element strings, check digits), GS1
Digital Link standard (URI syntax).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from biip import ParseError
from biip.checksums import gs1_standard_check_digit
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementString
from biip.gs1_messages import GS1Message

from station.core.events import SERIAL

GS = "\x1d"
GS1_IDENTIFIERS = {"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"}
EAN_IDENTIFIERS = {"]E0", "]E3", "]E4"}
UPC_E = re.compile("[01][0-9]{7}")
"""As many scanners send it under `]E0`, though 13 digits are due there."""
LONGEST_PLAIN_NUMBER = 14
BRACKETS = re.compile(r"\([0-9]{2,4}\)")
LINK = re.compile(r"(?i)https?://.+/0[01]/[0-9]+")
"""A GS1 text as it is printed below the bars, and as a Digital Link (GS1 Digital Link standard, URI syntax)."""
NOT_GS1 = "no valid GS1 text"
SSCC = 18
PARTS = re.compile(r"[^0-9A-Za-z]+")
SWALLOWED = re.compile(r".(1[135-7]\d\d(0[1-9]|1[0-2])[0-3]\d|0[01]\d{12,18})$")
"""A date, a GTIN or an SSCC at the end of a text of free length: its separator was probably not sent."""


def identify(content: str, symbology: str, *, gs1: bool) -> tuple[str | None, str]:
    """The identity in a code's text, or None and why it is unsure.

    A GTIN in any spelling of 13 digits or fewer (EAN-13, UPC-A) is 13 digits; an SSCC is its 18 digits; a GTIN with
    a serial is `GTIN(21)serial`; so they are in brackets and as a Digital Link. Without GS1 all other text is its own
    identity, leading zeros and all.
    """
    marked = symbology in GS1_IDENTIFIERS or content.startswith(GS)
    if not content.strip(GS):
        return None, "empty"
    if symbology in EAN_IDENTIFIERS:
        digits = content[:13] if symbology == "]E3" else content
        if symbology == "]E0" and UPC_E.fullmatch(digits) and _checked(whole := _whole(digits)):
            digits = whole
        return (_thirteen(digits), "") if _checked(digits) else (None, "bad check digit")
    if gs1 and (printed := _printed(content)) is not None:
        return printed
    if gs1 and not marked and _is_sscc(content):
        return content, ""
    if gs1 and (marked or GS in content or (content.isdigit() and len(content) > LONGEST_PLAIN_NUMBER)):
        return _gs1_identity(content.strip(GS), separated=marked or GS in content)
    return _thirteen(content) if symbology == "" and _checked(content) else content, ""


def several(content: str) -> bool:
    """Whether a whole number with its check digit stands beside something else: of which would the parcel be?"""
    parts = [part for part in PARTS.split(content) if part]
    return len(parts) > 1 and any(_is_sscc(part) or (len(part) > 8 and _checked(part)) for part in parts)


def gs1_marked(content: str, symbology: str) -> bool:
    """Whether a text says of itself that it is GS1's, which may hold any sign."""
    return symbology in GS1_IDENTIFIERS or GS in content or bool(BRACKETS.match(content) or LINK.match(content))


def _printed(content: str) -> tuple[str | None, str] | None:
    """The identity in a GS1 text with brackets or in a link, or why there is none; None if it is neither."""
    try:
        if LINK.match(content):
            return _of_elements(GS1DigitalLinkURI.parse(content).element_strings)
        if BRACKETS.match(content):
            message = GS1Message.parse_hri(content.replace(" ", ""))
            whole = message.as_hri() == content.replace(" ", "")
            return _of_elements(message.element_strings) if whole else (None, NOT_GS1)
    except (ParseError, ValueError):
        return None, NOT_GS1
    return None


def _is_sscc(text: str) -> bool:
    return len(text) == SSCC and text.isascii() and text.isdigit() and _sums_up(text)


def _checked(text: str) -> bool:
    """Whether text is a GTIN-8, -12, -13 or -14 with its check digit."""
    if not (text.isascii() and text.isdigit()) or len(text) not in {8, 12, 13, 14}:
        return False
    return _sums_up(text)


def _sums_up(digits: str) -> bool:
    return gs1_standard_check_digit(digits[:-1]) == int(digits[-1])


def _whole(upc_e: str) -> str:
    """The 12 digits of which a UPC-E symbol shows 8: the last of its six tells where zeros were left out."""
    system, six, check = upc_e[0], upc_e[1:7], upc_e[7]
    match six[5]:
        case "0" | "1" | "2":
            ten = f"{six[:2]}{six[5]}0000{six[2:5]}"
        case "3":
            ten = f"{six[:3]}00000{six[3:5]}"
        case "4":
            ten = f"{six[:4]}00000{six[4]}"
        case _:
            ten = f"{six[:5]}0000{six[5]}"
    return f"{system}{ten}{check}"


def _thirteen(gtin: str) -> str:
    """One spelling: 12 digits (UPC-A) and 14 with a leading 0 become 13; others stay."""
    if len(gtin) == 12:
        return f"0{gtin}"
    return gtin[1:] if len(gtin) == 14 and gtin[0] == "0" else gtin


def _gs1_identity(content: str, *, separated: bool) -> tuple[str | None, str]:
    try:
        elements = GS1Message.parse(content).element_strings
    except ParseError:
        return None, NOT_GS1
    if not elements:
        return None, "empty"
    if not separated and any(element.ai.separator_required for element in elements):
        return None, "GS1 without separators"
    if elements[-1].ai.separator_required and SWALLOWED.search(elements[-1].value):
        return None, "GS1 with a separator too few"
    return _of_elements(elements)


def _of_elements(elements: Sequence[GS1ElementString]) -> tuple[str | None, str]:
    values = {element.ai.ai: element.value for element in elements}
    if len(values) != len(elements):
        return None, "an identifier twice"
    if not all(_sums_up(values[ai]) for ai in ("00", "01") if ai in values):
        return None, "bad check digit"
    if "00" in values:
        return values["00"], ""
    if "01" not in values:
        return None, "neither SSCC nor GTIN"
    gtin = _thirteen(values["01"])
    return f"{gtin}{SERIAL}{values['21']}" if "21" in values else gtin, ""

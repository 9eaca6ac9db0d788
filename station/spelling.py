"""How a code of a list may come from a scanner: its spellings, and what can be no code that a scanner's driver tells.

Sources: GS1 General Specifications (element strings, check digits); drivers/identity.py tells codes so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Self

from biip import ParseError
from biip.checksums import gs1_standard_check_digit
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_messages import GS1Message

from station.core.events import SERIAL

LONGEST_CODE = 128
_GS = "\x1d"
_GTIN, _SSCC = 14, 18
_SHORTEST, _EXACT = 8, 15
_POWER = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_NUMBER = re.compile(r"\+[0-9]+|[0-9]+-|[0-9]+[.,]0+|[0-9]{1,3}(?:\.[0-9]{3}){2,}|[0-9]{1,3}(?:'[0-9]{3}){2,}")
"""As a spreadsheet writes a number: with a sign, with places, or in groups of three digits."""
_PARTS = re.compile(r"[;\t|]")
_BRACKETS = re.compile(r"\([0-9]{2,4}\)")
_STARRED = re.compile(r"\*([^*]+)\*")
"""Code 39 with its start and stop characters: the driver tells what stands between."""
_UPC_E = (
    (re.compile("00([01][0-9]{2})([012])0000([0-9]{3})"), r"\1\3\2"),
    (re.compile("00([01][0-9]{2}[3-9])00000([0-9]{2})"), r"\1\g<2>3"),
    (re.compile("00([01][0-9]{3}[1-9])00000([0-9])"), r"\1\g<2>4"),
    (re.compile("00([01][0-9]{4}[1-9])0000([5-9])"), r"\1\2"),
)
"""A GTIN of 14 digits without its check digit, and which of them a UPC-E symbol shows (GS1 General Specifications)."""
_SEPARATORS = re.compile(r"(?i)<GS>|<FNC1>|\{GS\}|\{FNC1\}")
_ELEMENTS = re.compile(f"00[0-9]{{18}}|01[0-9]{{14}}|.*{_GS}")
_LINK = re.compile(r"(?i)https?://.+/0[01]/[0-9]+")
"""A GS1 Digital Link (its standard, URI syntax)."""
_NO_CODE: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda code: not 0 < len(code) <= LONGEST_CODE, f"a barcode has 1 to {LONGEST_CODE} characters"),
    (
        lambda code: not all(" " <= char <= "~" for char in code) or code != code.strip(),
        "it holds a character that no barcode has: write plain ASCII",
    ),
    (_POWER.fullmatch, "a spreadsheet has rounded it: format the column as text, and enter the code again"),
    (_NUMBER.fullmatch, "a spreadsheet has made a number of it: format the column as text, and enter the code again"),
    (lambda code: code[0] in "='\"]<{", "write the code alone, as the label shows it, with nothing ahead of it"),
    (_PARTS.search, "it looks like several cells: part columns by a comma"),
    (_BRACKETS.match, "write application identifiers without brackets, as 01 and the GTIN, or write the GTIN alone"),
    (lambda code: " " in code and code.replace(" ", "").isdigit(), "write the digits without blanks"),
    (
        lambda code: code.isdigit() and len(code) >= _SSCC and not code[_EXACT:].strip("0") and not _is_sscc(code),
        "a spreadsheet has rounded it (all 0 behind 15 digits): format the column as text, and enter the code again",
    ),
    (
        lambda code: _like_sscc(code) and not _is_sscc(code),
        "its last digit, the check digit, does not fit the others: compare it with the label",
    ),
)
"""Of shorter numbers no check digit is asked for: many carriers have numbers of their own of 12 or 14 digits."""


def code_fault(code: str) -> str:
    """Why a cell of a list can be no barcode as a scanner's driver tells it, and what to write; "" if it can be one.

    A list that a spreadsheet has changed would hold nothing, and nobody would see it.
    """
    return next((said for is_so, said in _NO_CODE if is_so(code)), "")


def spellings(code: str) -> list[str]:
    """The code as written, and in every way in which a scanner's driver may tell it.

    A GTIN has 8, 12, 13 or 14 digits, as far as those ahead are 0, and may have lost zeros, those too that UPC-E leaves
    out; of a GS1 text counts what the driver tells of it: the SSCC, the GTIN, or the GTIN with its serial.
    """
    found = {code: None, _SEPARATORS.sub(_GS, code): None}
    if starred := _STARRED.fullmatch(code):
        found[starred[1]] = None
    identity = _identity(code)
    if identity:
        found[identity] = None
    gtin = identity or code
    if gtin.isascii() and gtin.isdigit():
        if _SHORTEST <= len(gtin) <= _GTIN and _sums_up(gtin):
            whole = gtin.zfill(_GTIN)
            found |= {whole[_GTIN - n :]: None for n in (14, 13, 12, 8) if not whole[: _GTIN - n].strip("0")}
            found |= dict.fromkeys(_suppressed(whole))
        elif len(gtin) == _SSCC:
            found[f"00{gtin}"] = None
    return list(found)


def cases(codes: Iterable[str]) -> list[str]:
    """The same codes, also with all letters great, and all small."""
    return list(dict.fromkeys(spelt for code in codes for spelt in (code, code.upper(), code.lower())))


class Codes(frozenset[str]):
    """Codes that are held: asked with `in`, letters count alike in both cases, and a GTIN is held with any serial."""

    @classmethod
    def of(cls, codes: Iterable[str]) -> Self:
        """Hold these, in all their spellings."""
        return cls(spelt.upper() for code in codes for spelt in spellings(code))

    def __contains__(self, code: object) -> bool:
        """Whether a code that was read is held."""
        if not isinstance(code, str):
            return False
        read = code.upper()
        return super().__contains__(read) or (SERIAL in read and super().__contains__(read.partition(SERIAL)[0]))


def _suppressed(gtin: str) -> list[str]:
    """The 8 digits in which a UPC-E symbol shows a GTIN of 14: those of which it leaves zeros out, else none."""
    return [f"{shown.expand(kept)}{gtin[-1]}" for zeros, kept in _UPC_E if (shown := zeros.fullmatch(gtin[:-1]))]


def _sums_up(digits: str) -> bool:
    return gs1_standard_check_digit(digits[:-1]) == int(digits[-1])


def _like_sscc(code: str) -> bool:
    """Whether it is as long as one, with or without the application identifier ahead of it."""
    return code.isdigit() and (len(code) == _SSCC or (len(code) == _SSCC + 2 and code.startswith("00")))


def _is_sscc(code: str) -> bool:
    return _like_sscc(code) and _sums_up(code[-_SSCC:])


def _identity(code: str) -> str:
    """What the driver tells of a GS1 text that bears an SSCC or a GTIN, "" if it is none."""
    text = _SEPARATORS.sub(_GS, code)
    try:
        if _LINK.match(code):
            elements = GS1DigitalLinkURI.parse(code).element_strings
        elif _ELEMENTS.match(text):
            elements = GS1Message.parse(text.strip(_GS)).element_strings
        else:
            return ""
    except (ParseError, ValueError):
        return ""
    values = {element.ai.ai: element.value for element in elements}
    sscc, gtin = values.get("00", ""), values.get("01", "")
    if sscc or not gtin:
        return sscc if sscc and _sums_up(sscc) else ""
    if not _sums_up(gtin):
        return ""
    gtin = gtin.removeprefix("0")
    return f"{gtin}{SERIAL}{values['21']}" if "21" in values else gtin

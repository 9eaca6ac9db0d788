"""A barcode scanner's bytes to codes: framing, NOREAD, symbology identifiers, GS1, spellings of EAN and UPC.

Sources: ISO/IEC 15424 (symbology identifiers `]cm`), GS1 General Specifications (element strings, check digits).
A code is text to the end. Where its identity is not certain there is none: `code` is None, and `symbology` says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from biip import ParseError
from biip.checksums import gs1_standard_check_digit
from biip.gs1_messages import GS1Message

from drivers.families import family_of
from drivers.framing import Dropped, Framed, Framer
from station.core.events import SERIAL, Arrived

GS = "\x1d"
IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")
GS1_IDENTIFIERS = {"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"}
EAN_IDENTIFIERS = {"]E0", "]E3", "]E4"}
UPC_E = re.compile("[01][0-9]{7}")
"""As many scanners send it under `]E0`, though 13 digits are due there."""
LONGEST_PLAIN_NUMBER = 14
ANOTHER = re.compile(r".\][A-Za-z][0-9A-Za-z]")
BETWEEN = re.compile(r"[,;|]")
"""What stands between two codes in one text: of which of them would the parcel be? GS1 texts may hold it."""
STARRED = re.compile(r"\*([^*]+)\*")
"""Code 39 with its start and stop characters, which some scanners send."""
SWALLOWED = re.compile(r".(1[135-7]\d\d(0[1-9]|1[0-2])[0-3]\d|0[01]\d{12,18})$")
"""A date, a GTIN or an SSCC at the end of a text of free length: its separator was probably not sent."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One frame of the scanner; `code` is None for NOREAD and for one whose identity is unsure."""

    code: str | None
    symbology: str
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Refused:
    """Bytes that are no frame of a scanner; `family` names the device that speaks so, if known."""

    why: str
    data: bytes
    family: str
    arrived: Arrived


class ScannerCodec:
    """Bytes in, `Scanned` and `Refused` out; holds at most `max_length` bytes and the marks."""

    def __init__(
        self,
        *,
        prefix: bytes,
        suffix: bytes,
        noread: str,
        max_length: int,
        idle_ns: int,
        gs1: Literal["auto", "off"],
        separator: str = "",
        codes: str = "",
    ) -> None:
        self._framer = Framer(prefix, suffix, max_length, idle_ns)
        self._noread = _folded(noread)
        self._gs1 = gs1
        self._separator = separator
        self._codes = re.compile(codes) if codes else None

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._framer.held

    @property
    def pending(self) -> bool:
        """Whether a frame has begun that may still become whole."""
        return self._framer.pending

    def begin(self) -> None:
        """Reading begins between two frames: what came before is no part of any."""
        self._framer.begin()

    def skip(self) -> None:
        """Reading begins in the middle of something."""
        self._framer.skip()

    def receive(self, data: bytes, arrived: Arrived) -> list[Scanned | Refused]:
        """Take bytes that arrived together."""
        return [item for piece in self._framer.receive(data, arrived) for item in self._read(piece)]

    def idle(self, empty_ns: int) -> list[Scanned | Refused]:
        """The port was seen empty at that moment."""
        return [item for piece in self._framer.idle(empty_ns) for item in self._read(piece)]

    def _read(self, piece: Framed | Dropped) -> list[Scanned | Refused]:
        if isinstance(piece, Dropped):
            return [Refused(piece.why, piece.data, family_of(piece.data), piece.arrived)]
        if family := family_of(piece.body):
            return [Refused("text of another device", piece.body, family, piece.arrived)]
        text = piece.body.decode("latin-1").replace("<GS>", GS)
        if any(char != GS and not " " <= char <= "~" for char in text):
            return [Scanned(None, f"garbled: {piece.body[:40]!r}", piece.arrived)]
        texts = text.split(self._separator) if self._separator else [text]
        return [self._code(part, piece.arrived) for part in texts]

    def _code(self, text: str, arrived: Arrived) -> Scanned:
        text = text.strip(" ")
        found = IDENTIFIER.match(text)
        symbology = found.group() if found else ""
        content = text.removeprefix(symbology).strip(" ")
        starred = STARRED.fullmatch(content)
        if starred and not (self._codes is not None and self._codes.fullmatch(content)):
            content = starred[1]
        if self._noread and self._noread in (_folded(text), _folded(content)):
            return Scanned(None, "", arrived)
        if why := self._no_code(content, symbology):
            return Scanned(None, f"unsure: {why}: {text[:60]!r}", arrived)
        code, why = identify(content, symbology, gs1=self._gs1 == "auto")
        return Scanned(code, f"unsure: {why}: {text[:60]!r}" if why else symbology, arrived)

    def _no_code(self, content: str, symbology: str) -> str:
        """Why a text is no code of this site, "" if it may be one: scanners also send words, answers, several codes."""
        if self._codes is not None:
            return "" if self._codes.fullmatch(content) else "not what `codes` allows"
        if content.strip(GS) and not any(char.isdigit() for char in content):
            return "a word, and no code"
        gs1 = symbology in GS1_IDENTIFIERS or GS in content
        several = ANOTHER.search(content) or (not gs1 and BETWEEN.search(content))
        return "several codes in one text, or an answer" if several else ""


def _folded(text: str) -> str:
    return text.replace(" ", "").casefold()


def identify(content: str, symbology: str, *, gs1: bool) -> tuple[str | None, str]:
    """The identity in a code's text, or None and why it is unsure.

    A GTIN in any spelling of 13 digits or fewer (EAN-13, UPC-A) is 13 digits; an SSCC is its 18 digits; a GTIN with
    a serial is `GTIN(21)serial`. Without GS1 all other text is its own identity, leading zeros and all.
    """
    marked = symbology in GS1_IDENTIFIERS or content.startswith(GS)
    if not content.strip(GS):
        return None, "empty"
    if symbology in EAN_IDENTIFIERS:
        digits = content[:13] if symbology == "]E3" else content
        if symbology == "]E0" and UPC_E.fullmatch(digits) and _checked(whole := _whole(digits)):
            digits = whole
        return (_thirteen(digits), "") if _checked(digits) else (None, "bad check digit")
    if gs1 and (marked or GS in content or (content.isdigit() and len(content) > LONGEST_PLAIN_NUMBER)):
        return _gs1_identity(content.strip(GS), separated=marked or GS in content)
    return _thirteen(content) if symbology == "" and _checked(content) else content, ""


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
        return None, "no valid GS1 text"
    if not separated and any(element.ai.separator_required for element in elements):
        return None, "GS1 without separators"
    values = {element.ai.ai: element.value for element in elements}
    if len(values) != len(elements):
        return None, "an identifier twice"
    if elements[-1].ai.separator_required and SWALLOWED.search(elements[-1].value):
        return None, "GS1 with a separator too few"
    return _of_elements(values)


def _of_elements(values: dict[str, str]) -> tuple[str | None, str]:
    if not all(_sums_up(values[ai]) for ai in ("00", "01") if ai in values):
        return None, "bad check digit"
    if "00" in values:
        return values["00"], ""
    if "01" not in values:
        return None, "neither SSCC nor GTIN"
    gtin = _thirteen(values["01"])
    return f"{gtin}{SERIAL}{values['21']}" if "21" in values else gtin, ""

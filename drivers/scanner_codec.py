"""A barcode scanner's bytes to codes: framing, NOREAD, several codes in one text.

Sources: ISO/IEC 15424 (symbology identifiers `]cm`), GS1 General Specifications (element strings, check digits).
A code is text to the end. Where its identity is not certain there is none: `code` is None, and `symbology` says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from drivers.families import family_of
from drivers.framing import Dropped, Framed, Framer
from drivers.identity import GS, gs1_marked, identify, several
from station.core.events import Arrived

IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")
ANOTHER = re.compile(r".\][A-Za-z][0-9A-Za-z]")
BETWEEN = re.compile(r"[,;|]")
"""What stands between two codes in one text: of which of them would the parcel be? GS1 texts may hold it."""
SEPARATORS = re.compile(r"(?i)<GS>|<FNC1>|\{GS\}|\{FNC1\}")
"""How scanners spell the separator of a GS1 text, where they do not send it."""
LONG_WORD = 4
BESIDE_NOREAD = re.compile(r"[^a-z]{0,8}")
"""What scanners add to their word for "no code seen": a counter, a time, a number of their own."""
STARRED = re.compile(r"\*([^*]+)\*")
"""Code 39 with its start and stop characters, which some scanners send."""


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
        text = SEPARATORS.sub(GS, piece.body.decode("latin-1"))
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
        if (said := self._says_noread(text, content)) is not None:
            return Scanned(None, f"unsure: {said}: {text[:60]!r}" if said else "", arrived)
        code, why = identify(content, symbology, gs1=self._gs1 == "auto")
        if not_one := self._no_code(content, symbology, code):
            return Scanned(None, f"unsure: {not_one}: {text[:60]!r}", arrived)
        return Scanned(code, f"unsure: {why}: {text[:60]!r}" if why else symbology, arrived)

    def _says_noread(self, text: str, content: str) -> str | None:
        """What is wrong where it says so beside something else, "" where it says that no code was seen; else None."""
        word, whole = self._noread, _folded(content)
        if word and word in (_folded(text), whole):
            return ""
        if not word or (len(word) < LONG_WORD and self._codes is not None):
            return None
        held = word in whole if len(word) >= LONG_WORD else whole.startswith(word) or whole.endswith(word)
        if not held:
            return None
        return "" if BESIDE_NOREAD.fullmatch(whole.replace(word, "", 1)) else "its word for no code, and more"

    def _no_code(self, content: str, symbology: str, code: str | None) -> str:
        """Why a text is no code of this site, "" if it may be one: scanners also send words, answers, several codes."""
        if self._codes is not None:
            fits = self._codes.fullmatch(content) or (code is not None and self._codes.fullmatch(code))
            return "" if fits else "not what `codes` allows"
        if content.strip(GS) and not any(char.isdigit() for char in content):
            return "a word, and no code"
        parted = not gs1_marked(content, symbology) and (BETWEEN.search(content) or several(content))
        return "several codes in one text, or an answer" if parted or ANOTHER.search(content) else ""


def _folded(text: str) -> str:
    return text.replace(" ", "").casefold()

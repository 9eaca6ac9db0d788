"""Text from outside, file names and the words of other programs, as it may stand in a record and on a screen."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

LONGEST_TEXT = 600
"""Characters; what is longer is cut. An event must fit through a broker."""


def shown(text: str, longest: int = LONGEST_TEXT) -> str:
    r"""The text on one line, cut to a length, without what would steer a terminal.

    Bytes of a file name that are in no encoding, which Python holds as lone surrogates (PEP 383), are told as `\xfc`.
    """
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return cut if cut.isprintable() else "".join(map(_plain, cut))


def _plain(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"


Sentence = Annotated[str, AfterValidator(shown)]
"""A record's text for a person."""

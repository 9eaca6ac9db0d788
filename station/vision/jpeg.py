"""The structure of a baseline JPEG file (ITU-T T.81): every segment whole, the end mark at the end."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from station.vision.faults import PictureFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = b"\xff\xd8"
_END = b"\xff\xd9"
_BASELINE = (0xC0, 0xC1)
_OTHER_FRAMES = (0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_TABLES = 0xC4
_SCAN = 0xDA
_END_OF_BLOCK = 0
_ZERO_RUN = 64
"""More zero bytes in a row than a scan has by far where the code of zeros alone is a coefficient: five are rare."""


def check(data: bytes, check_size: Callable[[int, int], None]) -> tuple[int, int]:
    """Refuse all but a whole, baseline, three-channel picture.

    Args:
        data: the file, beginning with the start mark.
        check_size: raises for a width and height that are not wanted, before anything is decoded.

    Returns:
        Width and height in pixels.

    Raises:
        PictureFault: says what is wrong.
    """
    size: tuple[int, int] | None = None
    first_codes: dict[int, int] = {}
    segments = list(_segments(data))
    for kind, body, _ in segments:
        if kind in _OTHER_FRAMES:
            raise PictureFault("the JPEG is not a baseline one; set its source to baseline")
        if kind in _BASELINE:
            if size is not None:
                raise PictureFault("the JPEG holds two pictures")
            size = _frame(body)
            check_size(*size)
        elif kind == _TABLES:
            first_codes.update(_first_codes(body))
    if size is None:
        raise PictureFault("the JPEG has no frame header")
    _, header, scan = segments[-1]
    _check_scan(data, scan)
    if _zeros_are_coefficients(header, first_codes) and data.find(bytes(_ZERO_RUN), scan) != -1:
        raise PictureFault("the JPEG is damaged: a part of its data is all zeros")
    return size


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each segment's kind, its body and where it ends; the last one is the header of the first scan."""
    at, kind = len(START), 0
    while kind != _SCAN:
        if at + 4 > len(data):
            raise PictureFault("the JPEG ends early: it is cut off in its header")
        mark, kind, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or length < 2 or at + 2 + length > len(data):
            raise PictureFault("the JPEG is damaged or cut off in its header")
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        yield kind, body, at


def _frame(body: bytes) -> tuple[int, int]:
    if len(body) < 6:
        raise PictureFault("the JPEG's frame header is cut off")
    bits, height, width, channels = struct.unpack_from(">BHHB", body)
    if bits != 8:
        raise PictureFault(f"the JPEG has {bits} bits a channel, not 8")
    if channels != 3:
        raise PictureFault(f"the JPEG has {channels} channels, not three of colour")
    return width, height


def _check_scan(data: bytes, start: int) -> None:
    """One scan of all channels to the end of the file: stuffed bytes and restart marks, then the end mark alone."""
    at = data.find(b"\xff", start)
    while at != -1 and at + 1 < len(data) and (data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7):
        at = data.find(b"\xff", at + 2)
    if at == -1 or data[at : at + 2] != _END:
        raise PictureFault("the JPEG ends early: its end mark is missing")
    if at + 2 != len(data):
        raise PictureFault(f"{len(data) - at - 2} bytes follow the end of the JPEG")


def _first_codes(body: bytes) -> Iterator[tuple[int, int]]:
    """Of each AC table of a segment its number, and what the code of zeros alone stands for: it is the first code."""
    while len(body) > 17:
        if body[0] >> 4 == 1:
            yield body[0] & 15, body[17]
        body = body[17 + sum(body[1:17]) :]


def _zeros_are_coefficients(header: bytes, first_codes: dict[int, int]) -> bool:
    """Whether a run of zeros would be blocks full of coefficients, as with the tables of T.81 K.3.3, not empty ones.

    A table that is made for one picture may end the block by it: a white margin is thousands of zeros then.
    """
    tables = {table & 15 for table in header[2 : 1 + 2 * header[0] : 2]} if header else set()
    return any(first_codes.get(table, not _END_OF_BLOCK) != _END_OF_BLOCK for table in tables)

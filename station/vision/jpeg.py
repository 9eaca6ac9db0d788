"""The structure of a baseline JPEG file (ITU-T T.81): every segment whole, the end mark at the end."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from station.vision.faults import PictureFault

if TYPE_CHECKING:
    from collections.abc import Callable

START = b"\xff\xd8"
_END = b"\xff\xd9"
_BASELINE = (0xC0, 0xC1)
_OTHER_FRAMES = (0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_SCAN = 0xDA
_ZERO_RUN = 1024
"""More zero bytes in a row than any encoder leaves in a scan."""


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
    at = len(START)
    while True:
        if at + 4 > len(data):
            raise PictureFault("the JPEG ends early: it is cut off in its header")
        mark, kind, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or length < 2 or at + 2 + length > len(data):
            raise PictureFault("the JPEG is damaged or cut off in its header")
        if kind in _OTHER_FRAMES:
            raise PictureFault("the JPEG is not a baseline one; set its source to baseline")
        if kind in _BASELINE:
            if size is not None:
                raise PictureFault("the JPEG holds two pictures")
            size = _frame(data[at + 4 : at + 2 + length])
            check_size(*size)
        at += 2 + length
        if kind == _SCAN:
            break
    if size is None:
        raise PictureFault("the JPEG has no frame header")
    _check_scan(data, at)
    return size


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
    if data.find(bytes(_ZERO_RUN), start) != -1:
        raise PictureFault("the JPEG is damaged: a part of its data is all zeros")

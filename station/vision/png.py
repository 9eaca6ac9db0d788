"""The structure of a PNG file (ISO/IEC 15948): every chunk whole, its data exactly one picture."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from station.vision.faults import PictureFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE = 1 << 20
_ANCILLARY = 0x20
"""Bit 5 of a chunk's first letter: a decoder may leave the chunk out (ISO/IEC 15948, 5.4)."""
_KINDS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}


class Plain(NamedTuple):
    """A whole picture: width and height in pixels, and the file without what only describes it.

    A colour profile, a gamma or a text is nothing to look at, and libpng writes a line to the log for each that it
    does not like.
    """

    width: int
    height: int
    file: bytes


def check(data: bytes, depth: int, check_size: Callable[[int, int], None]) -> Plain:
    """Refuse all but a whole, plain RGB picture.

    Args:
        data: the file, beginning with the signature.
        depth: bits a channel: 8 or 16.
        check_size: raises for a width and height that are not wanted, before anything is inflated.

    Raises:
        PictureFault: says what is wrong.
    """
    packed: list[bytes] = []
    kept = [SIGNATURE]
    size: tuple[int, int] | None = None
    for number, (kind, body, chunk) in enumerate(_chunks(data)):
        if (kind == b"IHDR") != (number == 0):
            raise PictureFault("the PNG does not begin with one header")
        if kind == b"IHDR":
            size = _header(body, depth)
            check_size(*size)
        elif kind in {b"tRNS", b"acTL"}:
            raise PictureFault("the PNG is transparent or animated; set its source to plain RGB")
        elif kind == b"IDAT":
            packed.append(body)
        if not kind[0] & _ANCILLARY:
            kept.append(chunk)
    if size is None:
        raise PictureFault("the PNG has no header")
    _check_data(b"".join(packed), size[1] * (1 + size[0] * 3 * depth // 8))
    return Plain(*size, b"".join(kept))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, content, and the chunk as it stands in the file."""
    at = len(SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise PictureFault("the PNG ends early: its end mark is missing")
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise PictureFault("the PNG ends early: a chunk is cut off")
        (wanted,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(data[at + 4 : end - 4]) != wanted:
            raise PictureFault("the PNG is damaged: a checksum does not fit its chunk")
        yield kind, data[at + 8 : end - 4], data[at:end]
        at = end
    if at != len(data):
        raise PictureFault(f"{len(data) - at} bytes follow the end of the PNG")


def _header(body: bytes, depth: int) -> tuple[int, int]:
    if len(body) != 13:
        raise PictureFault("the PNG's header has the wrong length")
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
    if colour != 2:
        raise PictureFault(f"the PNG is {_KINDS.get(colour, 'of an unknown kind')}, not RGB")
    if bits != depth:
        raise PictureFault(f"the PNG has {bits} bits a channel, not {depth}: set `depth` of its device, or its source")
    if interlaced:
        raise PictureFault("the PNG is interlaced; set its source to plain RGB")
    return width, height


def _check_data(packed: bytes, wanted: int) -> None:
    """In pieces: one of a hundred megabytes would hold up all other threads while it is copied."""
    inflate, found, left = zlib.decompressobj(), 0, packed
    try:
        while piece := inflate.decompress(left, _PIECE):
            found, left = found + len(piece), inflate.unconsumed_tail
            if found > wanted:
                break
    except zlib.error as error:
        raise PictureFault("the PNG is damaged: its data cannot be inflated") from error
    if found != wanted or not inflate.eof or inflate.unused_data:
        raise PictureFault("the PNG's data are not exactly one picture")

"""Is a picture file all there? By its own format: PNG chunks with their checksums up to IEND, JPEG up to its EOI.

Sources: W3C PNG (Second Edition) 5.3, ITU-T T.81 annex B. A decoder is no judge: OpenCV takes half a JPEG for whole.
"""

from __future__ import annotations

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
SOI, EOI = b"\xff\xd8\xff", b"\xff\xd9"
SOS = 0xDA


def what_lacks(data: bytes) -> str:
    """What a picture file lacks to be whole; "" if nothing does."""
    if data.startswith(PNG):
        return _png_lacks(data)
    if data.startswith(SOI):
        return _jpeg_lacks(data)
    if PNG.startswith(data) or SOI.startswith(data):
        return "all but its beginning"
    return "a PNG or JPEG beginning"


def proves_itself(data: bytes) -> bool:
    """Whether every byte is under a checksum, so that a whole file needs no wait until it stops growing."""
    return data.startswith(PNG)


def without_filling(data: bytes) -> bytes:
    """A JPEG of a stream without what transport puts behind its end: a second end mark (RTP), zeros (USB)."""
    data = data.rstrip(b"\0")
    while data.endswith(EOI + EOI):
        data = data[: -len(EOI)]
    return data


def content(data: bytes) -> bytes:
    """What of a picture file shows the scene: a JPEG's scan, for a camera may write the time into its header."""
    return data[data.rfind(bytes([0xFF, SOS])) :] if data.startswith(SOI) else data


def _png_lacks(data: bytes) -> str:
    at = len(PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            return f"a valid checksum at byte {at}"
        if kind == b"IEND":
            return "" if end == len(data) else f"an end: {len(data) - end} bytes follow IEND"
        at = end
    return "its end (IEND)"


def _jpeg_lacks(data: bytes) -> str:
    if not data.endswith(EOI):
        return "its end mark (EOI)"
    at = 2
    while at + 4 <= len(data):
        mark, kind, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or length < 2:
            return f"a valid segment at byte {at}"
        at += 2 + length
        if kind == SOS:
            return "" if at < len(data) - len(EOI) else "its image data"
    return "its image data"

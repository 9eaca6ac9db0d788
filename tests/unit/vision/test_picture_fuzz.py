"""Picture files damaged at will: a picture as large as its header says, or a fault; nothing crashes, nothing is kept.

The long trial takes ten thousand of them.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter

import cv2
import numpy as np
import psutil
import pytest

from station.vision import PictureFault, read_picture

MOST_KEPT = 200e6


def _files() -> dict[str, bytes]:
    rng = np.random.default_rng(2)
    colour = cv2.GaussianBlur(rng.integers(0, 256, (48, 64, 3), np.uint8), (5, 5), 1)
    deep = colour.astype(np.uint16) * 257
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    kinds = {
        "png": (".png", colour, []),
        "png-16": (".png", deep, []),
        "png-grey-16": (".png", deep[..., 0], []),
        "jpeg": (".jpg", colour, []),
        "jpeg-progressive": (".jpg", colour, progressive),
        "tiff": (".tiff", colour, []),
        "tiff-16": (".tiff", deep, []),
        "tiff-energy": (".tiff", deep[..., 0], []),
    }
    return {name: cv2.imencode(kind, pixels, more)[1].tobytes() for name, (kind, pixels, more) in kinds.items()}


def _spoilt(data: bytes, rng: np.random.Generator) -> bytes:
    """A few of: bytes changed, cut out, put in, doubled, zeroed; the end cut; and of a PNG the checksums made right."""
    spoilt = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at, length = int(rng.integers(len(spoilt))), int(2 ** rng.uniform(0, 9))
        part = slice(at, at + length)
        match int(rng.integers(7)):
            case 0:
                spoilt[at] ^= int(rng.integers(1, 256))
            case 1:
                del spoilt[part]
            case 2:
                spoilt[at:at] = rng.bytes(length)
            case 3:
                spoilt[at:at] = spoilt[part]
            case 4:
                spoilt[part] = bytes(len(spoilt[part]))
            case 5:
                del spoilt[at:]
            case _:
                spoilt[at : at + 4] = struct.pack(">I", int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 65_535])))
        if not spoilt:
            return b""
    return _checksums_made_right(bytes(spoilt)) if rng.random() < 0.5 else bytes(spoilt)


def _checksums_made_right(data: bytes) -> bytes:
    if not data.startswith(b"\x89PNG"):
        return data
    made, at = bytearray(data), 8
    while at + 12 <= len(made):
        (length,) = struct.unpack_from(">I", made, at)
        if at + 12 + length > len(made):
            break
        struct.pack_into(">I", made, at + 8 + length, zlib.crc32(made[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(made)


def _try(count: int, first: int) -> Counter[str]:
    """How many of so many damaged files were read as pictures, and how many refused."""
    ended: Counter[str] = Counter()
    files = _files()
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        kind = str(rng.choice(list(files)))
        data = _spoilt(files[kind], rng)
        try:
            pixels = read_picture(data, depth=int(rng.choice([8, 12, 16])))
        except PictureFault:
            ended["refused"] += 1
            continue
        assert pixels.dtype == np.uint8
        assert pixels.shape[2:] == (3,)
        ended["read"] += 1
    assert process.memory_info().rss - before < MOST_KEPT
    return ended


def test_damaged_files_end_as_pictures_or_faults() -> None:
    ended = _try(1_500, 0)
    assert ended["refused"] > 1_000
    assert ended["read"] > 0


@pytest.mark.long
def test_ten_thousand_damaged_files() -> None:
    assert sum(_try(10_000, 1_000_000).values()) == 10_000

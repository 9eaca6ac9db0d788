"""A picture file's bytes to pixels: whole or not at all, and never guessed.

Decoders forgive too much: OpenCV pads half a JPEG with grey, makes 8 bits of 16 by dropping the low byte, drops alpha.
So the file's own structure is checked first, and only what was expected is decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import simplejpeg

from station.vision import jpeg, png
from station.vision.faults import PictureFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 50_000_000
MIN_SIDE_PX = 16
_DEPTHS = (8, 12, 16)


def read_picture(data: bytes, *, depth: int = 8) -> NDArray[np.uint8]:
    """Decode one picture.

    Args:
        data: the whole file: an 8-bit RGB PNG, a baseline colour JPEG, or with `depth` 12 or 16 a 16-bit RGB PNG.
        depth: bits that the source says it uses: 8, 16, or 12 (in the low bits of 16).

    Returns:
        uint8 (H, W, 3), RGB, at most `MAX_PIXELS` pixels. An orientation noted in the file (EXIF) is ignored.

    Raises:
        PictureFault: anything else: cut, damaged, of another kind or depth, too large.
        ValueError: `depth` is none of the three.
    """
    if depth not in _DEPTHS:
        raise ValueError(f"depth {depth}: one of 8, 12, 16")
    if data.startswith(png.SIGNATURE):
        width, height, data = png.check(data, 8 if depth == 8 else 16, _check_size)
    elif data.startswith(jpeg.START):
        if depth != 8:
            raise PictureFault(f"a JPEG has 8 bits, but {depth} are configured for this source")
        jpeg.check(data, _check_size)
        return _decode_jpeg(data)
    elif not data:
        raise PictureFault("the file is empty")
    else:
        raise PictureFault("the file is neither a PNG nor a JPEG")
    pixels = _decode(data)
    if pixels.shape != (height, width, 3):
        raise PictureFault(f"the picture decodes to {pixels.shape}, its header says {height} x {width} in colour")
    return cv2.cvtColor(_to_eight_bits(pixels, depth), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureFault(f"the picture claims {width} x {height} pixels; at most {MAX_PIXELS} are accepted")
    if min(width, height) < MIN_SIDE_PX:
        raise PictureFault(f"the picture claims {width} x {height} pixels; that is too small to show anything")


def _decode_jpeg(data: bytes) -> NDArray[np.uint8]:
    """Libjpeg goes on over what does not fit, and warns; here a warning is a fault."""
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "RGB", strict=True), np.uint8)
    except ValueError as error:
        raise PictureFault(f"the JPEG is damaged: {error}") from error


def _decode(data: bytes) -> NDArray[np.uint8] | NDArray[np.uint16]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise PictureFault("the picture's data cannot be decoded") from error
    if pixels is None or pixels.ndim != 3:
        raise PictureFault("the picture's data cannot be decoded")
    return pixels  # type: ignore[return-value]


def _to_eight_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16], depth: int) -> NDArray[np.uint8]:
    if depth == 8:
        return np.asarray(pixels, np.uint8)
    highest = int(pixels.max())
    if depth == 12:
        if highest > 4095:
            raise PictureFault(f"a value of {highest} in a picture of 12 bits; is the source set to 16?")
        return (pixels >> 4).astype(np.uint8)
    if highest <= 4095:
        raise PictureFault("no value over 4095 in a picture of 16 bits; is the source set to 12?")
    return (pixels >> 8).astype(np.uint8)

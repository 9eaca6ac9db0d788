"""Simulated X-ray pictures of parcels: pure, seeded, with the truth about the hazards in them."""

from __future__ import annotations

import cv2

from simulator.xray.hazards import HAZARDS
from simulator.xray.machine import BELT, MACHINES, Machine
from simulator.xray.scene import MAX_LENGTH_MM, MIN_LENGTH_MM, Label, Picture, draw

__all__ = [
    "BELT",
    "HAZARDS",
    "MACHINES",
    "MAX_LENGTH_MM",
    "MIN_LENGTH_MM",
    "Label",
    "Machine",
    "Picture",
    "draw",
    "png_bytes",
]


def png_bytes(picture: Picture) -> bytes:
    """The picture as the machine writes it: an 8-bit RGB PNG, quickly compressed."""
    bgr = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()

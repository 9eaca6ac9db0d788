"""The X-ray tunnel: simulated dual-energy pictures of parcels with the physics in them, and the truth about hazards."""

from __future__ import annotations

import cv2

from simulator.xray.hazards import HAZARDS
from simulator.xray.machines import BELT, MACHINES, Machine, machine_named
from simulator.xray.scene import MAX_LENGTH_MM, MIN_LENGTH_MM, Label, Picture, draw
from simulator.xray.visibility import TIERS, Tier

__all__ = [
    "BELT",
    "HAZARDS",
    "MACHINES",
    "MAX_LENGTH_MM",
    "MIN_LENGTH_MM",
    "TIERS",
    "Label",
    "Machine",
    "Picture",
    "Tier",
    "draw",
    "machine_named",
    "png_bytes",
]


def png_bytes(picture: Picture) -> bytes:
    """The picture as the machine writes it: an 8-bit RGB PNG, quickly compressed."""
    bgr = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()

"""Which camera: a USB device, an address on the network or a video file, and how its frames are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from station.ports import Settings

STAMPED = {"rtsp", "rtsps"}
"""Protocols by which a source's own time stamps come with its frames (RTP, RFC 3550 5.1)."""


class CameraSettings(Settings):
    """Which camera, how often, how old a frame may be."""

    source: int | str = Field(
        description="number or path of a USB camera, rtsp:// address of a stream, or path of a video file"
    )
    every_ms: int = Field(default=200, ge=10, le=10_000, description="a picture so often")
    format: Literal["png", "jpg"] = Field(
        default="png", description="of decoded frames; those of MJPEG stay as they come"
    )
    max_late_ms: int = Field(default=200, ge=10, description="a frame later than the quickest by more is no evidence")
    frozen_after: int = Field(default=5, ge=0, description="equal pictures in a row that mean a frozen camera; 0: off")
    repeat: bool = Field(default=False, description="a video file begins again at its end")

    @field_validator("source")
    @classmethod
    def _of_proven_age(cls, source: int | str) -> int | str:
        if isinstance(source, str) and "://" in source and urlsplit(source).scheme not in STAMPED:
            raise ValueError(
                "must begin with rtsp://: elsewhere FFmpeg makes up the time stamps, and no frame can be told as old;"
                " set the camera to RTSP, or let it write into a picture folder (kind xray-folder)"
            )
        return int(source) if isinstance(source, str) and source.isascii() and source.isdigit() else source


def is_usb(source: int | str) -> bool:
    """Whether it is a camera of this PC: by its number or its path under /dev, plugged in or not."""
    return isinstance(source, int) or source.startswith(("/dev/video", "/dev/v4l/")) or Path(source).is_char_device()


def is_file(source: int | str) -> bool:
    """Whether it is a video file."""
    return not is_usb(source) and "://" not in str(source)

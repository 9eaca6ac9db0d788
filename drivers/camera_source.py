"""Which camera: a USB device, an address on the network or a video file, and how its frames are wanted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from drivers.wire import WireError
from station.ports import Settings

STAMPED = {"rtsp", "rtsps"}
"""Protocols by which a source's own time stamps come with its frames (RTP, RFC 3550 5.1)."""


class CameraSettings(Settings):
    """Which camera, how often, how old a frame may be."""

    model_config = ConfigDict(hide_input_in_errors=True)

    source: int | str = Field(
        description="number or path of a USB camera, rtsp:// address of a stream, or path of a video file"
    )
    username: str | None = Field(default=None, min_length=1, description="for a stream that asks for one")
    password_file: Path | None = Field(default=None, description="a file with the password; it stands nowhere else")
    every_ms: int = Field(default=200, ge=10, le=10_000, description="a picture so often")
    format: Literal["png", "jpg"] = Field(
        default="png", description="of decoded frames; those of MJPEG stay as they come"
    )
    max_late_ms: int = Field(default=200, ge=10, description="a frame later than the quickest by more is no evidence")
    frozen_after: int = Field(default=5, ge=0, description="equal pictures in a row that mean a frozen camera; 0: off")
    repeat: bool = Field(default=False, description="a video file begins again at its end")

    @field_validator("source")
    @classmethod
    def _without_secrets(cls, source: int | str) -> int | str:
        if re.search(":.*@", str(source)):
            raise ValueError(
                "must hold no user name and no password: write rtsp://HOST/..., and give `username` and `password_file`"
            )
        return source

    @field_validator("source")
    @classmethod
    def _of_proven_age(cls, source: int | str) -> int | str:
        if isinstance(source, str) and "://" in source and urlsplit(source).scheme not in STAMPED:
            raise ValueError(
                "must begin with rtsp://: elsewhere FFmpeg makes up the time stamps, and no frame can be told as old;"
                " set the camera to RTSP, or let it write into a picture folder (kind xray-folder)"
            )
        return int(source) if isinstance(source, str) and source.isascii() and source.isdigit() else source

    @model_validator(mode="after")
    def _who_and_where(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("give username: a password without a name is not sent")
        if self.username is not None and (is_usb(self.source) or is_file(self.source)):
            raise ValueError("leave username out: only a stream, rtsp://..., asks for it")
        return self


def address(settings: CameraSettings) -> str:
    """What FFmpeg is told, the password included: it belongs in no text.

    Raises:
        WireError: `password_file` cannot be read, or is empty.
    """
    if settings.username is None:
        return str(settings.source)
    who, file = quote(settings.username, safe=""), settings.password_file
    if file is not None:
        try:
            password = file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise WireError(f"password_file {file} cannot be read: {why}; let this user read it") from None
        if not password:
            raise WireError(f"password_file {file} is empty; write the camera's password into it")
        who = f"{who}:{quote(password, safe='')}"
    return str(settings.source).replace("://", f"://{who}@", 1)


def told(source: int | str) -> str:
    """The camera in a text: of an address only the host, for what follows it may hold a password."""
    if "://" not in str(source):
        return str(source)
    parts = urlsplit(str(source))
    return f"{parts.scheme}://{parts.netloc}"


def is_usb(source: int | str) -> bool:
    """Whether it is a camera of this PC: by its number or its path under /dev, plugged in or not."""
    return isinstance(source, int) or source.startswith(("/dev/video", "/dev/v4l/")) or Path(source).is_char_device()


def is_file(source: int | str) -> bool:
    """Whether it is a video file."""
    return not is_usb(source) and "://" not in str(source)

"""A serial device's end of a pseudo-terminal, with a link at a steady path for the station to open."""

from __future__ import annotations

import contextlib
import os
import tty
from pathlib import Path


class PtyLine:
    """One pseudo-terminal. While unplugged the link is gone and the terminal closed, as with a USB adapter."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master = self._slave = -1

    @property
    def plugged(self) -> bool:
        """True while the terminal exists."""
        return self._master >= 0

    def plug(self) -> None:
        """Make the terminal and its link."""
        if self.plugged:
            return
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """Take both away."""
        if not self.plugged:
            return
        self.link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def write(self, data: bytes) -> None:
        """Send bytes; like a real line it drops what nobody takes."""
        if self.plugged:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, data)

    def read(self) -> bytes:
        """Bytes that the station sent since the last call."""
        if not self.plugged:
            return b""
        try:
            return os.read(self._master, 4096)
        except (BlockingIOError, OSError):
            return b""

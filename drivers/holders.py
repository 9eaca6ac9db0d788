"""Who has a port open, as Linux tells it under /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def holders(port: str) -> dict[int, str]:
    """Other processes that have the port open, as far as this user may see: pid and command.

    Whoever holds the other end of a pseudo-terminal is the device there, not a second reader.
    """
    target, found = os.path.realpath(port), {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        opened = dict(_opened(process))
        if target in opened.values() and not any(_is_far_end(process, fd, target) for fd in opened):
            with suppress(OSError):
                found[int(process.name)] = (process / "comm").read_text().strip()
    return found


def _opened(process: Path) -> Iterator[tuple[str, str]]:
    """File descriptors and what they are of."""
    with suppress(OSError):
        for fd in (process / "fd").iterdir():
            with suppress(OSError):
                yield fd.name, str(fd.readlink())


def _is_far_end(process: Path, fd: str, terminal: str) -> bool:
    with suppress(OSError):
        words = (process / "fdinfo" / fd).read_text().split()
        return "tty-index:" in words and terminal == f"/dev/pts/{words[words.index('tty-index:') + 1]}"
    return False

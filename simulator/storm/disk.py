"""The PC's disk under SQLite, by apsw's VFS: slow, full, failing at fsync; and what a power cut leaves on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

_SECTOR = 512


@dataclass(slots=True)
class Write:
    """A write that was not synced: where, what was there before, and how long the file was."""

    path: str
    offset: int
    before: bytes
    length: int
    size_before: int


@dataclass(slots=True)
class DiskFaults:
    """What is wrong with it now."""

    full: bool = False
    fsync: bool = False


@dataclass(slots=True)
class Unsynced:
    """All writes since the last fsync of each file, in order."""

    writes: list[Write] = field(default_factory=list)

    def synced(self, path: str) -> None:
        """The file is on disk."""
        self.writes = [write for write in self.writes if write.path != path]


class Disk(apsw.VFS):
    """Use it by name: `Journal(..., vfs=disk.name)`. All files but the shared memory go through it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults = DiskFaults()
        self.unsynced = Unsynced()
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open a file of the journal, or a temporary one, which has no name and may be lost at any time."""
        return apsw.VFSFile("", name, flags) if name is None else _File(self, name, flags)

    def durable(self) -> bool:
        """True if all that was written is on disk."""
        return not self.unsynced.writes

    def cut(self, random: Random, folder: Path) -> None:
        """The power goes: of the unsynced writes, newest first, some are gone and some torn. Nothing may be open."""
        for write in reversed(self.unsynced.writes):
            lot = random.random()
            if lot < 0.3:
                continue
            keep = 0 if lot < 0.7 else random.randrange(write.length) // _SECTOR * _SECTOR
            with Path(write.path).open("r+b") as file:
                file.seek(write.offset + keep)
                file.write(write.before[keep:])
                if write.offset + write.length > write.size_before and not keep:
                    file.truncate(max(write.size_before, write.offset))
        self.unsynced.writes.clear()
        for shared in folder.glob("*-shm"):
            shared.unlink()


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = str(name.filename() if isinstance(name, apsw.URIFilename) else name)
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._disk.faults.fsync:
            raise apsw.IOError("fsync failed")
        super().xSync(flags)
        self._disk.unsynced.synced(self._path)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._disk.faults.full:
            raise apsw.FullError("disk full")
        size = super().xFileSize()
        length = min(len(data), max(0, size - offset))
        before = super().xRead(length, offset) if length else b""
        before += bytes(len(data) - len(before))
        self._disk.unsynced.writes.append(Write(self._path, offset, before, len(data), size))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.unsynced.synced(self._path)
        super().xTruncate(size)

"""A disk under SQLite that fails on command: at fsync, or as full. Made with apsw's VFS."""

from __future__ import annotations

from typing import Any

import apsw


class FaultyVfs(apsw.VFS):
    """Use it by name: `Journal(..., vfs=faulty.name)`. Files behave until a fault is switched on.

    Attributes:
        fail_sync: each fsync raises an I/O error; the bytes were written.
        full: each write raises "disk full"; nothing is written.
        syncs: fsyncs that succeeded, by the last part of the file's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fail_sync = False
        self.full = False
        self.syncs: list[str] = []
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _FaultyFile(self, name, flags)


class _FaultyFile(apsw.VFSFile):
    def __init__(self, vfs: FaultyVfs, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        self._name = str(name.filename() if isinstance(name, apsw.URIFilename) else name).rsplit("/", 1)[-1]
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._vfs.fail_sync:
            raise apsw.IOError("fsync failed")
        super().xSync(flags)
        self._vfs.syncs.append(self._name)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._vfs.full:
            raise apsw.FullError("disk full")
        super().xWrite(data, offset)

"""A lock file that only one process at a time holds, with the holder's pid inside; it dies with its process.

The pid is for people: where it cannot be written (a full disk) the lock holds as well.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class LockedError(Exception):
    """Another process holds the lock.

    Attributes:
        pid: the holder's process id, None where the file does not tell.
    """

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(f"{path} is held by process {pid or 'unknown'}")
        self.pid = pid


class FileLock:
    """Taken when made, released by `close` or by the end of the process, however it ends.

    Raises:
        LockedError: another process (or another FileLock of this one) holds it.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(self._fd, 20, 0).strip()
            os.close(self._fd)
            raise LockedError(path, int(pid) if pid.isdigit() else None) from None
        except OSError:
            os.close(self._fd)
            raise
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Release it; the file stays, since removing it would let two processes lock two files of one name."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

"""Pictures beside the journal, named by the SHA-256 of their bytes; each is there whole or not at all."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

from station.journal.files import sync_folder
from station.journal.stored import JournalError

log = logging.getLogger(__name__)
SUFFIXES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}
UNKNOWN = ".bin"
REMEMBERED = 10_000


class PictureStore:
    """A folder of folders, by the first two hex digits of the hash; used by any threads of one process.

    Attributes:
        bytes_kept: what all pictures take, once `measure` has looked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bytes_kept = 0
        self._lock = threading.Lock()
        self._put: OrderedDict[str, int] = OrderedDict()

    def put(self, data: bytes) -> str:
        """Keep encoded bytes durably, once; what is neither PNG nor JPEG is kept as `.bin`.

        Returns:
            Their SHA-256, hex.

        Raises:
            JournalError: the disk refused.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        suffix = next((end for magic, end in SUFFIXES.items() if data.startswith(magic)), UNKNOWN)
        path = self.folder / sha256[:2] / f"{sha256}{suffix}"
        try:
            with self._lock:  # from here on `remove` leaves it
                before = 1 if path.exists() else 0  # what an earlier run kept is named by its events
                self._put[sha256] = self._put.get(sha256, before) + 1
                if len(self._put) > REMEMBERED:
                    self._put.popitem(last=False)
            if not path.exists():
                _write(path, data)
                self._add(len(data))
        except OSError as error:
            raise JournalError(f"picture {path}: {error.strerror}; nothing of it was kept; check its disk") from error
        return sha256

    def path_of(self, sha256: str) -> Path | None:
        """Where a picture is kept; None if it is not (any more)."""
        paths = (self.folder / sha256[:2] / f"{sha256}{end}" for end in (*SUFFIXES.values(), UNKNOWN))
        return next((path for path in paths if path.exists()), None)

    def remove(self, sha256: str) -> bool:
        """Delete a picture that nothing names any more; one that came again lately is about to be named, and stays."""
        with self._lock:
            path = self.path_of(sha256)
            if path is None or sha256 in self._put:
                return False
            size = path.stat().st_size
            path.unlink()
            self.bytes_kept -= size
            return True

    def drop(self, frames: Sequence[str]) -> None:
        """Delete pictures of a parcel that need not be kept, but for one that came more than once: it is another's too.

        A disk that refuses is told in the log, and the picture stays.
        """
        for sha256 in frames:
            with self._lock:
                path = self.path_of(sha256)
                if path is None or self._put.get(sha256) != 1:
                    continue
                try:
                    size = path.stat().st_size
                    path.unlink()
                except OSError as error:
                    log.warning("pictures: %s cannot be removed: %s", path, error.strerror)
                    continue
                self.bytes_kept -= size

    def _add(self, size: int) -> None:
        with self._lock:
            self.bytes_kept += size

    def files(self) -> Iterator[Path]:
        """All that lies there, unfinished pictures too."""
        return self.folder.glob("??/*")

    def measure(self) -> None:
        """Look at all pictures' sizes; takes seconds where there are many."""
        found = sum(_size(path) for path in self.files())
        with self._lock:
            self.bytes_kept = found


def _size(path: Path) -> int:
    """0 if it is gone: pictures are removed meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _write(path: Path, data: bytes) -> None:
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent.parent)
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)

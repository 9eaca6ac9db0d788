"""Where a delivered file goes: into the folder `done` beside it, of which the oldest go in turn, or away."""

from __future__ import annotations

from collections import deque
from pathlib import Path

DONE = "done"


class PutAway:
    """One folder's files; with `keep` None they are deleted."""

    def __init__(self, folder: Path, keep: int | None) -> None:
        self._folder = folder
        self._keep = keep
        self._kept: deque[Path] = deque()

    def open(self) -> None:
        """Make `done` and see what it holds; OSError if that cannot be."""
        if self._keep is not None:
            done = self._folder / DONE
            done.mkdir(exist_ok=True)
            self._kept = deque(sorted(done.iterdir(), key=_changed_ns))

    def take(self, name: str, now_ns: int) -> str:
        """Why a file cannot be put away; "" if it is gone."""
        path = self._folder / name
        try:
            if self._keep is None:
                path.unlink(missing_ok=True)
            else:
                self._move(path, now_ns, self._keep)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _move(self, path: Path, now_ns: int, keep: int) -> None:
        kept = path.parent / DONE / f"{now_ns}_{path.name}"
        kept.parent.mkdir(exist_ok=True)
        try:
            path.replace(kept)
        except FileNotFoundError:
            return
        self._kept.append(kept)
        while len(self._kept) > keep:
            self._kept.popleft().unlink(missing_ok=True)


def _changed_ns(path: Path) -> int:
    """When it was changed; 0 for what is gone by now."""
    try:
        return path.lstat().st_mtime_ns
    except FileNotFoundError:
        return 0

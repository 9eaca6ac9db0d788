"""Epochs and sessions: 32-bit numbers, never 0, on disk before use, never used again even if the file is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from station.journal.files import sync_folder
from station.journal.stored import JournalError

LARGEST = 2**32 - 1


class IdFile:
    """The file `ids.json` beside the journal, not in it: it must outlive a lost journal.

    A number is at least the UTC seconds of its making, so a file that was lost repeats none unless numbers were
    made faster than one a second; and it is above the floor that a caller hands in (what the PLC holds).
    """

    def __init__(self, path: Path, now_utc: Callable[[], datetime]) -> None:
        self.path = path
        self._now_utc = now_utc

    def next_session(self, floor: int = 0) -> int:
        """A session never used before, above `floor`; durable before it is returned.

        Raises:
            JournalError: it could not be written, or no 32-bit number is left above the floor.
        """
        return self._next("session", floor)

    def next_epoch(self, floor: int = 0) -> int:
        """An epoch never used before, above `floor`; durable before it is returned.

        Raises:
            JournalError: it could not be written, or no 32-bit number is left above the floor.
        """
        return self._next("epoch", floor)

    def _next(self, kind: Literal["session", "epoch"], floor: int) -> int:
        used = self._read()
        number = max(used[kind] + 1, floor + 1, int(self._now_utc().timestamp()), 1)
        if number > LARGEST:
            sentence = f"no {kind} is left above {max(used[kind], floor)}: check what the PLC reports as its {kind}"
            raise JournalError(f"{sentence}, and the file {self.path}")
        self._write({**used, kind: number})
        return number

    def _read(self) -> dict[str, int]:
        try:
            used = json.loads(self.path.read_bytes())
            return {"session": int(used["session"]), "epoch": int(used["epoch"])}
        except FileNotFoundError:
            return {"session": 0, "epoch": 0}
        except (ValueError, KeyError, TypeError):
            return self._put_aside()
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}; let this user read and write it") from error

    def _put_aside(self) -> dict[str, int]:
        """A damaged file is kept for whoever wants to look; numbers then go on from the clock."""
        try:
            self.path.replace(self.path.with_suffix(".damaged"))
        except OSError as error:
            raise JournalError(f"{self.path} is damaged and cannot be put aside: {error.strerror}") from error
        return {"session": 0, "epoch": 0}

    def _write(self, used: dict[str, int]) -> None:
        temporary = self.path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                file.write(json.dumps(used).encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}; no number is used before it is on disk") from error

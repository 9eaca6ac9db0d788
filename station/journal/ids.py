"""Epochs and sessions: 32-bit numbers, never 0, on disk before use, never used again even if the file is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from station.journal.files import sync_folder
from station.journal.stored import JournalError

LARGEST = 2**32 - 1


class Numbers(NamedTuple):
    """The highest epoch and session that are known to have been used; 0 for none."""

    epoch: int
    session: int


NONE = Numbers(0, 0)


class IdFile:
    """The file `ids.json` beside the journal, not in it: it must outlive a lost journal.

    A number lies above all that the file knows, above those that the journal holds, above the floor that a caller hands
    in (what the PLC holds), and is at least the UTC seconds of its making. So while file or journal is there none is
    repeated, whatever the clock does; with both lost none is unless the clock was set back as well, or numbers were
    made faster than one a second.
    """

    def __init__(self, path: Path, now_utc: Callable[[], datetime], journaled: Numbers = NONE) -> None:
        self.path = path
        self._now_utc = now_utc
        self._journaled = journaled

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
        journaled = self._journaled.session if kind == "session" else self._journaled.epoch
        known = max(used[kind], journaled, floor)
        number = max(known + 1, int(self._now_utc().timestamp()), 1)
        if number > LARGEST:
            sentence = f"no {kind} is left above {known}: check what the PLC reports as its {kind}"
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

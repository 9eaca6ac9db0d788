"""The hold list that was commanded: a file by its hash in the folder `hold`, and beside it which one is in force.

Whoever commands one puts it there first, so that the command itself stays small; it counts once the core has answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import sleep

from station.clock import now_utc
from station.core.commands import MOST_CODES
from station.core.events import HeldCodes
from station.journal import Inbox, InboxError
from station.journal.files import sync_file, sync_folder
from station.journal.inbox import MOST_WAITING
from station.spelling import LONGEST_CODE, Codes, code_fault

FOLDER = "hold"
CURRENT = "current"
MOST_STAGED = 20
_LARGEST = MOST_CODES * (4 * LONGEST_CODE + 1)
_AT_ONCE = 250
_GIVES_WAY_S = 0.0002
_JUST_NOW_S = 2.0
"""Its command is on the way into the inbox."""


class HoldListError(Exception):
    """A commanded hold list cannot be used; the sentence says what is wrong."""


def stage(data: Path, codes: Iterable[str]) -> tuple[str, int]:
    """Put a list there, durable, in order and each code once; its SHA-256 and how many codes it has.

    Raises:
        HoldListError: it holds what is no code, or too many, or too many lists lie there.
        OSError: it cannot be written.
    """
    listed = sorted(set(codes))
    if len(listed) > MOST_CODES:
        raise HoldListError(f"{len(listed)} codes, {MOST_CODES} are allowed")
    for code in listed:
        if fault := code_fault(code):
            raise HoldListError(f"{code[:40]!r} is no barcode: {fault}")
    content = "".join(f"{code}\n" for code in listed).encode()
    sha256, folder = hashlib.sha256(content).hexdigest(), data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sha256}.txt"
    if not path.exists() and _full(folder):
        _forget(data)
        if _full(folder):
            raise HoldListError(f"{MOST_STAGED} lists lie in {folder} already: does the station run?")
    _write(path, content)
    return sha256, len(listed)


def _full(folder: Path) -> bool:
    return len(list(folder.glob("*.txt"))) >= MOST_STAGED


def _forget(data: Path) -> None:
    """Remove the lists that are neither in force nor named by a command that waits, nor put there just now."""
    with contextlib.suppress(HoldListError, InboxError, OSError):
        with contextlib.closing(Inbox(data)) as inbox:
            waiting = "".join(str(posted.payload) for posted in inbox.waiting(0, MOST_WAITING))
        current_one, just_now = in_force(data), now_utc().timestamp() - _JUST_NOW_S
        for path in (data / FOLDER).glob("*.txt"):
            needed = path.stem == current_one or path.stem in waiting
            if not needed and path.stat().st_mtime < just_now:
                path.unlink(missing_ok=True)


def staged(data: Path, sha256: str) -> HeldCodes:
    """A list that lies there. It gives way to other threads all the while: none is held up for long.

    Raises:
        HoldListError: it is gone, damaged or malformed.
    """
    path = data / FOLDER / f"{sha256}.txt"
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise HoldListError(f"{path}: {error.strerror}: give the hold list again") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise HoldListError(f"{path} is damaged: give the hold list again")
    try:
        return HeldCodes(sha256, Codes.of(_codes(content)))
    except UnicodeDecodeError as error:
        raise HoldListError(f"{path} is not in UTF-8") from error


def make_current(data: Path, sha256: str) -> None:
    """From now on it is the one that a start takes.

    Raises:
        OSError: it cannot be written.
    """
    _write(data / FOLDER / CURRENT, sha256.encode())


def current(data: Path) -> HeldCodes:
    """The list in force, an empty one if none was ever commanded.

    Raises:
        HoldListError: it cannot be read.
    """
    sha256 = in_force(data)
    return staged(data, sha256) if sha256 else HeldCodes()


def in_force(data: Path) -> str:
    """The SHA-256 of the list in force, "" if none was ever commanded.

    Raises:
        HoldListError: it cannot be read.
    """
    path = data / FOLDER / CURRENT
    try:
        sha256 = path.read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HoldListError(f"{path}: {error.strerror}") from error
    if len(sha256) != 64 or not sha256.isalnum():
        raise HoldListError(f"{path} is damaged: give the hold list again")
    return sha256


def _codes(content: bytes) -> Iterator[str]:
    for number, line in enumerate(io.BytesIO(content)):
        if number % _AT_ONCE == 0:
            sleep(_GIVES_WAY_S)
        yield line.decode().rstrip("\n")


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".part")
    partial.write_bytes(content)
    sync_file(partial)
    partial.replace(path)
    sync_folder(path.parent)

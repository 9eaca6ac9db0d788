"""The hold list and the declared weights: two CSV files, reloaded when they change, as a whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from station.clock import now_ns
from station.core.events import HeldCodes, ListsLoaded
from station.holding import HoldListError, current
from station.spelling import Codes, cases, code_fault, spellings

LARGEST_BYTES = 64 * 1024 * 1024
SHORT_S = 10
_NS = 1_000_000_000
_MEND = "write a file with at least the heading, or take its key out of the configuration"


class ListError(Exception):
    """A list cannot be used; the text says file, line and what is wrong. The lists before it stay in force."""


@dataclass(slots=True)
class Lists:
    """Where the lists are, and what was last loaded; in the folder `data` the one that was commanded.

    Attributes:
        reading: the file that is being read now, or was last.
        told: the hash of the list that the journal says was commanded last, "" if it knows of none.
    """

    hold_list: Path | None
    declared_weights: Path | None
    data: Path | None = None
    reading: Path | None = None
    clock_ns: Callable[[], int] = now_ns
    told: Callable[[], str] = lambda: ""
    _commanded: HeldCodes | None = None
    _stamp: tuple[object, ...] | None = None
    _seen: tuple[object, ...] | None = None
    _rows: tuple[int, int] = (0, 0)
    _short: tuple[tuple[object, ...], int] = ((), 0)

    def changed(self) -> ListsLoaded | None:
        """Return the lists if a file changed since the last call that returned them, else None.

        Raises:
            ListError: a file is missing, half written or malformed; it is tried again at the next call.
        """
        stamp = (self._stamp_of(self.hold_list), self._stamp_of(self.declared_weights))
        if stamp == self._stamp:
            return None
        if self._stamp is not None and stamp != self._seen:
            self._seen = stamp  # a change is read when it looks the same twice: a writer may be at work
            return None
        held_bytes, declared_bytes = self._read(self.hold_list), self._read(self.declared_weights)
        held_rows = _rows(held_bytes, self.hold_list, 1)
        declared_rows = _rows(declared_bytes, self.declared_weights, 2)
        held = Codes.of(row[0] for _, row in held_rows)
        declared = _declared(declared_rows, self.declared_weights)
        rows = len(held_rows), len(declared_rows)
        self._want_whole(stamp, rows)
        if self._commanded is None and self.data is not None:
            self._commanded = _commanded(self.data, self.told())
        self._stamp, self._rows = stamp, rows
        version = hashlib.sha256(held_bytes + b"\0" + declared_bytes).hexdigest()[:16]
        return ListsLoaded(version, held, tuple(declared.items()), self._commanded)

    def _want_whole(self, stamp: tuple[object, ...], rows: tuple[int, int]) -> None:
        """A list that lost more than half of its rows may be one that is being written: it must stay so for a while.

        Raises:
            ListError: it has not stayed so for that long.
        """
        for path, now, before in zip((self.hold_list, self.declared_weights), rows, self._rows, strict=True):
            if 2 * now >= before:
                continue
            if stamp != self._short[0]:
                self._short = stamp, self.clock_ns()
            if self.clock_ns() - self._short[1] < SHORT_S * _NS:
                text = f"{path}: has {now} rows, {before} are in force; is it still being written?"
                raise ListError(f"{text} It counts once it has stayed as it is for {SHORT_S} s")

    def _stamp_of(self, path: Path | None) -> object:
        self.reading = path
        return None if path is None else _stamp(path)

    def _read(self, path: Path | None) -> bytes:
        self.reading = path
        return b"" if path is None else _read(path, _opened_plain)


def read_hold_list(path: Path) -> list[str]:
    """The codes of a hold list in CSV, as they are written.

    Raises:
        ListError: it is missing, half written or malformed.
    """
    return [row[0] for _, row in _rows(_read(path, _opened), path, 1)]


def _commanded(data: Path, told: str) -> HeldCodes:
    """The list that was commanded; not to know it is not to know what is to be held."""
    try:
        found = current(data)
    except HoldListError as error:
        raise ListError(str(error)) from error
    if told and found.sha256 != told:
        lies = found.sha256[:16] or "none"
        raise ListError(
            f"the journal says that hold list {told[:16]} was commanded last, in {data} is {lies}: give it again"
        )
    return found


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        raise ListError(f"{path}: {error.strerror}; {_MEND}") from error
    _want_plain(found.st_mode, path)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _want_plain(mode: int, path: Path) -> None:
    """A pipe or a device may never end, and may never even begin."""
    if not stat.S_ISREG(mode):
        raise ListError(f"{path}: is no plain file; {_MEND}")


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _opened_plain(path: Path) -> IO[bytes]:
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    try:
        _want_plain(os.fstat(file.fileno()).st_mode, path)
    except ListError:
        file.close()
        raise
    return file


def _read(path: Path, opened: Callable[[Path], IO[bytes]]) -> bytes:
    try:
        with opened(path) as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ListError(f"{path}: {error.strerror}") from error
    if len(data) > LARGEST_BYTES:
        raise ListError(f"{path}: larger than {LARGEST_BYTES} bytes")
    if not data:
        raise ListError(f"{path}: is empty; {_MEND}")
    if not data.endswith(b"\n"):
        raise ListError(f"{path}: the last line has no end: is it still being written? Write it aside, then rename it")
    return data


def _declared(rows: list[tuple[int, list[str]]], path: Path | None) -> dict[str, float]:
    """Grams by code; a code with two weights is refused."""
    declared: dict[str, float] = {}
    for number, row in rows:
        grams = _grams(row[1], number, path)
        for code in cases(spellings(row[0])):
            if declared.setdefault(code, grams) != grams:
                raise ListError(f"{path}:{number}: {row[0][:40]} is declared a second time, with another weight")
    return declared


def _rows(data: bytes, path: Path | None, columns: int) -> list[tuple[int, list[str]]]:
    """Rows with their line numbers; a first row that begins with `barcode` is a heading, and may name more columns."""
    try:
        text = data.decode("utf-8-sig")
        rows = list(enumerate(csv.reader(io.StringIO(text), strict=True), start=1))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ListError(f"{path}: is not CSV in UTF-8: {error}") from error
    wanted = []
    most = columns
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if number == 1 and cells[0].lower() == "barcode":
            most = max(columns, len(cells))
            if columns > 1 and [cell.lower() for cell in cells[1:2]] != ["grams"]:
                raise ListError(f"{path}:1: the second column must be `grams`, by that name, and weights in grams")
            continue
        if len(cells) < columns or not cells[0]:
            raise ListError(f"{path}:{number}: {columns} column(s) wanted, the first the barcode")
        if len(cells) > most:
            raise ListError(f"{path}:{number}: {len(cells)} columns, {most} are wanted: is a comma in a number?")
        if fault := code_fault(cells[0]):
            raise ListError(f"{path}:{number}: {cells[0][:40]!r} is no barcode: {fault}")
        wanted.append((number, cells))
    return wanted


def _grams(cell: str, number: int, path: Path | None) -> float:
    try:
        grams = float(cell)
    except ValueError:
        grams = math.nan
    if not math.isfinite(grams) or grams < 0:
        raise ListError(f"{path}:{number}: {cell[:40]!r} is no weight in grams")
    return grams

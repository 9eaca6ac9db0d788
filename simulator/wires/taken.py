"""One plant at a time has a folder of wires, and a port: a second one would take them from the first without a word."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from simulator.config import WiresConfig
from station.journal.lock import FileLock, LockedError

_LOCK = ".plant.lock"


class TakenError(Exception):
    """Another has that folder or port; the text says which, and what to do."""


@contextlib.contextmanager
def held(wires: WiresConfig) -> Iterator[None]:
    """Hold every folder in which a wire ends; they are free again at the end of the process, however it ends.

    The X-ray machine's own folder is left out: a station would take the lock's file there for a strange picture.

    Raises:
        TakenError: another plant has one of them.
    """
    with contextlib.ExitStack() as stack:
        for folder in sorted({path.parent for path in _ends(wires)}):
            folder.mkdir(parents=True, exist_ok=True)
            stack.callback(_locked(folder).close)
        yield


def _ends(wires: WiresConfig) -> list[Path]:
    ends = [wires.scanner, wires.scale, wires.control]
    return ends if wires.modbus_rtu_scale is None else [*ends, wires.modbus_rtu_scale]


def _locked(folder: Path) -> FileLock:
    try:
        return FileLock(folder / _LOCK)
    except LockedError as error:
        holder = f"process {error.pid}" if error.pid else "a process"
        raise TakenError(
            f"{folder}: another plant has these wires ({holder}); end it, or name another folder under `wires`"
        ) from error


def port_taken(host: str, port: int, why: str = "") -> TakenError:
    """What to say of a port at which one cannot listen."""
    because = f" ({why})" if why else ""
    return TakenError(
        f"{host}:{port}: cannot be listened at{because}; end whoever has that port, or choose another one, here or in "
        "the plant's file"
    )

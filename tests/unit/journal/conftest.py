from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.core.records import DeviceChanged
from station.journal import Journal

NOON = datetime(2026, 10, 25, 12, 0, 0, 250_000, tzinfo=UTC)


def changed(n: int) -> DeviceChanged:
    return DeviceChanged(device=f"scanner-{n}", connected=True, detail="")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., Journal]]:
    made: list[Journal] = []

    def make(vfs: str | None = None, station: str = "demo") -> Journal:
        made.append(Journal(path, station=station, now_utc=lambda: NOON, mono_ns=lambda: 7, vfs=vfs))
        return made[-1]

    yield make
    for journal in made:
        journal.close()

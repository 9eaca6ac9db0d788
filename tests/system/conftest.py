"""The rig as a fixture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import need
from tests.system.rig import Rig

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a station that is installed has its bytecode


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Make rigs that are closed whatever happens."""
    need("mosquitto")
    rigs: list[Rig] = []

    def make(**options: Any) -> Rig:
        rigs.append(Rig(tmp_path, **options))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()

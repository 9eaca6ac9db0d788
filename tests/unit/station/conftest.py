"""What more than one module looks at, and none changes."""

from __future__ import annotations

import pytest

from tests.unit.station.journaled import VirtualLine, busy


@pytest.fixture(scope="session")
def healthy() -> VirtualLine:
    line = VirtualLine(busy(10))
    line.run(25)
    return line

"""What more than one module looks at, and none changes."""

from __future__ import annotations

import pytest

from tests.unit.station.journaled import JournaledLine, busy


@pytest.fixture(scope="session")
def healthy() -> JournaledLine:
    line = JournaledLine(busy(10))
    line.run(25)
    return line

from __future__ import annotations

import pytest

from tests.unit.core.parts.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench().started()

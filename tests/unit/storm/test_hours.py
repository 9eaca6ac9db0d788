"""How many hours of storms can be asked for: each is listed ahead, so they must be a number, and a bounded one."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.storm.cli import hours_of_a_storm


@pytest.mark.parametrize("hours", ["inf", "nan", "-inf", "100001", "0", "-1"])
def test_hours_that_cannot_be_listed_are_refused(monkeypatch: pytest.MonkeyPatch, hours: str) -> None:
    monkeypatch.setattr("simulator.storm.run.plan", lambda *_: pytest.fail("they were listed"))
    ran = CliRunner().invoke(app, ["storm", "--hours", hours])
    assert ran.exit_code == 2
    assert f"{hours}: say 0.01 to 100000 hours" in ran.stderr


@pytest.mark.parametrize("hours", [None, 0.01, 100_000.0])
def test_hours_at_the_bounds_are_taken(hours: float | None) -> None:
    assert hours_of_a_storm(hours) == hours

"""Retention in a real daemon: what cannot be kept to is an alarm, and the line goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from station.journal.verify import verify
from tests.system.rig import Rig


@pytest.mark.timeout(90)
@pytest.mark.xdist_group("line")
def test_rules_that_cannot_be_kept_are_an_alarm_and_nothing_is_lost(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(seed=21)
    rig.overrides.append("retention={days: 1, max_gb: 0.00001}")
    rig.start()
    rig.let_pass(3)
    raised = [
        alarm for alarm in rig.events("alarm-raised") if (alarm["alarm"], alarm["subject"]) == ("journal", "size")
    ]
    assert len(raised) == 1
    assert "not published yet" in raised[0]["text"]
    verdict = verify(rig.folder / "data" / "journal.db")
    assert (verdict.faults, verdict.pruned) == ([], 0)

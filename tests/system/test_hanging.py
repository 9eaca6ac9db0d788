"""A detector that hangs in a running station: one alarm of its own, and a line in the log."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.rig import Rig

HANGS = """
import os, sys, time
if "run" in sys.orig_argv:
    from station.vision.session import Network
    answers = Network._answers
    def hang(self, prepared):
        while os.path.exists({block!r}):
            time.sleep(0.02)
        return answers(self, prepared)
    Network._answers = hang
"""


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_detector_that_hangs_is_one_alarm_and_one_line(
    make_rig: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    block = tmp_path / "site" / "block"
    (tmp_path / "site" / "sitecustomize.py").write_text(HANGS.format(block=str(block)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    rig = make_rig(seed=34)
    rig.start()
    rig.let_pass(2)
    block.touch()
    rig.wait(lambda: _subjects(rig, "alarm-suppressed", "no-evidence"), 40, "the lack of evidence follows")
    assert _subjects(rig, "alarm-raised", "detector") == ["hangs"]
    assert _subjects(rig, "alarm-raised", "no-evidence") == []
    block.unlink()
    rig.wait(lambda: _subjects(rig, "alarm-cleared", "detector"), 30, "it clears itself")
    rig.finish()
    log = (rig.folder / "station.log").read_text(encoding="utf-8")
    assert log.count("eye: the detector hangs") == log.count("eye: the detector answers again") == 1


def _subjects(rig: Rig, kind: str, alarm: str) -> list[str]:
    return [event["subject"] for event in rig.events(kind) if event["alarm"] == alarm]

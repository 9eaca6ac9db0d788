"""Ctrl-C ends the station in order whenever it comes, also while it still starts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from station.journal import Reader

ROOT = Path(__file__).parents[2]
BUILT = """
import signal, station.daemon
real = station.daemon.Daemon.__init__
def built(self, *given):
    {before}
    real(self, *given)
    {behind}
station.daemon.Daemon.__init__ = built
from station.cli import main
main()
"""
PRESSED = "signal.raise_signal(signal.SIGINT)"


@pytest.mark.parametrize(("before", "behind"), [(PRESSED, "pass"), ("pass", PRESSED)], ids=["first", "last"])
def test_while_the_daemon_is_built(tmp_path: Path, before: str, behind: str) -> None:
    """It was swallowed, and the station ran on."""
    code = BUILT.format(before=before, behind=behind)
    command = [sys.executable, "-c", code, "run", str(ROOT / "config" / "demo.yaml"), "--set", f"data={tmp_path}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    with closing(Reader(tmp_path / "journal.db")) as reader:
        assert [event.type for event in reader.after(0, 100)][-1] == "station-stopped"


@pytest.mark.parametrize("program", ["station", "simulator"])
def test_while_it_is_imported(tmp_path: Path, program: str) -> None:
    (tmp_path / "typer.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n", "utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from {program}.__main__ import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (128 + signal.SIGINT, "")


@pytest.mark.xdist_group("line")
def test_a_demo_whose_station_has_not_begun(tmp_path: Path) -> None:
    """It ended with a traceback for want of a journal."""
    command = [sys.executable, "-m", "simulator", "demo", "--seconds", "60", "--headless", "--keep", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 60
        while not (tmp_path / "station.log").exists():
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        told, errors = running.communicate(timeout=60)
    assert "Traceback" not in told + errors
    assert (running.returncode, json.loads(told)["broken"]) == (0, [])
    assert not (tmp_path / "data" / "journal.db").exists()

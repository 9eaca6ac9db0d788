"""Ctrl-C ends the station in order whenever it comes, also while it still starts."""

from __future__ import annotations

import signal
import subprocess
import sys
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


def test_while_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n", "utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from station.__main__ import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (128 + signal.SIGINT, "")

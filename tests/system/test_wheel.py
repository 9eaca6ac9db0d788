"""The wheel carries the model and the example configurations: the demo runs from an empty environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("line")
def test_the_demo_runs_from_the_wheel(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    wheel = next(tmp_path.glob("*.whl"))
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "empty")], check=True)
    install = [str(tmp_path / "empty/bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*install, "--constraint", str(ROOT / "requirements.lock"), str(wheel)], check=True)
    demo = [str(tmp_path / "empty/bin/simulator"), "demo", "--seconds", "10", "--headless", "--report", "report.json"]
    demo += ["--screenshot", "view.svg"]
    ran = subprocess.run(demo, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["parcels"] > 3
    assert report["broken"] == []
    assert "scanner" in (tmp_path / "view.svg").read_text()

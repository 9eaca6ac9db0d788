"""What the system refuses a command ends in a sentence, and never in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
STATION = [sys.executable, "-m", "station"]


def ran(*arguments: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
    command = [*STATION, *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **how)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("command", [["devices"], ["model", "list"], ["status", DEMO]], ids=str)
def test_an_output_that_is_full(tmp_path: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = ran(*command, stdout=full, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.strip() == "output: No space left on device"


def test_a_folder_that_this_user_may_not_read() -> None:
    """Root may read all, so the refusal is made."""
    code = """if True:
        from station.cli_parts import run_app
        def app():
            raise PermissionError(13, "Permission denied", "/srv/data/status.json")
        run_app(app)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    said = "/srv/data/status.json: Permission denied. Run this as the station's own user, or give yours access"
    assert (done.returncode, " ".join(done.stderr.split())) == (1, said)


def test_a_terminal_that_has_no_sign_for_it() -> None:
    code = "import sys; from station.cli_parts import run_app; run_app(lambda: sys.exit(print('Prüfung')))"
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=ascii_only)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Pr?fung\n", "")


def test_an_output_that_nobody_reads_to_its_end() -> None:
    code = "from station.cli_parts import run_app; run_app(lambda: [print('x' * 1000) for _ in range(10_000)])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        assert writing.stdout.read(10) == b"x" * 10
        writing.stdout.close()
        assert writing.stderr.read() == b""
        assert writing.wait(60) == 1

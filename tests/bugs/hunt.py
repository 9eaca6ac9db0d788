"""Which deliberate bugs do storms catch, and by which promise: `python -m tests.bugs.hunt [--seeds 2 3] [--seconds S]`.

Each bug is laid over a copy of the product, and storms run in that until one breaks a promise.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bugs.patching import Bug, load, mutated_tree

TIMEOUT_S = 300.0
STORM = """
import logging, sys
from pathlib import Path
import station
from simulator.storm.storm import Storm
from simulator.storm.weather import detectable, forecast

assert Path(station.__file__).is_relative_to(Path.cwd()), station.__file__
logging.disable(logging.CRITICAL)
for seed in map(int, sys.argv[2:]):
    found = Storm(seed, float(sys.argv[1]), forecast(seed, float(sys.argv[1]), detectable())).run().violations
    if found:
        print(found[0].promise.name, seed, round(found[0].ms / 60_000, 1))
        break
"""


def hunt(bug: Bug, seeds: Sequence[int], seconds: float) -> str:
    """Promise, seed and line minutes of the first that was broken; "" if none was.

    Raises:
        subprocess.CalledProcessError: the patched product does not run.
        subprocess.TimeoutExpired: it hangs.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = mutated_tree(bug, Path(folder))
        command = [sys.executable, "-c", STORM, str(seconds), *map(str, seeds)]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        ran = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        )
    return ran.stdout.strip()


def main() -> int:
    """Hunt them all; the number of those that got away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4, 6])
    parser.add_argument("--seconds", type=float, default=150.0)
    options = parser.parse_args()
    escaped = 0
    for bug in load():
        try:
            found = hunt(bug, options.seeds, options.seconds)
        except subprocess.CalledProcessError as error:
            found = f"crash: {error.stderr.strip().splitlines()[-1]}"
        except subprocess.TimeoutExpired:
            found = "hangs"
        escaped += not found
        print(f"{bug.name:40} {bug.promise:16} {found or '-'}", flush=True)  # noqa: T201
    return escaped


if __name__ == "__main__":
    sys.exit(main())

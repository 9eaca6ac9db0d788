"""A model tried in a process of its own, bound in memory and time: `python -m station.vision.trial FOLDER`.

A file of a few hundred bytes can ask for all memory that there is, and a session that crashes takes its process along;
so a model that nobody has tried here yet is tried where that harms no line.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from station.vision.faults import ModelError
from station.vision.load import load_model

WITHIN_S = 60.0
_MOST_BYTES = 4 * 1024**3
_NICE = 10


def command(folder: Path) -> list[str]:
    """The trial's command line; what it prints `told` reads."""
    return [sys.executable, "-m", "station.vision.trial", str(folder)]


def try_out(folder: Path) -> tuple[str, ...]:
    """Try a model; the hazards that it can find.

    Raises:
        ModelError: it fails, takes too long, or wants too much memory.
    """
    try:
        ran = subprocess.run(command(folder), capture_output=True, text=True, timeout=WITHIN_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{folder}: no result of its test within {WITHIN_S:g} s: use a smaller model") from error
    return told(folder, ran.stdout)[1]


def told(folder: Path, text: str) -> tuple[str, tuple[str, ...]]:
    """What a trial printed: SHA-256 of the network, and the hazards that it can find.

    Raises:
        ModelError: the model failed, or the trial did not end by itself.
    """
    try:
        result = json.loads(text)
    except ValueError as error:
        raise ModelError(
            f"{folder}: its test ended without a word: it crashes the runtime, or wants more than "
            f"{_MOST_BYTES >> 30} GiB of memory; export the model anew"
        ) from error
    if result["fault"]:
        raise ModelError(result["fault"])
    return result["sha256"], tuple(result["words"])


@contextlib.contextmanager
def bound_memory() -> Iterator[None]:
    """Meanwhile this process may take no more than `_MOST_BYTES` beyond what it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    most = used + _MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def main(folder: Path) -> int:
    """Try it within bounds, and print the result as JSON."""
    os.nice(_NICE)
    try:
        with bound_memory():
            model = load_model(folder)
    except ModelError as error:
        print(json.dumps({"fault": str(error)}))  # noqa: T201 - `told` reads it
    except MemoryError:
        return 1
    else:
        print(json.dumps({"fault": "", "sha256": model.sha256, "words": model.words}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

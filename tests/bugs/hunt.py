"""Which deliberate bugs do storms catch, by which promise, and after how long: `python -m tests.bugs.hunt`.

Each bug is laid over a copy of the product, and storms run in that until one breaks a promise or the budget is spent.
What was found is kept in `.hunt.jsonl` as it is found, so that a hunt that was stopped goes on; the table of all of
them is written to docs/bugs.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from rich.progress import Progress

from tests.bugs.patching import PACKAGES, PROMISES, ROOT, Bug, load, mutated_tree

KEPT = ROOT / ".hunt.jsonl"
TABLE = ROOT / "docs" / "bugs.md"
SEEDS = range(2, 74)
HOURS = 6.0
TIMEOUT_S = 900.0
"""A line hour."""
STORM = """
import logging, sys
from pathlib import Path
import station
from simulator.storm.storm import Storm
from simulator.storm.weather import detectable, forecast

class Caught(BaseException):
    pass

class First(list):
    def append(self, violation):
        super().append(violation)
        raise Caught

assert Path(station.__file__).is_relative_to(Path.cwd()), station.__file__
logging.disable(logging.CRITICAL)
seconds, hours = float(sys.argv[1]), 0.0
for seed in map(int, sys.argv[2:]):
    storm = Storm(seed, seconds, forecast(seed, seconds, detectable()))
    found = storm.world.promises.violations = First()
    try:
        found += storm.run().useful()
    except Caught:
        pass
    if found:
        minutes = (hours * 3600 + min(found[0].ms / 1000 or seconds, seconds)) / 60
        print(found[0].promise.name, seed, round(minutes, 1), found[0].text, sep="\\t")
        break
    hours += seconds / 3600
"""


@dataclass(frozen=True, slots=True)
class Catch:
    """How a bug was caught: the invariant, the seed of the storm, line minutes of all storms up to then, and by what.

    `promise` is "" if it got away in all of `minutes`.
    """

    bug: str
    state: str
    promise: str
    seed: int
    minutes: float
    text: str


def hunt(bug: Bug, seeds: Sequence[int], seconds: float, state: str = "") -> Catch:
    """Storms of that many line seconds each, up to the first promise that is broken.

    Raises:
        subprocess.CalledProcessError: the patched product does not run.
        subprocess.TimeoutExpired: it hangs.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = mutated_tree(bug, Path(folder))
        command = [sys.executable, "-c", STORM, str(seconds), *map(str, seeds)]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        hours = max(1.0, len(seeds) * seconds / 3600)
        ran = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=True, timeout=TIMEOUT_S * hours
        )
    if not ran.stdout.strip():
        return Catch(bug.name, state, "", 0, round(len(seeds) * seconds / 60, 1), "")
    promise, seed, minutes, text = ran.stdout.strip().split("\t", 3)
    return Catch(bug.name, state, promise, int(seed), float(minutes), text)


def product() -> str:
    """A digest of the station and its simulator: what was caught in another one says nothing."""
    digest = sha256()
    for package in PACKAGES[:2]:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in {".py", ".yaml"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def state_of(bug: Bug, source: str, budget: str) -> str:
    """What a catch holds for: this patch, in this product, within this budget."""
    return sha256(repr((bug, source, budget)).encode()).hexdigest()[:16]


def kept() -> dict[str, Catch]:
    """What was caught so far, by state."""
    lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
    return {catch.state: catch for catch in (Catch(**json.loads(line)) for line in lines)}


def hunt_all(bugs: Sequence[Bug], seeds: Sequence[int], hours: float) -> list[Catch]:
    """Every bug's catch, in the order of the catalogue."""
    seconds, source, before = hours * 3600 / len(seeds), product(), kept()
    catches = []
    with Progress() as progress:
        task = progress.add_task("bugs", total=len(bugs))
        for bug in bugs:
            progress.update(task, description=f"{bug.name:36}")
            state = state_of(bug, source, f"{seeds} {hours}")
            catch = before.get(state)
            if catch is None:
                catch = hunt(bug, seeds, seconds, state)
                with KEPT.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(catch)) + "\n")
            catches.append(catch)
            if not catch.promise:
                progress.console.print(f"{bug.name}: got away")
            progress.advance(task)
    return catches


def table(bugs: Sequence[Bug], catches: Iterable[Catch], seeds: Sequence[int], hours: float) -> str:
    """docs/bugs.md."""
    by_name = {catch.bug: catch for catch in catches}
    hunted = [bug for bug in bugs if not bug.unseen]
    caught = [by_name[bug.name] for bug in hunted if by_name[bug.name].promise]
    minutes = sorted(catch.minutes for catch in caught)
    quick = sum(m <= 10 for m in minutes)
    lines = [
        "# Deliberate bugs, and what catches them",
        "",
        "Each is a small patch of `tests/bugs/catalogue.yaml`, laid over a copy of the product, in which storms run",
        "until an invariant (`simulator/storm/promises.py`, `evidence.py`, `watch.py`) is broken. This page is made by",
        "",
        f"    python -m tests.bugs.hunt --seeds {seeds[0]}-{seeds[-1]} --hours {hours:g}",
        "",
        f"The budget is {hours:g} line hours a bug: {len(seeds)} storms of {hours * 60 / len(seeds):g} minutes,",
        f"each with faults and a plant of its own seed. Caught: {len(caught)} of {len(hunted)}, {quick} of them within",
        f"ten line minutes; the slowest took {minutes[-1] if minutes else 0:g}. All storms before are counted.",
        "The unpatched product breaks nothing in the same storms.",
    ]
    for promise in PROMISES:
        lines += ["", f"## {promise}", "", "| bug | story | caught by | seed | minutes |", "|---|---|---|---|---|"]
        lines += [_row(bug, by_name[bug.name]) for bug in hunted if bug.promise == promise]
    lines += [
        "",
        "## Not hunted",
        "",
        "What no storm can show, and why.",
        "",
        "| bug | promise | story | why |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {bug.name} | {bug.promise} | {_line(bug.story)} | {_line(bug.unseen)} |" for bug in bugs if bug.unseen
    ]
    return "\n".join(lines) + "\n"


def _row(bug: Bug, catch: Catch) -> str:
    story = _line(bug.story)
    if not catch.promise:
        return f"| {bug.name} | {story} | **not caught** | - | {catch.minutes:g} |"
    name = catch.promise.lower().replace("_", "-")
    return f"| {bug.name} | {story} | {name} | {catch.seed} | {catch.minutes:g} |"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


def seeds_of(text: str) -> list[int]:
    """`2-13` or `2,3,7`."""
    first, dash, last = text.partition("-")
    return list(range(int(first), int(last) + 1)) if dash else [int(part) for part in text.split(",")]


def _leave_alone(seeds: Sequence[int], hours: float) -> None:
    """The table says that the product itself breaks nothing in these storms; SystemExit if it does."""
    nothing = Bug("none", "", "core/line.py", "from __future__", "from __future__", "")
    broken = hunt(nothing, seeds, hours * 3600 / len(seeds))
    if broken.promise:
        raise SystemExit(f"the product itself breaks {broken.promise} at seed {broken.seed}: {broken.text}")


def main() -> int:
    """Hunt them all; the number of those that got away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=seeds_of, default=list(SEEDS), help="2-13, or 2,3,7: one storm each")
    parser.add_argument("--hours", type=float, default=HOURS, help="line hours a bug, all storms together")
    parser.add_argument("--only", nargs="+", default=[], help="these bugs, and no table")
    options = parser.parse_args()
    bugs = [bug for bug in load() if not options.only or bug.name in options.only]
    if not options.only:
        _leave_alone(options.seeds, options.hours)
    catches = hunt_all([bug for bug in bugs if not bug.unseen or options.only], options.seeds, options.hours)
    if options.only:
        for catch in catches:
            print(catch)  # noqa: T201
    else:
        TABLE.write_text(table(bugs, catches, options.seeds, options.hours), encoding="utf-8")
    return sum(not catch.promise for catch in catches)


if __name__ == "__main__":
    sys.exit(main())

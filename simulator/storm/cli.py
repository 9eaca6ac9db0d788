"""`simulator storm`: what is shown of storms, and the scenario that is left of one that failed."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from simulator.faults import FAULTS
from simulator.scenario.files import written
from simulator.storm import compiled, run
from simulator.storm.shrink import Small, shrunk
from simulator.storm.storm import Result
from simulator.storm.violation import Violation
from simulator.storm.weather import detectable, forecast
from station.core.parcel import State

_INTERRUPTED = 130
_LEAST_H, _MOST_H = 0.01, 100_000.0


def hours_of_a_storm(hours: float | None) -> float | None:
    """The hours that were asked for.

    Raises:
        typer.BadParameter: so many cannot be listed ahead, or they are no number.
    """
    if hours is not None and not _LEAST_H <= hours <= _MOST_H:
        raise typer.BadParameter(
            f"{hours:g}: say {_LEAST_H:g} to {_MOST_H:.0f} hours, and for more go on from a later --seed"
        )
    return hours


def run_compiled(arguments: list[str], errors: Console) -> NoReturn:
    """Become the compiled simulator, with these arguments; exit with 2 if it cannot be compiled."""
    try:
        target = compiled.folder()
        if not target.exists():
            with errors.status("compiling the storms, about a minute"):
                compiled.build(target)
    except compiled.CompileError as error:
        errors.print(str(error), markup=False)
        raise SystemExit(2) from error
    command = [sys.executable, "-m", "simulator", *arguments]
    os.execve(sys.executable, command, compiled.environment(target))  # noqa: S606 - this very program


@dataclass(frozen=True, slots=True)
class Screen:
    """Where results go, and where progress and errors go."""

    out: Console
    errors: Console

    def tell(self, seed: int, hours: float) -> int:
        """The first hour's broken promises as stories; the exit code."""
        result, story = run.told(*run.plan(seed, hours)[0])
        for violation in result.violations[:3]:
            self._say("\n".join(story.of(violation)))
        if not result.violations:
            self._say(f"seed {seed}: no promise was broken in {hours:g} h")
        return 1 if result.violations else 0

    def run(self, seed: int, hours: float, jobs: int, coverage: bool, shrink: bool) -> int:
        """Run them all, say which failed and how to repeat it, and make the first of them small; the exit code.

        Ctrl-C ends them early: what came of those that are done is told, and how to go on.
        """
        total, failed, done = Result(seed, 0.0), list[Result](), 0
        parts = run.plan(seed, hours)
        with Progress(console=self.errors, transient=True) as progress, contextlib.suppress(KeyboardInterrupt):
            storms = run.many(seed, hours, jobs, prepare)
            for result in progress.track(storms, total=len(parts), description="storms"):
                total.add(result)
                done += 1
                if result.violations:
                    failed.append(result)
                    self._failed(result)
        if done < len(parts):
            left = f"simulator storm --seed {seed + done} --hours {hours - total.hours:g}"
            self._say(f"stopped after {done} of {len(parts)} storms; the others: {left}")
            if not done:
                return _INTERRUPTED
        total.violations += total.useful()
        self._say(run.summary(total))
        if coverage:
            self.out.print(coverage_table(total))
        if failed and shrink and done == len(parts):
            self._shrink(failed[0])
        if total.violations:
            return 1
        return 0 if done == len(parts) else _INTERRUPTED

    def _failed(self, result: Result) -> None:
        worst = result.violations[0]
        self._say(f"seed {result.seed}: {len(result.violations)} broken, first: {worst.promise.value}: {worst.text}")
        self._say(f"  repeat it: simulator storm --seed {result.seed} --hours {result.hours:g} --explain")

    def _shrink(self, result: Result) -> None:
        """Leave a scenario of a few episodes that breaks the same promise."""
        seconds = result.hours * run.HOUR_S
        with Progress(console=self.errors, transient=True) as progress:
            task = progress.add_task("shrinking", total=None)

            def tried(runs: int, episodes: int, seconds: float) -> None:
                said = f"shrinking: {runs} runs, {episodes} faults in {seconds:g} s"
                progress.update(task, description=said)

            episodes = forecast(result.seed, seconds, detectable())
            small = shrunk(result.seed, seconds, episodes, result.violations[0], tried)
        path = Path(f"storm-{result.seed}.yaml")
        path.write_text(_scenario(small, result.violations[0]), encoding="utf-8")
        self._say(f"{len(small.episodes)} faults in {small.seconds:g} s break it as well; they are in {path}")
        self._say(f"  look at it: simulator storm --scenario {path} --explain")

    def _say(self, text: str) -> None:
        self.out.print(text, markup=False, highlight=False, soft_wrap=True)


def coverage_table(total: Result) -> Table:
    """Which faults met parcels in which states: how often one was seen so, in four looks a second and at the onset."""
    met = [state.value for state in State if any(state.value == met for _, met in total.coverage)]
    table = Table(title="Faults and the states of parcels", box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("fault", no_wrap=True)
    for heading in ("times", *met):
        table.add_column(heading, justify="right", overflow="fold")
    for name in FAULTS:
        if total.struck[name]:
            table.add_row(name, str(total.struck[name]), *(str(total.coverage[name, state] or "") for state in met))
    return table


def prepare() -> None:
    """In a storm the station has trouble all the time, and says so; and next to none of its garbage is in cycles."""
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _scenario(small: Small, violation: Violation) -> str:
    return written(small.seed, small.seconds, small.episodes, f"A storm broke: {violation.promise.value}")

"""`simulator scenario ...`: run scenarios, list those that ship.

Exit codes: 0 all expectations met; 1 one was not; 2 a file cannot be used.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from simulator.scenario.account import Account
from simulator.scenario.files import ScenarioError, found, load, shipped
from simulator.scenario.judge import Verdict, judge
from simulator.scenario.junit import Outcome, write
from simulator.scenario.model import Scenario
from simulator.scenario.site import refusal
from simulator.scenario.tale import tale
from simulator.scenario.virtual import Watch, storm_of
from simulator.scenario.wires import StoppedError, WiresError
from simulator.scenario.wires import run as run_on_wires
from simulator.storm.run import Story, summary

app = typer.Typer(no_args_is_help=True, help="Scenarios in YAML: docs/scenarios.md.", epilog=__doc__)
console = Console()
errors = Console(stderr=True)


@app.command(name="list", epilog="Example: simulator scenario list")
def list_shipped() -> None:
    """List the scenarios that come with the package, each with what it teaches."""
    paths = shipped()
    width = max(map(len, paths), default=0)
    for name, path in paths.items():
        _print(f"{name:{width}}  {load(path).teaches}")


@app.command(epilog="Example: simulator scenario run plc-restart my-own.yaml --junit scenarios.xml")
def run(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="YAML files, or names of shipped ones.")],
    junit: Annotated[Path | None, typer.Option(help="Write the outcomes as JUnit XML.")] = None,
    wires: Annotated[bool, typer.Option("--wires", help="With the real daemon, at real wires, in real time.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Tell what happened, line by line.")] = False,
) -> None:
    """Run scenarios on virtual time or at real wires, and tell which expectations were met."""
    scenarios = loaded(files)
    if junit is not None and not junit.absolute().parent.is_dir():
        errors.print(f"{junit.parent} is no folder: {junit.name} could not be written", style="red", markup=False)
        raise typer.Exit(2)
    logging.disable(logging.CRITICAL)  # the station has trouble all the time, and says so
    outcomes = []
    for path, scenario in scenarios:
        outcomes.append(_outcome(path.stem, scenario, wires=wires, explain=explain))
        _show(outcomes[-1])
    if junit is not None:
        _write(junit, outcomes)
    raise typer.Exit(0 if all(outcome.met for outcome in outcomes) else 1)


def loaded(files: list[str]) -> list[tuple[Path, Scenario]]:
    """All of the files; if one cannot be used, its faults are told and the program ends with 2."""
    scenarios, wrong = [], []
    for text in files:
        try:
            path = found(text)
            scenarios.append((path, load(path)))
        except ScenarioError as error:
            wrong.append(str(error))
    for text in wrong:
        errors.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(2)
    return scenarios


def _outcome(name: str, scenario: Scenario, *, wires: bool, explain: bool) -> Outcome:
    began = time.monotonic()
    if wires and (why := refusal(scenario)):
        return Outcome(name, scenario.teaches, (), 0.0, why)
    try:
        account = _on_wires(name, scenario) if wires else Watch().run(scenario)
    except WiresError as error:
        died = Verdict("the line comes up and lives", str(error))
        return Outcome(name, scenario.teaches, (died,), time.monotonic() - began)
    if explain:
        _print("\n".join(tale(scenario, account)))
    return Outcome(name, scenario.teaches, tuple(judge(scenario, account)), time.monotonic() - began)


def _on_wires(name: str, scenario: Scenario) -> Account:
    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task(name, total=scenario.seconds)
            return run_on_wires(scenario, lambda seconds: progress.update(task, completed=seconds))
    except StoppedError as error:
        errors.print(f"{name}: stopped by Ctrl-C", style="yellow", markup=False)
        raise typer.Exit(130) from error


def _show(outcome: Outcome) -> None:
    word = "skipped" if outcome.skipped else "met" if outcome.met else "NOT MET"
    _print(f"{outcome.name}: {word} ({outcome.seconds:.1f} s)  {outcome.teaches}")
    if outcome.skipped:
        _print(f"  {outcome.skipped}")
    for verdict in outcome.verdicts:
        if verdict.wrong:
            _print(f"  expected: {verdict.expected}; but {verdict.wrong}", style="red")


def _print(text: str, style: str | None = None) -> None:
    """Print a line as it is, however long."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _write(path: Path, outcomes: list[Outcome]) -> None:
    try:
        write(path, outcomes)
    except OSError as error:
        errors.print(f"{path}: cannot be written: {error.strerror}", style="red", markup=False)
        raise typer.Exit(2) from error


def storm(file: str, seed: int | None, hours: float | None, *, explain: bool) -> int:
    """Run a scenario as a storm: its promises, and nothing of what it expects; the exit code."""
    [(path, scenario)] = loaded([file])
    if seed is not None:
        scenario = scenario.model_copy(update={"plant": scenario.plant.model_copy(update={"seed": seed})})
    story = Story()
    result = storm_of(scenario, story if explain else None, None if hours is None else hours * 3600).run()
    for violation in result.violations:
        told = story.of(violation) if explain else [f"{violation.promise.value}: {violation.text}"]
        _print("\n".join(told))
    if not explain:
        _print(summary(result))
    if not result.violations:
        console.print(f"{path.stem}: no promise was broken in {result.hours * 3600:g} s", markup=False)
    return 1 if result.violations else 0

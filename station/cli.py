"""`station ...`: the commands of those who run a line.

Exit codes: 0 all well; 1 a fault was found or the station ended with an error; 2 the command line or the
configuration cannot be used; 3 another daemon runs on this station; 4 the station is not running.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from station.check import check as run_checks
from station.check import room
from station.cli_commands import commands_app
from station.cli_journal import journal_app
from station.cli_model import model_app
from station.cli_parts import (
    ConfigFile,
    Depth,
    JournalFile,
    Overrides,
    ParcelName,
    configuration,
    fail,
    journal_path,
    model_folder,
    parcel_name,
    run_app,
)
from station.config import StationConfig
from station.daemon import STOPS, Daemon, OverrunError
from station.explain import ExplainError, picture, svg, tell
from station.journal import JournalError, LockedError, Reader
from station.kinds import about, example_of, keys_of
from station.logs import log_to
from station.plugins import installed_drivers
from station.ports import Driver
from station.replay import ReplayError, replay_journal
from station.replay.run import result_view
from station.status import screen
from station.vision import DetectorFault, ModelError
from station.vision.look import look as look_at
from station.watch import DiedError
from station.yamltree import did_you_mean

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The inspection station.", epilog=__doc__)
app.add_typer(journal_app, name="journal")
app.add_typer(model_app, name="model")
app.add_typer(commands_app)
console = Console()


@app.command(epilog="Example: station run config/demo.yaml")
def run(config: ConfigFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Run the daemon until Ctrl-C or SIGTERM."""
    log_to(sys.stderr)
    tree, drivers = configuration(config, overrides)
    if lacking := [f"{finding.subject}: {finding.text}" for finding in room(tree, drivers) if not finding.right]:
        fail("\n".join([*lacking, "the line cannot be proved so: `station check` shows every margin"]), 2)
    try:
        starts_again = asyncio.run(_run(tree, drivers))
    except (JournalError, ModelError, DetectorFault, OverrunError, DiedError) as error:
        fail(str(error), 3 if isinstance(error.__cause__, LockedError) else 1)
    if starts_again:
        logging.shutdown()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the same command again, as it was given


async def _run(config: StationConfig, drivers: dict[str, Driver]) -> bool:
    """Until it ends; whether it is to be started again at once."""
    loop = asyncio.get_running_loop()
    for sign in STOPS:  # one that comes while the daemon is built is kept for it: it handles them once it runs
        loop.add_signal_handler(sign, int)
    daemon = Daemon(config, drivers)
    await daemon.run()
    return daemon.starts_again


@app.command(epilog="Example: station check config/demo.yaml")
def check(config: ConfigFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Look for whatever is wrong: configuration, room on the belt, model, devices, disk, clock, broker."""
    tree, drivers = configuration(config, overrides)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found"):
        table.add_column(heading, overflow="fold")
    wrong = 0
    for finding in run_checks(tree, drivers):
        wrong += not finding.right
        verdict = Text("ok", "green") if finding.right else Text("NO", "red")
        table.add_row(verdict, Text(finding.subject), Text(finding.text))
    console.print(table)
    console.print(f"{wrong} fault(s) to mend." if wrong else "All well.")
    raise typer.Exit(1 if wrong else 0)


@app.command(epilog="Example: station devices mt-sics-scale")
def devices(
    kind: Annotated[str, typer.Argument(help="One of them, with an example and all of its keys.")] = "",
) -> None:
    """Which kinds of devices there are, and what each wants to know in the station's YAML."""
    drivers = installed_drivers()
    if not kind:
        table = Table(box=None, pad_edge=False)
        for heading in ("kind", "role", "what it is"):
            table.add_column(heading, overflow="fold")
        for name, driver in sorted(drivers.items()):
            table.add_row(name, driver.role.value, about(driver))
        console.print(table)
    elif kind in drivers:
        console.print(example_of(kind, drivers[kind]), markup=False, highlight=False, soft_wrap=True)
        console.print(_keys(drivers[kind]))
    else:
        fail(f"there is no kind '{kind}'{did_you_mean(kind, sorted(drivers))}", 2)


def _keys(driver: Driver) -> Table:
    table = Table(title="keys of `wire`", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("key", no_wrap=True)
    for heading in ("takes", "if left out", "what it is"):
        table.add_column(heading, overflow="fold")
    for key in keys_of(driver.settings):
        table.add_row(*map(escape, (key.name, key.takes, key.default or "must be given", key.text)))
    return table


@app.command(epilog="Example: station status config/demo.yaml")
def status(config: ConfigFile, overrides: Overrides = []) -> None:  # noqa: B006
    """One look: devices and their age, counters, last decisions, open alarms, and why the belt stands."""
    tree, _ = configuration(config, overrides)
    view, running = screen(tree.data)
    console.print(view)
    raise typer.Exit(0 if running else 4)


@app.command(epilog="Example: station replay /var/lib/station/journal.db")
def replay(
    journal: JournalFile,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Decide every parcel anew from the journal alone, and name what differs: exit code 0 nothing, 1 something."""
    try:
        reader = Reader(journal_path(journal, overrides))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("replaying", total=reader.last_seq())
            result = replay_journal(reader, lambda seq: progress.update(task, completed=seq))
    except (JournalError, ReplayError) as error:
        fail(str(error), 2)
    console.print(result_view(result))
    raise typer.Exit(1 if result.differences else 0)


@app.command(epilog="Example: station explain config/demo.yaml 17 --svg parcel.svg")
def explain(
    journal: JournalFile,
    parcel: ParcelName,
    svg_file: Annotated[Path | None, typer.Option("--svg", help="Draw it into this file as well.")] = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Tell why one parcel went where it went: its time line, whose the readings are, all reasons."""
    epoch, number = parcel_name(parcel)
    if svg_file is not None and not _is_drawing(svg_file):
        fail(f"{svg_file} is there already and no drawing: nothing is written over it, give another name", 2)
    try:
        story = tell(Reader(journal_path(journal, overrides)), epoch, number)
        if svg_file is not None:
            svg_file.write_text(svg(story), encoding="utf-8")
    except (JournalError, ExplainError) as error:
        fail(str(error), 1)
    except OSError as error:
        if svg_file is None or error.filename != str(svg_file):
            raise
        fail(f"{svg_file} cannot be written: {error.strerror}", 2)
    console.print(picture(story))


def _is_drawing(path: Path) -> bool:
    """Whether a drawing may be written there: nothing is there yet, or a drawing, which may be drawn anew."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"<svg"
    except OSError:  # nothing is there, or what is wrong is told as it is written
        return True


@app.command(epilog="Example: station look picture.png --model xray18")
def look(
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="PNG or JPEG files.")],
    model: Annotated[Path, typer.Option(help="Model folder, or the name of one that comes along.")] = Path("xray18"),
    out: Annotated[Path, typer.Option(help="Where the pictures with boxes go.")] = Path("look"),
    station: Annotated[
        Path | None, typer.Option(help="The YAML of a station: its thresholds and the depth of its pictures count.")
    ] = None,
    depth: Depth = None,
) -> None:
    """Show what the model sees: findings, the gate's figures, what follows; and each picture with boxes as a PNG."""
    site = configuration(station, [])[0] if station else None
    own = site.policy.thresholds if site else {}
    bits = depth or max((device.depth for device in site.devices.values()) if site else (), default=8)
    try:
        out.mkdir(parents=True, exist_ok=True)
        results = look_at(pictures, model_folder(model), out, own, bits)
    except ModelError as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{error.filename or out} cannot be written ({error.strerror}): name another folder with --out", 2)
    table = Table(box=None, pad_edge=False)
    for heading in ("picture", "seen", "gate", "verdict", "drawn"):
        table.add_column(heading, overflow="fold")
    for result in results:
        counted = ", ".join(f"{f.label} {f.score:.2f}" for f in result.counted)
        below = len(result.findings) - len(result.counted)
        seen = f"{counted or 'nothing'}{f' (and {below} below the thresholds)' if below else ''}"
        gate = ", ".join(f"{name} {value:.1f}" for name, value in result.measures.items())
        verdict = (
            f"[red]inspect[/]: {escape('; '.join(result.causes))}" if result.causes else "[green]nothing against it[/]"
        )
        table.add_row(escape(str(result.path)), seen, gate, verdict, escape(str(result.drawn or "")))
    console.print(table)
    raise typer.Exit(1 if any(result.fault or result.quality for result in results) else 0)


def main() -> None:
    """Entry point."""
    run_app(app)

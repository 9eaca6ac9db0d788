"""`station ...`: the commands of those who run a line.

Exit codes: 0 all well; 1 a fault was found or the station ended with an error; 2 the command line or the
configuration cannot be used; 3 another daemon runs on this station; 4 the station is not running.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from station.check import check as run_checks
from station.config import ConfigError, StationConfig, load_config
from station.daemon import Daemon, OverrunError
from station.explain import ExplainError, picture, svg, tell
from station.journal import JournalError, LockedError, Reader
from station.journal.show import parcel_story, tail_table
from station.plugins import installed_drivers
from station.ports import Driver
from station.publisher.messages import event_message
from station.publisher.settings import PublisherSettings
from station.replay import ReplayError, replay_journal
from station.replay.run import result_view
from station.resources import models
from station.status import screen
from station.vision import DetectorFault, ModelError
from station.vision.look import look as look_at
from station.watch import DiedError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The inspection station.", epilog=__doc__)
journal_app = typer.Typer(no_args_is_help=True, help="Read the journal. Example: station journal tail demo.yaml")
app.add_typer(journal_app, name="journal")
console = Console()
_NUMBER = re.compile(r"[0-9]{1,10}")

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The station's YAML file.")]
JournalFile = Annotated[Path, typer.Argument(metavar="JOURNAL", help="A journal.db, or the YAML of its station.")]
ParcelName = Annotated[str, typer.Argument(metavar="PARCEL", help="Its number, or EPOCH/NUMBER.")]
Overrides = Annotated[list[str], typer.Option("--set", help="Override one key: --set plc.wire.port=15021")]


@app.command(epilog="Example: station run config/demo.yaml")
def run(config: ConfigFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Run the daemon until Ctrl-C or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    tree, drivers = _load(config, overrides)
    try:
        asyncio.run(_run(tree, drivers))
    except (JournalError, ModelError, DetectorFault, OverrunError, DiedError) as error:
        _fail(str(error), 3 if isinstance(error.__cause__, LockedError) else 1)


async def _run(config: StationConfig, drivers: dict[str, Driver]) -> None:
    await Daemon(config, drivers).run()


@app.command(epilog="Example: station check config/demo.yaml")
def check(config: ConfigFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Look for whatever is wrong: configuration, room on the belt, model, devices, disk, clock, broker."""
    tree, drivers = _load(config, overrides)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found"):
        table.add_column(heading, overflow="fold")
    wrong = 0
    for finding in run_checks(tree, drivers):
        wrong += not finding.right
        table.add_row("[green]ok[/]" if finding.right else "[red]NO[/]", finding.subject, finding.text)
    console.print(table)
    console.print(f"{wrong} fault(s) to mend." if wrong else "All well.")
    raise typer.Exit(1 if wrong else 0)


@app.command(epilog="Example: station status config/demo.yaml")
def status(config: ConfigFile, overrides: Overrides = []) -> None:  # noqa: B006
    """One look: devices and their age, counters, last decisions, open alarms, and why the belt stands."""
    tree, _ = _load(config, overrides)
    view, running = screen(tree.data)
    console.print(view)
    raise typer.Exit(0 if running else 4)


@journal_app.command(epilog="Example: station journal tail config/demo.yaml -n 50")
def tail(
    config: ConfigFile,
    number: Annotated[int, typer.Option("-n", help="How many events.", min=1)] = 20,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Show the newest events."""
    console.print(tail_table(_reader(config, overrides).tail(number)))


@journal_app.command(epilog="Example: station journal show config/demo.yaml 1718000000/12")
def show(
    config: ConfigFile,
    parcel: ParcelName,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Tell all that the journal holds of one parcel."""
    epoch, number = _parcel(parcel)
    events = _reader(config, overrides).of_parcel(epoch, number)
    if not events:
        _fail(f"the journal holds nothing of parcel {parcel}", 1)
    console.print(parcel_story(events))


@journal_app.command(epilog="Example: station journal export config/demo.yaml --after 4711 --limit 100")
def export(
    config: ConfigFile,
    after: Annotated[int, typer.Option(help="The sequence before the first.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="At most so many events.", min=1)] = 1000,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Print events as they were published, one JSON text a line: how a subscriber fills a gap."""
    tree, _ = _load(config, overrides)
    settings = PublisherSettings(host="-", site=tree.site, line=tree.line_name, station=tree.station, data=tree.data)
    for event in _reader(config, overrides).after(after, limit):
        sys.stdout.buffer.write(event_message(event, settings).payload + b"\n")


@app.command(epilog="Example: station replay /var/lib/station/journal.db")
def replay(
    journal: JournalFile,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Decide every parcel anew from the journal alone, and name what differs: exit code 0 nothing, 1 something."""
    try:
        reader = _open_journal(journal, overrides)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("replaying", total=reader.last_seq())
            result = replay_journal(reader, lambda seq: progress.update(task, completed=seq))
    except (JournalError, ReplayError) as error:
        _fail(str(error), 2)
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
    epoch, number = _parcel(parcel)
    try:
        story = tell(_open_journal(journal, overrides), epoch, number)
        if svg_file is not None:
            svg_file.write_text(svg(story), encoding="utf-8")
    except (JournalError, ExplainError) as error:
        _fail(str(error), 1)
    except OSError as error:
        _fail(f"{svg_file} cannot be written: {error.strerror}", 2)
    console.print(picture(story))


@app.command(epilog="Example: station look picture.png --model first_light")
def look(
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="PNG or JPEG files.")],
    model: Annotated[Path, typer.Option(help="Model folder, or the name of one that comes along.")] = Path(
        "first_light"
    ),
    out: Annotated[Path, typer.Option(help="Where the pictures with boxes go.")] = Path("look"),
) -> None:
    """Show what the model sees: findings as a table, and each picture with its boxes as a PNG."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        results = look_at(pictures, _model_folder(model), out)
    except ModelError as error:
        _fail(str(error), 2)
    table = Table(box=None, pad_edge=False)
    for heading in ("picture", "seen", "drawn"):
        table.add_column(heading, overflow="fold")
    for result in results:
        counted = ", ".join(f"{f.label} {f.score:.2f}" for f in result.counted)
        below = len(result.findings) - len(result.counted)
        seen = f"{counted or 'nothing'}{f' (and {below} below the thresholds)' if below else ''}"
        table.add_row(str(result.path), result.fault or result.quality or seen, str(result.drawn or ""))
    console.print(table)
    raise typer.Exit(1 if any(result.fault or result.quality for result in results) else 0)


def _load(path: Path, overrides: list[str]) -> tuple[StationConfig, dict[str, Driver]]:
    try:
        drivers = installed_drivers()
        config = load_config(path, drivers, overrides)
    except ConfigError as error:
        _fail(str(error), 2)
    if config.model is not None:
        folder = _model_folder(config.model.folder)
        config = config.model_copy(update={"model": config.model.model_copy(update={"folder": folder})})
    return config, drivers


def _model_folder(folder: Path) -> Path:
    packaged = models() / folder
    return packaged if not folder.exists() and packaged.exists() else folder


def _parcel(text: str) -> tuple[int | None, int]:
    epoch, slash, number = text.rpartition("/")
    if not _NUMBER.fullmatch(number) or (slash and not _NUMBER.fullmatch(epoch)):
        _fail(f"'{text}' is no parcel: write its number, or EPOCH/NUMBER as in `station journal tail`", 2)
    return int(epoch) if epoch else None, int(number)


def _reader(path: Path, overrides: list[str]) -> Reader:
    config, _ = _load(path, overrides)
    try:
        return Reader(config.data / "journal.db")
    except JournalError as error:
        _fail(str(error), 1)


def _open_journal(path: Path, overrides: list[str]) -> Reader:
    """The journal itself, or that of a station's YAML."""
    if path.suffix not in {".yaml", ".yml"}:
        return Reader(path)
    config, _ = _load(path, overrides)
    return Reader(config.data / "journal.db")


def _fail(text: str, code: int) -> NoReturn:
    Console(stderr=True).print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(code)


def main() -> None:
    """Entry point."""
    app()

"""`station journal ...`: read, verify, export, back up and restore the journal.

Exit codes: 0 all well; 1 a fault was found, or it cannot be done; 2 the command line or the configuration cannot be
used; 130 ended by Ctrl-C, with nothing half made.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from station.cli_parts import (
    ConfigFile,
    JournalFile,
    Overrides,
    ParcelName,
    configuration,
    fail,
    is_configuration,
    journal_path,
    parcel_name,
)
from station.clock import now_ns, now_utc
from station.core.records import RECORDS
from station.journal import CURSOR_FILE, JournalError, PictureStore, Reader, Stored
from station.journal.backup import back_up, restore, set_aside
from station.journal.export import csv_head, csv_line, selected
from station.journal.salvage import Salvage
from station.journal.show import parcel_story, tail_table
from station.journal.verify import Verdict, verify
from station.publisher.messages import event_message
from station.publisher.settings import PublisherSettings
from station.yamltree import did_you_mean

_HELP = "Read, verify, export, back up and restore the journal."
journal_app = typer.Typer(no_args_is_help=True, help=_HELP, epilog=__doc__)
console = Console()
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_SHOWN = 50
_MOST_SHOWN = 100_000
_LAST = 2**63 - 1
"""The highest number that an event can have."""
_INTERRUPTED = 130
_REDRAW_NS = 100_000_000

Told = Callable[[int, int], None]


@journal_app.command(epilog="Example: station journal tail config/demo.yaml -n 50")
def tail(
    journal: JournalFile,
    number: Annotated[int, typer.Option("-n", help="How many events.", min=1, max=_MOST_SHOWN)] = 20,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Show the newest events."""
    with _sentences():
        console.print(tail_table(Reader(journal_path(journal, overrides)).tail(number)))


@journal_app.command(epilog="Example: station journal show config/demo.yaml 1718000000/12")
def show(journal: JournalFile, parcel: ParcelName, overrides: Overrides = []) -> None:  # noqa: B006
    """Tell all that the journal holds of one parcel."""
    epoch, number = parcel_name(parcel)
    with _sentences():
        events = Reader(journal_path(journal, overrides)).of_parcel(epoch, number)
    if not events:
        fail(f"the journal holds nothing of parcel {parcel}", 1)
    console.print(parcel_story(events))


@journal_app.command("verify", epilog="Example: station journal verify config/demo.yaml --head 1207:9f3c...e1")
def verify_(
    journal: JournalFile,
    pictures: Annotated[bool, typer.Option("--pictures", help="Look at the bytes of every picture too.")] = False,
    heads: Annotated[list[str], typer.Option("--head", help="SEQUENCE:LINK as noted earlier, elsewhere.")] = [],  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Find any change, cut or insertion, and say where: exit code 0 none, 1 something. The station may run."""
    noted = dict(_head(text) for text in heads)
    with _sentences():
        path = journal_path(journal, overrides)
        last = Reader(path).last_seq()
        store = PictureStore(path.parent / "pictures") if pictures else None
        with _bar("verifying") as told:
            verdict = verify(
                path,
                pictures=store,
                cursor=path.with_name(CURSOR_FILE),
                heads=noted,
                progress=lambda seq: told(seq, last),
            )
    _print(verdict)
    raise typer.Exit(1 if verdict.faults else 0)


@journal_app.command(epilog="Example: station journal export config/demo.yaml --format csv --all --out events.csv")
def export(
    journal: JournalFile,
    after: Annotated[int, typer.Option(help="The sequence before the first.", min=0, max=_LAST)] = 0,
    limit: Annotated[int, typer.Option(help="At most so many events.", min=1, max=_LAST)] = 1000,
    everything: Annotated[bool, typer.Option("--all", help="No limit.")] = False,
    form: Annotated[str, typer.Option("--format", help="jsonl, as they were published, or csv.")] = "jsonl",
    kinds: Annotated[list[str], typer.Option("--type", help="Only events of this type; may be repeated.")] = [],  # noqa: B006
    out: Annotated[Path | None, typer.Option(help="A new file; else standard output.")] = None,
    salvage: Annotated[
        Path | None,
        typer.Option(
            help="A damaged journal that was set aside: all that can be read of it. Exit code 1: some is lost."
        ),
    ] = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Write events as JSON Lines, which is how a subscriber fills a gap, or as CSV."""
    if form not in {"jsonl", "csv"}:
        fail(f"--format {form}: write jsonl or csv", 2)
    for kind in kinds:
        if kind not in RECORDS:
            fail(f"--type {kind}: there is no such event{did_you_mean(kind, list(RECORDS))}", 2)
    with _sentences():
        path, settings = _whose(journal, overrides)

    def json_line(event: Stored) -> bytes:
        return event_message(event, settings).payload + b"\n"

    with _sentences():
        most, last = None if everything else limit, 0
        salvaged = Salvage(salvage) if salvage else None
        events: Iterator[Stored]
        if salvaged:
            found = (e for e in salvaged.events() if e.seq > after and (not kinds or e.type in kinds))
            events = itertools.islice(found, most)
        else:
            reader = Reader(path)
            last, events = reader.last_seq(), selected(reader, after, most, lambda e: not kinds or e.type in kinds)
        with _written(out) as file, _bar("exporting", shown=out is not None) as told:
            if form == "csv":
                file.write(csv_head())
            written, up_to = 0, 0
            for event in events:
                file.write(csv_line(event) if form == "csv" else json_line(event))
                told(event.seq, last)
                written, up_to = written + 1, event.seq
    if written == most and up_to < last:
        text = f"{written} events are written, up to {up_to} of {last}: go on with --after {up_to}, or say --all"
        Console(stderr=True).print(text, highlight=False)
    if salvaged and salvaged.lost:
        lost = ", ".join(f"{first} to {last}" if first < last else str(first) for first, last in salvaged.lost)
        fail(f"not there (lost, or pruned long ago), or altered and left out: events {lost}", 1)


@journal_app.command(epilog="Example: station journal backup config/demo.yaml /mnt/backup/journal-2026-11-25.db")
def backup(
    journal: JournalFile,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A file that is not there yet.")],
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Copy the journal to one file while the station writes it. Pictures are plain files: copy their folder as well."""
    with _sentences():
        path = journal_path(journal, overrides)
        with _bar("copying") as told:
            back_up(path, target, told)
    console.print(f"{target}: {target.stat().st_size / 1e6:.1f} MB", highlight=False)


@journal_app.command("restore", epilog="Example: station journal restore config/demo.yaml /mnt/backup/journal.db")
def restore_(
    config: ConfigFile,
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `station journal backup` made.")],
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Put a backup in the place of a lost journal, once it is proven whole. Nothing is written over."""
    tree, _ = configuration(config, overrides)
    with _sentences():
        tree.data.mkdir(parents=True, exist_ok=True)
        with _bar("copying") as told:
            last = restore(source, tree.data / "journal.db", f"{tree.site}/{tree.line_name}/{tree.station}", told)
    console.print(f"restored up to event {last}; the station goes on behind it under new ids", highlight=False)


@journal_app.command(epilog="Example: station journal aside config/demo.yaml")
def aside(journal: JournalFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Move a journal that cannot be used to a folder beside it, whole; the next start begins a new one, paused."""
    with _sentences():
        folder = set_aside(journal_path(journal, overrides), f"{now_utc():%Y%m%dT%H%M%SZ}")
    console.print(f"moved to {folder}; the next start begins a new one, and is paused", highlight=False)


def _whose(journal: Path, overrides: list[str]) -> tuple[Path, PublisherSettings]:
    """The journal, and whose events they are, as its station's YAML says or the journal itself."""
    if is_configuration(journal):
        tree, _ = configuration(journal, overrides)
        path, names = tree.data / "journal.db", [tree.site, tree.line_name, tree.station]
    else:
        path, names = journal, Reader(journal).meta.station.split("/")
    try:
        site, line, station = names
        return path, PublisherSettings(host="-", site=site, line=line, station=station, data=path.parent)
    except ValueError:
        fail(f"{path} does not say of which site, line and station it is: give the YAML of its station", 2)


def _print(verdict: Verdict) -> None:
    for fault in verdict.faults[:_SHOWN]:
        console.print(fault.text, style="red", markup=False, highlight=False)
    if len(verdict.faults) > _SHOWN:
        console.print(f"and {len(verdict.faults) - _SHOWN} more")
    looked = f"{verdict.events} events" + (f" and {verdict.pictures} pictures" if verdict.pictures else "")
    pruned = f", {verdict.pruned} more were removed by the rules of retention" if verdict.pruned else ""
    console.print(f"{looked} looked at{pruned}: {len(verdict.faults) or 'no'} fault(s).", highlight=False)
    if verdict.not_compared:
        numbers = ", ".join(map(str, verdict.not_compared))
        console.print(
            f"Removed by the rules of retention, so not compared: event {numbers}. Note a newer head.",
            highlight=False,
        )
    console.print(f"head {verdict.head[0]}:{verdict.head[1]}", highlight=False, soft_wrap=True)


def _head(text: str) -> tuple[int, str]:
    found = _HEAD.fullmatch(text)
    if found is None:
        fail(f"--head {text}: write SEQUENCE:LINK as `station journal verify` prints it", 2)
    return int(found[1]), found[2]


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except JournalError as error:
        fail(str(error), 1)
    except KeyboardInterrupt:
        fail("ended by Ctrl-C; nothing half made was left", _INTERRUPTED)


@contextlib.contextmanager
def _bar(what: str, *, shown: bool = True) -> Iterator[Told]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as progress:
        task, shown_ns = progress.add_task(what, total=None), 0

        def told(done: int, of: int) -> None:
            nonlocal shown_ns
            if now_ns() - shown_ns > _REDRAW_NS:
                shown_ns = now_ns()
                progress.update(task, completed=done, total=of)

        yield told


@contextlib.contextmanager
def _written(out: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that is there once it is whole."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if out.exists():
        raise JournalError(f"{out} is there already: name another file, nothing is written over")
    partial = Path(f"{out}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)

"""`simulator xray ...`: simulated X-ray pictures as a data set, and to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from simulator.xray.coco import export
from simulator.xray.machines import MACHINES, Machine, machine_named
from simulator.xray.sheet import contact_sheet

app = typer.Typer(no_args_is_help=True, help="Simulated X-ray pictures.")

_Seed = Annotated[int, typer.Option(min=0, max=65535, help="Each seed gives other pictures, the same ones each time.")]
_Named = Annotated[
    str | None, typer.Option("--machine", metavar="NAME", help=f"One of {', '.join(m.name for m in MACHINES)}.")
]


def _machine(name: str | None) -> Machine | None:
    try:
        return machine_named(name) if name is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command(name="export", epilog="Example: simulator xray export out/pictures --count 1000 --seed 1")
def export_pictures(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Is made; holds images/ and labels.json then.")],
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many pictures.")] = 100,
    seed: _Seed = 1,
    machine: _Named = None,
) -> None:
    """Draw pictures and their labels, in the COCO format, each marked as to train, tune or test with."""
    chosen = _machine(machine)
    columns = "[progress.description]{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as bar:
        task = bar.add_task("drawing", total=count)
        try:
            export(folder, count, seed, chosen, lambda done: bar.advance(task, done))
        except OSError as error:
            raise typer.BadParameter(str(error)) from error


@app.command(epilog="Example: simulator xray sheet sheet.png --count 24 --machine vivid")
def sheet(
    out: Annotated[Path, typer.Argument(metavar="PNG", help="The picture to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=200, help="How many pictures.")] = 24,
    seed: _Seed = 1,
    machine: _Named = None,
) -> None:
    """Draw a contact sheet of simulated pictures with their labels."""
    picture = cv2.cvtColor(contact_sheet(seed, count, _machine(machine)), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(out), picture):
        raise typer.BadParameter(f"cannot write {out}")

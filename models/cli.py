"""`python -m models`: train a model, evaluate a model folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from models.evaluation import metrics
from models.held_out import UNSEEN, try_parcels
from models.recipe import DEFAULT, FURTHER, QUICK
from station.cli_parts import run_app
from station.vision import ModelError, load_detector

if TYPE_CHECKING:
    from collections.abc import Callable


_CACHE = Path("out/models")
_SHIPPED, _TRIAL = Path("models/xray18"), Path("out/models/quick")

_OF_INT8 = (
    "ap50", "ap", "threats_flagged", "clean_flagged", "unseen_machine_ap50", "unseen_machine_clean_flagged",
)  # fmt: skip

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Train and evaluate the image model.")
_console = Console()


@app.command()
def train(
    minutes: Annotated[float, typer.Option(help="Learning ends by then, finished or not.")] = 240,
    seed: Annotated[int, typer.Option(help="Of pictures, weights and order.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="The model folder to write: models/xray18; a trial's in out.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A trial of about a quarter of an hour: fewer pictures and batches.")
    ] = False,
    start: Annotated[
        Path | None, typer.Option("--from", help="A model folder to go on from, rather than from photographs.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Batches to learn from.")] = None,
    pictures: Annotated[int | None, typer.Option(help="Pictures to draw.")] = None,
    threads: Annotated[int, typer.Option(help="Cores to use.")] = DEFAULT.threads,
    bfloat16: Annotated[
        bool | None, typer.Option(help="Compute in that format; without this, where the processor knows it.")
    ] = DEFAULT.bfloat16,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where a run of this seed stopped.")] = False,
) -> None:
    """Draw pictures, train on them, calibrate and choose thresholds on others, and write a model folder.

    Example: python -m models train --seed 1 --out models/xray18
    """
    try:
        from models.run import run_training  # noqa: PLC0415 - needs torch, which evaluating does not
    except ModuleNotFoundError as error:
        _console.print(f"Training needs {error.name}: pip install '.\\[train]'")
        raise typer.Exit(1) from error
    base = QUICK if quick else DEFAULT if start is None else FURTHER
    recipe = replace(
        base,
        seed=seed,
        steps=steps or base.steps,
        pictures=pictures or base.pictures,
        threads=threads,
        bfloat16=bfloat16,
        rate=base.rate if start is None else FURTHER.rate,
        start=start,
    )
    goal, until = out or (_TRIAL if quick else _SHIPPED), time.monotonic() + minutes * 60
    try:
        with _progress() as progress:
            found = run_training(recipe, goal, _CACHE, until, progress, resume=resume)
    except (OSError, RuntimeError) as error:
        _console.print(f"[red]{error}[/red]")
        if start is not None:
            _console.print(f"To go on from {start}, it must hold a model.onnx that this command wrote.")
        raise typer.Exit(1) from error
    _print(found)


@app.command()
def evaluate(
    model_dir: Annotated[Path, typer.Argument(help="The model folder.")],
    parcels: Annotated[int, typer.Option(help="Simulated held-out parcels, half of them clean.")] = 2000,
    figures: Annotated[bool, typer.Option("--figures", help="Write the folder's plots and tables anew.")] = False,
) -> None:
    """Measure a model folder on simulated parcels, through the path that runs on the line.

    `station model evaluate` does so on labelled pictures.

    Example: python -m models evaluate models/xray18 --parcels 500
    """
    try:
        detector = load_detector(model_dir)
        if figures:
            from models.figures import write_figures  # noqa: PLC0415 - needs matplotlib
    except (ModelError, ModuleNotFoundError) as error:
        _console.print(f"{error}" + ("" if isinstance(error, ModelError) else ": pip install '.\\[train]'"))
        raise typer.Exit(1) from error
    model = detector.model
    seed = model.spec.training.seed if model.spec.training else 0
    with _progress() as progress:
        task = progress.add_task("Looking at parcels", total=parcels + parcels // 4)
        tell = _advance(progress, task)
        tried = try_parcels(detector, "test", seed, parcels, tell)
        unseen = try_parcels(detector, "test", seed, parcels // 4, tell, UNSEEN)
    _print(metrics(tried, unseen, model.thresholds))
    if figures:
        write_figures(model_dir / "figures", tried, unseen, model.thresholds)


@app.command()
def thresholds(
    model_dir: Annotated[Path, typer.Argument(help="A model folder that `train` wrote.")],
) -> None:
    """Choose a model's thresholds and golden pictures anew on simulated parcels, and measure it.

    `station model thresholds` chooses them on a site's own pictures.

    Example: python -m models thresholds models/xray18
    """
    try:
        from models.release import PARCELS, with_thresholds_anew  # noqa: PLC0415 - needs matplotlib in the end

        with _progress() as progress:
            task = progress.add_task("Looking at parcels", total=PARCELS)
            found = with_thresholds_anew(model_dir, _advance(progress, task))
    except (ModelError, ModuleNotFoundError, OSError) as error:
        _console.print(f"{error}" + (": pip install '.\\[train]'" if isinstance(error, ModuleNotFoundError) else ""))
        raise typer.Exit(1) from error
    _print(found)


@app.command(name="int8")
def try_int8(
    model_dir: Annotated[Path, typer.Argument(help="A model folder that `train` wrote.")],
    parcels: Annotated[int, typer.Option(help="Simulated held-out parcels, half of them clean.")] = 800,
) -> None:
    """Try a model with its convolutions in 8-bit integers: what it would save, and what it would cost.

    Example: python -m models int8 models/xray18
    """
    try:
        from models.int8 import variants  # noqa: PLC0415 - needs onnx, which evaluating does not

        model = load_detector(model_dir).model
    except (ModelError, ModuleNotFoundError) as error:
        _console.print(f"{error}" + ("" if isinstance(error, ModelError) else ": pip install '.\\[train]'"))
        raise typer.Exit(1) from error
    with _progress() as progress:
        task = progress.add_task("Looking at parcels", total=3 * (parcels + parcels // 4))
        found = variants(model, parcels, _advance(progress, task))
    table = Table("", *(variant.name for variant in found), title="Held-out simulated parcels")
    table.add_row("kB", *(str(variant.kilobytes) for variant in found))
    table.add_row("ms a look, in turns", *(f"{variant.look_ms:.1f}" for variant in found))
    for name in _OF_INT8:
        table.add_row(name, *(f"{variant.figures[name]:g}" for variant in found))
    _console.print(table)


def main() -> None:
    """Run the command line."""
    run_app(app)


def _progress() -> Progress:
    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*parts, console=_console)


def _advance(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda done: progress.advance(task, done)


def _print(found: dict[str, float]) -> None:
    table = Table("measure", "value", title="Held-out simulated parcels")
    for name, value in found.items():
        table.add_row(name, f"{value:g}")
    _console.print(table)

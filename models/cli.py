"""`python -m models`: train a model, evaluate a model folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from models.evaluation import parcel_rates, see_parcels
from models.recipe import DEFAULT, Recipe
from station.vision import Detector, ModelError, load_model

if TYPE_CHECKING:
    from collections.abc import Callable


_FINISHING_S = 150
_CACHE = Path("out/models")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Train and evaluate the image models.")
_console = Console()


@app.command()
def train(
    minutes: Annotated[float, typer.Option(help="All of it is over by then.")] = 30,
    seed: Annotated[int, typer.Option(help="Of pictures, weights and order.")] = 1,
    out: Annotated[Path, typer.Option(help="The model folder to write.")] = Path("models/first_light"),
    steps: Annotated[int, typer.Option(help="Batches to learn from.")] = DEFAULT.steps,
    pictures: Annotated[int, typer.Option(help="Pictures to draw.")] = DEFAULT.pictures,
    threads: Annotated[int, typer.Option(help="Cores to use.")] = DEFAULT.threads,
    bfloat16: Annotated[bool, typer.Option(help="Faster where the processor knows the format.")] = DEFAULT.bfloat16,
    resume: Annotated[bool, typer.Option(help="Go on from where an earlier run of this seed stopped.")] = False,
) -> None:
    """Draw pictures, train on them, choose thresholds on others, and write a model folder.

    Example: python -m models train --minutes 30 --seed 1 --out models/first_light
    """
    try:
        from models.run import run_training  # noqa: PLC0415 - needs torch, which evaluating does not
    except ModuleNotFoundError as error:
        _console.print(f"Training needs {error.name}: pip install '.\\[train]'")
        raise typer.Exit(1) from error
    recipe = Recipe(seed=seed, steps=steps, pictures=pictures, threads=threads, bfloat16=bfloat16)
    until = time.monotonic() + minutes * 60 - _FINISHING_S
    with _progress() as progress:
        metrics = run_training(recipe, out, _CACHE, until, progress, resume=resume)
    _print_rates(metrics)


@app.command()
def evaluate(
    model_dir: Annotated[Path, typer.Argument(help="The model folder.")],
    parcels: Annotated[int, typer.Option(help="Simulated held-out parcels, half of them clean.")] = 500,
) -> None:
    """Measure a model folder on simulated parcels, through the path that runs on the line.

    `station model evaluate` does so on labelled pictures.

    Example: python -m models evaluate models/first_light --parcels 500
    """
    try:
        model = load_model(model_dir)
    except ModelError as error:
        _console.print(str(error))
        raise typer.Exit(1) from error
    detector = Detector(model)
    with _progress() as progress:
        task = progress.add_task("Looking at parcels", total=parcels)
        seed = model.spec.training.seed if model.spec.training else 0
        seen = see_parcels(detector, "test", seed, parcels, _advance(progress, task))
    if seen:
        _print_rates(parcel_rates(seen, model.thresholds))


def main() -> None:
    """Run the command line."""
    app()


def _progress() -> Progress:
    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*parts, console=_console)


def _advance(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda done: progress.advance(task, done)


def _print_rates(rates: dict[str, float]) -> None:
    table = Table("measure", "value", title="Held-out simulated parcels")
    for name, value in rates.items():
        table.add_row(name, f"{value:g}")
    _console.print(table)

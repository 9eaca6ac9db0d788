"""One training from drawing to the written folder: the part of the command line that needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.dataset import drawn_set
from models.export import to_onnx
from models.release import PARCELS, released, sha256_of
from models.training import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

    from models.recipe import Recipe


def run_training(
    recipe: Recipe, out: Path, cache: Path, until: float, progress: Progress, *, resume: bool
) -> dict[str, float]:
    """Train and release.

    Args:
        recipe: what run.
        out: the model folder.
        cache: where drawn pictures and the checkpoint are kept.
        until: monotonic seconds at which learning stops, finished or not.
        progress: shows how far it is.
        resume: go on from the checkpoint of this very run, if there is one.

    Returns:
        The metrics on held-out parcels.
    """
    task = progress.add_task("Drawing pictures", total=recipe.pictures)
    drawn = drawn_set(recipe.seed, recipe.pictures, cache, lambda done: progress.advance(task, done))
    progress.update(task, completed=recipe.pictures)
    # Another number of steps has other rates all along: what was learnt with them is no part of this run.
    begun = f"-from-{sha256_of(recipe.start)[:8]}" if recipe.start else ""
    kept = cache / f"checkpoint-{recipe.seed}-{recipe.pictures}-{recipe.steps}{begun}.pt"
    trainer = Trainer(recipe, drawn, kept)
    if resume and not trainer.resume():
        progress.console.print("No checkpoint of this seed, so many pictures and steps: starting anew.")
    task = progress.add_task("Learning", total=recipe.steps, completed=trainer.step)
    if not trainer.run(until, lambda step, _: progress.update(task, completed=step)):
        progress.console.print(
            f"Time is up at step {trainer.step} of {recipe.steps}: go on with --resume for the rest."
        )
    begin = f" --from {recipe.start}" if recipe.start else ""
    command = f"python -m models train{begin} --seed {recipe.seed} --steps {recipe.steps} --pictures {recipe.pictures}"
    task = progress.add_task("Trying it on held-out parcels", total=PARCELS)
    tell = progress.advance
    return released(
        out, lambda curve: to_onnx(trainer.averaged, curve), recipe, drawn, command, lambda done: tell(task, done)
    )

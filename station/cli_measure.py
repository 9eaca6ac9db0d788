"""`station model evaluate`, `thresholds` and `bench`: how good a model is on a site's own pictures, and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from station.cli_parts import Depth, fail, model_folder
from station.vision import Detector, DetectorFault, ModelError, ModelFolder, read_picture
from station.vision.bench import bench as run_bench
from station.vision.dataset import read_dataset
from station.vision.faults import PictureFault
from station.vision.load import read_model
from station.vision.measure import PRECISION_NEEDS, Precision, average_precision, class_reports, located, see_dataset
from station.vision.samples import Dataset, DatasetError
from station.vision.seen import Seen
from station.vision.store import described, golden_pictures, rewrite
from station.vision.threshold import Chosen, choose
from station.vision.trial import try_out

LISTED = 10
ENOUGH = 100
"""Pictures of a kind, from which on what was measured on them says something of others."""
_FEW = 0.1
"""Of the pictures without a threat, the share that may be flagged where findings are counted by their place."""

console = Console()

Folder = Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder, or the name of one that comes along.")]
Labelled = Annotated[
    Path, typer.Argument(metavar="DATASET", help="COCO: labels.json and images/. YOLO: data.yaml, images/, labels/.")
]


def evaluate(folder: Folder, dataset: Labelled, depth: Depth = None) -> None:
    """How good a model is on labelled pictures: what is flagged by class, and average precision."""
    model, known = _given(folder, dataset, depth or 8)
    seen = _seen(model, known, depth or 8)
    for group in sorted({item.group for item in seen}):
        _print_group(dataset.name, group, [item for item in seen if item.group == group], model, known)
    _print_unanswered(seen, known)
    labels = [label for label in known.labelled if label in model.words]
    if unknown := [label for label in known.labelled if label not in model.words]:
        console.print(
            f"Not judged, since the model has no such class: {', '.join(unknown)}. If it calls them otherwise, call "
            "them so here too.",
            highlight=False,
            markup=False,
        )
    _print_precision(average_precision(seen, labels), dataset.name)
    _print_located(seen, labels)


def thresholds(
    folder: Folder,
    dataset: Labelled,
    false_alarms: Annotated[str, typer.Option(help="Share of the clean pictures that may be flagged.")] = "5%",
    write: Annotated[bool, typer.Option("--write", help="Put them into model.yaml.")] = False,
    depth: Depth = None,
) -> None:
    """Choose thresholds that miss little and keep false alarms within a share, for the classes that are labelled."""
    share = _share(false_alarms)
    model, known = _given(folder, dataset, depth or 8)
    seen = _seen(model, known, depth or 8)
    try:
        chosen = choose(seen, known.labelled, model.thresholds, model.spec.decode.floor, share)
        if write:
            _put(model, chosen)
    except (ValueError, ModelError, OSError) as error:
        fail(str(error), 2)
    table = Table("class", "now", "chosen", title=f"at most {share:.1%} of {chosen.clean} clean pictures flagged")
    for label, value in chosen.thresholds.items():
        what = "as it is: nothing here tells about it" if label in chosen.kept else f"{value:g}"
        table.add_row(label, f"{model.thresholds[label]:g}", what)
    console.print(table)
    console.print(
        f"On these pictures: {chosen.detected:.1%} of {chosen.threats} with something in them are flagged, "
        f"{chosen.false_alarms:.1%} of the clean ones. On others it will be somewhat worse.",
        highlight=False,
    )
    if min(chosen.clean, chosen.threats) < ENOUGH:
        console.print(
            f"{chosen.clean} clean pictures and {chosen.threats} with something in them are too few to rely on: what "
            f"comes next may be quite different. Choose on {ENOUGH} of each at least.",
            highlight=False,
        )
    _print_unanswered(seen, known)
    if not write:
        console.print("Nothing was changed; --write puts them into model.yaml.")


def bench(
    folder: Folder,
    pictures: Annotated[
        list[Path], typer.Option("--picture", help="Look at this one; a golden one if none is given.")
    ] = [],  # noqa: B006
    rounds: Annotated[int, typer.Option(min=10, help="How often each is looked at.")] = 100,
    depth: Depth = None,
) -> None:
    """Time the whole path from picture to findings, beside bare ONNX Runtime on the same input, in turns."""
    model = loaded(folder)
    try:
        pixels = [read_picture(path.read_bytes(), depth=depth or 8) for path in pictures]
        pixels = pixels or [read_picture(item) for item in model.golden.values()]
    except (OSError, PictureFault) as error:
        fail(str(error), 2)
    if not pixels:
        fail("the model has no golden picture: name one with --picture", 2)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("rounds", total=rounds)
            result = run_bench(model, pixels, rounds, lambda done: progress.advance(task, done))
    except DetectorFault as fault:
        fail(f"the model gives no answer to time ({fault}): name another with --picture", 2)
    table = Table("way", "p50 ms", "p99 ms", title=f"{rounds * len(pixels)} looks each, one thread")
    table.add_row("picture to findings", f"{result.ours.p50:.2f}", f"{result.ours.p99:.2f}")
    table.add_row("resize and run alone", f"{result.bare.p50:.2f}", f"{result.bare.p99:.2f}")
    console.print(table)
    console.print(f"ratio {result.ratio:.3f}", highlight=False)


def loaded(folder: Path) -> ModelFolder:
    """A model that has been tried; exit code 2 if it cannot be used."""
    try:
        try_out(model_folder(folder))
        return read_model(model_folder(folder))
    except ModelError as error:
        fail(str(error), 2)


def _given(folder: Path, dataset: Path, depth: int) -> tuple[ModelFolder, Dataset]:
    """The model, and labelled pictures in its words; exit code 2 if one cannot be used, or they do not go together."""
    try:
        read = read_dataset(dataset, depth)
    except DatasetError as error:
        fail(str(error), 2)
    model = loaded(folder)
    known = read.in_words(model.spec.words)
    if not set(known.labelled) & set(model.words):
        fail(
            f"{dataset} has {', '.join(read.labelled) or 'no class'} labelled, and the model finds "
            f"{', '.join(model.words)}: call the classes as the model does, or give it `words` for them in model.yaml",
            2,
        )
    return model, known


def _seen(model: ModelFolder, dataset: Dataset, depth: int) -> list[Seen]:
    detector = Detector(model)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking", total=len(dataset.samples))
        return see_dataset(detector, dataset, lambda done: progress.advance(task, done), depth)


def _print_group(name: str, group: str, seen: list[Seen], model: ModelFolder, dataset: Dataset) -> None:
    unanswered = sum(item.unanswered for item in seen)
    refused = sum(bool(item.fault) for item in seen) - unanswered
    flagged = sum(bool(item.flagged(model.thresholds)) for item in seen)
    title = f"{name} {group}: {len(seen)} pictures, {flagged} flagged, {refused} refused by the gate"
    if unanswered:
        title += f", {unanswered} without an answer"
    heads = "class", "have it", "flagged as it", "flagged at all", "do not have it", "flagged as it", "boxes", "found"
    table = Table(*heads, title=escape(title))
    for row in class_reports(seen, model.thresholds, dataset.labelled):
        cells = (row.pictures, row.flagged, row.any_flag, row.others, row.wrongly, row.boxes, row.boxes_found)
        table.add_row(row.label, *(str(cell) for cell in cells))
    console.print(table)


def _print_precision(precision: list[Precision] | None, name: str) -> None:
    if precision is None:
        console.print(PRECISION_NEEDS, markup=False)
        return
    table = Table("class", "AP", "AP50", "AP30", title=f"{escape(name)}: average precision")
    for row in precision:
        table.add_row(row.label, f"{row.ap:.3f}", f"{row.ap50:.3f}", f"{row.ap30:.3f}")
    console.print(table)


def _print_located(seen: list[Seen], labels: list[str]) -> None:
    """What is found in its place where one threshold for all classes flags a tenth of the others."""
    at = located(seen, labels, _FEW)
    if at is not None:
        console.print(
            f"At one threshold for all of {', '.join(labels)}, {at.threshold:.3f}, {at.flagged} of {at.clean} pictures "
            f"without any are flagged, and of {at.threats} with one {at.found} have it found in its place "
            f"({at.found / at.threats:.1%}; {at.found30 / at.threats:.1%} if an overlap of 0.3 counts).",
            highlight=False,
        )


def _print_unanswered(seen: list[Seen], dataset: Dataset) -> None:
    """The pictures that could not be looked at, and why: the first few by name, of the others how many."""
    if dataset.heaps:
        console.print(
            f"Pictures left out, since a heap in them is labelled as one (iscrowd): {dataset.heaps}", highlight=False
        )
    without = [(sample.path, item.fault) for sample, item in zip(dataset.samples, seen, strict=True) if item.unanswered]
    if not without:
        return
    console.print(
        f"Pictures without an answer: {len(without)}, which count neither as clean nor as a threat", highlight=False
    )
    for path, fault in without[:LISTED]:
        console.print(f"  {path}: {fault}", highlight=False, markup=False)
    if len(without) > LISTED:
        console.print(f"  and {len(without) - LISTED} more", highlight=False)


def _put(model: ModelFolder, chosen: Chosen) -> None:
    """The thresholds, and what the golden pictures show by them, into model.yaml."""
    tree = yaml.safe_load(model.text)
    tree["thresholds"] = dict(chosen.thresholds)
    changed = described(tree | {"golden": []}, model.onnx, model.path)
    paths = [model.path / "golden" / item.file for item in model.spec.golden]
    tree["golden"], files = golden_pictures(changed, paths)
    rewrite(model.path, tree, files)


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0.0 <= share < 1.0:
        fail(f"'{text}' is no share: write 5% or 0.05", 2)
    return share

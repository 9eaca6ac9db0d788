"""`station model ...`: what models there are, whether one holds what it says, how good it is on a site's pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from station.cli_commands import use
from station.cli_parts import fail, model_folder
from station.resources import models
from station.vision import Detector, ModelError, ModelFolder, read_picture
from station.vision.bench import bench as run_bench
from station.vision.dataset import Dataset, DatasetError, read_dataset
from station.vision.decoders import DECODERS
from station.vision.faults import PictureFault
from station.vision.load import read_model
from station.vision.measure import PRECISION_NEEDS, average_precision, class_reports, see_dataset
from station.vision.propose import Known, propose
from station.vision.seen import Seen
from station.vision.store import described, gate_of, golden_pictures, rewrite, write_folder
from station.vision.threshold import Chosen, choose
from station.vision.trial import try_out

_PICTURES = {".png", ".jpg", ".jpeg"}

model_app = typer.Typer(no_args_is_help=True, help="Image models: list, look at, add, prove, measure, tune, change.")
console = Console()

Folder = Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder, or the name of one that comes along.")]
Labelled = Annotated[
    Path, typer.Argument(metavar="DATASET", help="COCO: labels.json and images/. YOLO: data.yaml, images/, labels/.")
]

model_app.command(name="use", epilog="Example: station model use config/demo.yaml models/second_light")(use)


@model_app.command(name="list", epilog="Example: station model list")
def list_models(
    folder: Annotated[Path | None, typer.Argument(help="Where the model folders lie.")] = None,
) -> None:
    """All models in a folder, of the station's own unless another is named; exit code 1 if one cannot be used."""
    where = folder or models()
    if not where.is_dir():
        fail(f"{where} is not a folder", 2)
    table = Table("model", "finds", "family", "golden", "state", box=None, pad_edge=False)
    wrong = 0
    for path in sorted(item.parent for item in where.glob("*/model.yaml")):
        try:
            try_out(path)
            model = read_model(path)
        except ModelError as error:
            wrong += 1
            table.add_row(path.name, "", "", "", f"[red]NO[/] {error}")
            continue
        golden = str(len(model.spec.golden))
        table.add_row(path.name, ", ".join(model.words), model.spec.decode.decoder, golden, f"ok {model.release[:12]}")
    console.print(table)
    raise typer.Exit(1 if wrong else 0)


@model_app.command(epilog="Example: station model show first_light")
def show(folder: Folder) -> None:
    """What a model is and needs: input, family, classes, thresholds, gate, golden pictures, figures, hashes."""
    model = _loaded(folder)
    spec, taken = model.spec, model.spec.input
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("model", f"{spec.name}, {len(model.onnx) / 1e6:.1f} MB")
    table.add_row("release", model.release)
    table.add_row("network", model.sha256)
    table.add_row("input", f"{taken.width} x {taken.height} {taken.colour} {taken.dtype} {taken.layout}, {taken.fit}")
    table.add_row("family", f"{spec.decode.decoder} ({DECODERS[spec.decode.decoder].exports})")
    for name, word in zip(spec.classes, spec.labels, strict=True):
        threshold = f"from {spec.thresholds[word]:g} on" if word else "no hazard, left out"
        table.add_row("class", f"{name}{f' = {word}' if word not in {None, name} else ''}: {threshold}")
    table.add_row("gate", f"sides {spec.gate.sides_px[0]} to {spec.gate.sides_px[1]} px")
    for measure, (low, high) in spec.gate.measures.items():
        table.add_row("", f"{measure} {low:g} to {high:g}")
    table.add_row("golden", ", ".join(item.file for item in spec.golden) or "none: nothing shows that it still sees")
    for name, value in spec.metrics.items():
        table.add_row("measured", f"{name} {value:g}")
    if spec.training is not None:
        table.add_row("made by", spec.training.command)
    console.print(table)


@model_app.command(epilog="Example: station model add yolo.onnx --word Pistol=gun --word person= --golden bag1.png")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="The model as it was exported.")],
    out: Annotated[Path | None, typer.Option(help="The model folder to make; models/NAME if not given.")] = None,
    decoder: Annotated[str, typer.Option(help=f"Its family, if it is not told right: {', '.join(DECODERS)}.")] = "",
    classes: Annotated[list[str], typer.Option("--class", help="A class, in the order of training.")] = [],  # noqa: B006
    word: Annotated[list[str], typer.Option(help="CLASS=WORD: the station's word for it.")] = [],  # noqa: B006
    pictures: Annotated[Path | None, typer.Option(help="Some hundred of the machine's pictures, for the gate.")] = None,
    golden: Annotated[list[Path], typer.Option(help="A picture in which it finds what is there.")] = [],  # noqa: B006
) -> None:
    """Make a model folder of somebody's ONNX file: proposes its model.yaml from metadata and shapes, and proves it."""
    target = out or Path("models") / _name(file)
    try:
        given = dict(_word(text) for text in word)
        proposal = propose(file, _name(target), Known(decoder, tuple(classes), given))
        onnx = file.read_bytes()
        tree: dict[str, Any] = dict(proposal.tree)
        if pictures is not None:
            tree["gate"] = gate_of(described(tree, onnx, target), _pictures_in(pictures))
        tree["golden"], files = golden_pictures(described(tree, onnx, target), golden)
        described(tree, onnx, target)
        write_folder(target, tree, onnx, files)
        try_out(target)
    except (ModelError, OSError) as error:
        fail(str(error), 2)
    console.print(f"{target / 'model.yaml'} is written. Look it over:", highlight=False)
    for remark in proposal.remarks:
        console.print(f"  {remark}", highlight=False, markup=False)
    if pictures is None:
        console.print("  gate: measures nothing; give it pictures of the machine with --pictures", highlight=False)
    if not golden:
        console.print("  golden: none, so nothing shows that it still sees: `station model golden`", highlight=False)
    console.print(f"Then: station look PICTURE... --model {target}", highlight=False)


@model_app.command(epilog="Example: station model golden models/yolo bag1.png bag2.png")
def golden(
    folder: Folder,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="In each it finds what is there.")],
) -> None:
    """Make what the model finds in some pictures now what it must find in them from now on, before it is believed."""
    model = _loaded(folder)
    try:
        entries, files = golden_pictures(model, pictures)
        tree = yaml.safe_load(model.text)
        tree["golden"] = [*(item for item in tree.get("golden", []) if item["file"] not in files), *entries]
        rewrite(model.path, tree, files)
        try_out(model.path)
    except (ModelError, OSError) as error:
        fail(str(error), 2)
    for entry in entries:
        found = ", ".join(f"{item['label']} {item['score']:.2f}" for item in entry["expect"])
        console.print(f"{entry['file']}: {found}", highlight=False)


@model_app.command(epilog="Example: station model verify first_light")
def verify(folder: Folder) -> None:
    """Prove that a model folder holds what it says: hashes, shapes, golden pictures, in a process of its own."""
    path = model_folder(folder)
    try:
        words = try_out(path)
        model = read_model(path)
    except ModelError as error:
        fail(str(error), 1)
    console.print(f"{path} holds: release {model.release[:12]}, finds {', '.join(words)}", highlight=False)
    if not model.spec.golden:
        console.print("It has no golden pictures, so nothing shows that it still sees: `station model golden`")


@model_app.command(epilog="Example: station model evaluate first_light pictures/")
def evaluate(folder: Folder, dataset: Labelled) -> None:
    """How good a model is on labelled pictures: what is flagged by class, and average precision."""
    model, known = _loaded(folder), _dataset(folder, dataset)
    seen = _seen(model, known)
    for group in sorted({item.group for item in seen}):
        _print_group(dataset.name, group, [item for item in seen if item.group == group], model, known)
    labels = [label for label in known.labelled if label in model.words]
    precision = average_precision(seen, labels)
    if precision is None:
        console.print(PRECISION_NEEDS)
        return
    table = Table("class", "AP", "AP50", "AP30", title=f"{dataset.name}: average precision")
    for row in precision:
        table.add_row(row.label, f"{row.ap:.3f}", f"{row.ap50:.3f}", f"{row.ap30:.3f}")
    console.print(table)


@model_app.command(epilog="Example: station model thresholds first_light pictures/ --false-alarms 5% --write")
def thresholds(
    folder: Folder,
    dataset: Labelled,
    false_alarms: Annotated[str, typer.Option(help="Share of the clean pictures that may be flagged.")] = "5%",
    write: Annotated[bool, typer.Option("--write", help="Put them into model.yaml.")] = False,
) -> None:
    """Choose the thresholds that miss least among those that keep false alarms within a share."""
    share = _share(false_alarms)
    model, known = _loaded(folder), _dataset(folder, dataset)
    seen = _seen(model, known)
    try:
        chosen = choose(seen, model.words, model.spec.decode.floor, share)
        if write:
            _put(model, chosen)
    except (ValueError, ModelError, OSError) as error:
        fail(str(error), 2)
    table = Table("class", "now", "chosen", title=f"at most {share:.1%} of {chosen.clean} clean pictures flagged")
    for label, value in chosen.thresholds.items():
        table.add_row(label, f"{model.thresholds[label]:g}", f"{value:g}")
    console.print(table)
    console.print(
        f"On these pictures: {chosen.detected:.1%} of {chosen.threats} with something in them are flagged, "
        f"{chosen.false_alarms:.1%} of the clean ones. On others it will be somewhat worse.",
        highlight=False,
    )
    if not write:
        console.print("Nothing was changed; --write puts them into model.yaml.")


@model_app.command(epilog="Example: station model bench first_light --rounds 200")
def bench(
    folder: Folder,
    pictures: Annotated[
        list[Path], typer.Option("--picture", help="Look at this one; a golden one if none is given.")
    ] = [],  # noqa: B006
    rounds: Annotated[int, typer.Option(min=10, help="How often each is looked at.")] = 100,
) -> None:
    """Time the whole path from picture to findings, beside bare ONNX Runtime on the same input, in turns."""
    model = _loaded(folder)
    try:
        data = [path.read_bytes() for path in pictures] or list(model.golden.values())
        pixels = [read_picture(item) for item in data]
    except (OSError, PictureFault) as error:
        fail(str(error), 2)
    if not pixels:
        fail("the model has no golden picture: name one with --picture", 2)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rounds", total=rounds)
        result = run_bench(model, pixels, rounds, lambda done: progress.advance(task, done))
    table = Table("way", "p50 ms", "p99 ms", title=f"{rounds * len(pixels)} looks each, one thread")
    table.add_row("picture to findings", f"{result.ours.p50:.2f}", f"{result.ours.p99:.2f}")
    table.add_row("resize and run alone", f"{result.bare.p50:.2f}", f"{result.bare.p99:.2f}")
    console.print(table)
    console.print(f"ratio {result.ratio:.3f}", highlight=False)


def _loaded(folder: Path) -> ModelFolder:
    try:
        try_out(model_folder(folder))
        return read_model(model_folder(folder))
    except ModelError as error:
        fail(str(error), 2)


def _dataset(folder: Path, dataset: Path) -> Dataset:
    """Labelled pictures, in the model's words."""
    spec = read_model(model_folder(folder)).spec
    try:
        return read_dataset(dataset).in_words(spec.words)
    except DatasetError as error:
        fail(str(error), 2)


def _seen(model: ModelFolder, dataset: Dataset) -> list[Seen]:
    detector = Detector(model)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking", total=len(dataset.samples))
        return see_dataset(detector, dataset, lambda done: progress.advance(task, done))


def _print_group(name: str, group: str, seen: list[Seen], model: ModelFolder, dataset: Dataset) -> None:
    refused = sum(bool(item.fault) for item in seen)
    flagged = sum(bool(item.flagged(model.thresholds)) for item in seen)
    title = f"{name} {group}: {len(seen)} pictures, {flagged} flagged, {refused} refused by the gate"
    heads = "class", "have it", "flagged as it", "flagged at all", "do not have it", "flagged as it", "boxes", "found"
    table = Table(*heads, title=title)
    for row in class_reports(seen, model.thresholds, dataset.labelled):
        cells = (row.pictures, row.flagged, row.any_flag, row.others, row.wrongly, row.boxes, row.boxes_found)
        table.add_row(row.label, *(str(cell) for cell in cells))
    console.print(table)


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


def _word(text: str) -> tuple[str, str | None]:
    name, equals, word = text.rpartition("=")
    if not equals:
        fail(f"'{text}': write CLASS=WORD, or CLASS= for one that is no hazard", 2)
    return name, word or None


def _name(path: Path) -> str:
    plain = "".join(letter if letter.isalnum() else "_" for letter in path.stem.lower())
    return plain if plain[:1].isalpha() else f"model_{plain}"


def _pictures_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    if not found:
        raise ModelError(f"{folder} holds no PNG or JPEG")
    return found

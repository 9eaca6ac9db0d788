"""`station model ...`: what models there are, whether one holds what it says, how good it is on a site's pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.markup import escape
from rich.table import Table

from station.cli_commands import use
from station.cli_measure import ENOUGH, LISTED, Folder, bench, console, evaluate, loaded, thresholds
from station.cli_parts import Depth, fail, model_folder
from station.resources import models
from station.vision import NO_GATE, NOT_SHOWN, ModelError
from station.vision.decoders import DECODERS
from station.vision.load import read_model
from station.vision.propose import Known, propose
from station.vision.store import MeasuredGate, described, gate_of, golden_pictures, rewrite, write_folder
from station.vision.trial import bound_memory, try_out

_PICTURES = {".png", ".jpg", ".jpeg"}

model_app = typer.Typer(no_args_is_help=True, help="Image models: list, look at, add, prove, measure, tune, change.")

model_app.command(name="use", epilog="Example: station model use config/demo.yaml models/second_light")(use)
model_app.command(epilog="Example: station model evaluate xray18 pictures/")(evaluate)
model_app.command(epilog="Example: station model thresholds xray18 pictures/ --false-alarms 5% --write")(thresholds)
model_app.command(epilog="Example: station model bench xray18 --rounds 200")(bench)


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
            table.add_row(escape(path.name), "", "", "", f"[red]NO[/] {escape(str(error))}")
            continue
        golden = str(sum(bool(item.expect) for item in model.spec.golden))
        table.add_row(
            escape(path.name), ", ".join(model.words), model.spec.decode.decoder, golden, f"ok {model.release[:12]}"
        )
    console.print(table)
    raise typer.Exit(1 if wrong else 0)


@model_app.command(epilog="Example: station model show xray18")
def show(folder: Folder) -> None:
    """What a model is and needs: input, family, classes, thresholds, gate, golden pictures, figures, hashes."""
    model = loaded(folder)
    spec, taken = model.spec, model.spec.input
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("model", f"{spec.name}, {len(model.onnx) / 1e6:.1f} MB")
    table.add_row("release", model.release)
    table.add_row("network", model.sha256)
    table.add_row("input", f"{taken.width} x {taken.height} {taken.colour} {taken.dtype} {taken.layout}, {taken.fit}")
    table.add_row("family", f"{spec.decode.decoder} ({DECODERS[spec.decode.decoder].exports})")
    for name, word in zip(spec.classes, spec.labels, strict=True):
        threshold = f"from {spec.thresholds[word]:g} on" if word else "no hazard, left out"
        table.add_row("class", escape(f"{name}{f' = {word}' if word not in {None, name} else ''}: {threshold}"))
    table.add_row("gate", f"sides {spec.gate.sides_px[0]} to {spec.gate.sides_px[1]} px")
    for measure, (low, high) in spec.gate.measures.items():
        table.add_row("", f"{measure} {low:g} to {high:g}")
    table.add_row("golden", ", ".join(item.file for item in spec.golden) if model.shown else NOT_SHOWN)
    for name, value in spec.metrics.items():
        table.add_row("measured", escape(f"{name} {value:g}"))
    if spec.training is not None:
        table.add_row("made by", escape(spec.training.command))
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
    depth: Depth = None,
) -> None:
    """Make a model folder of somebody's ONNX file: proposes its model.yaml from metadata and shapes, and proves it."""
    target = out or Path("models") / _name(file)
    measured: MeasuredGate | None = None
    try:
        given = dict(_word(text) for text in word)
        with bound_memory():
            proposal = propose(file, _name(target), Known(decoder, tuple(classes), given))
            onnx = file.read_bytes()
            tree: dict[str, Any] = dict(proposal.tree)
            if pictures is not None:
                measured = gate_of(described(tree, onnx, target), _pictures_in(pictures), depth or 8)
                tree["gate"] = measured.tree
            tree["golden"], files = golden_pictures(described(tree, onnx, target), golden, depth or 8)
            described(tree, onnx, target)
        write_folder(target, tree, onnx, files)
    except (ModelError, OSError) as error:
        fail(str(error), 2)
    except MemoryError:
        fail(f"{file} wants more memory than a model may have here: use a smaller one", 2)
    console.print(f"{target / 'model.yaml'} is written. Look it over:", highlight=False, markup=False)
    for remark in proposal.remarks:
        console.print(f"  {remark}", highlight=False, markup=False)
    if measured is None:
        console.print(f"  gate: {NO_GATE}", highlight=False)
    else:
        _print_measured(measured)
    if not golden:
        console.print(f"  golden: {NOT_SHOWN}", highlight=False)
    console.print(f"Then: station look PICTURE... --model {target}", highlight=False, markup=False)


@model_app.command(epilog="Example: station model golden models/yolo bag1.png bag2.png")
def golden(
    folder: Folder,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="In each it finds what is there.")],
    depth: Depth = None,
) -> None:
    """Make what the model finds in some pictures now what it must find in them from now on, before it is believed."""
    model = loaded(folder)
    try:
        entries, files = golden_pictures(model, pictures, depth or 8)
        tree = yaml.safe_load(model.text)
        tree["golden"] = [*(item for item in tree.get("golden", []) if item["file"] not in files), *entries]
        rewrite(model.path, tree, files)
    except (ModelError, OSError) as error:
        fail(str(error), 2)
    for entry in entries:
        found = ", ".join(f"{item['label']} {item['score']:.2f}" for item in entry["expect"])
        console.print(f"{entry['file']}: {found}", highlight=False)


@model_app.command(epilog="Example: station model gate models/yolo xray-pictures/")
def gate(
    folder: Folder,
    pictures: Annotated[Path, typer.Argument(metavar="PICTURES", help="A folder of the machine's: some hundred.")],
    depth: Depth = None,
) -> None:
    """Measure the gate on good pictures of the machine: what is not like them is not looked at, and is inspected."""
    model = loaded(folder)
    try:
        measured = gate_of(model, _pictures_in(pictures), depth or 8)
        rewrite(model.path, yaml.safe_load(model.text) | {"gate": measured.tree}, {})
    except (ModelError, OSError) as error:
        fail(str(error), 2)
    for measure, (low, high) in measured.tree["measures"].items():
        console.print(f"{measure} {low:g} to {high:g}", highlight=False)
    _print_measured(measured)


@model_app.command(epilog="Example: station model verify xray18")
def verify(folder: Folder) -> None:
    """Prove that a model folder holds what it says: hashes, shapes, golden pictures, in a process of its own.

    Exit code 1 if it does not, or lacks what a station needs to let the right parcels pass.
    """
    path = model_folder(folder)
    try:
        words = try_out(path)
        model = read_model(path)
    except ModelError as error:
        fail(str(error), 1)
    console.print(
        f"{path} holds: release {model.release[:12]}, finds {', '.join(words)}", highlight=False, markup=False
    )
    lacks = [f"in a running station all would be inspected: {NOT_SHOWN}"] if not model.shown else []
    lacks += [NO_GATE] if not model.spec.gate.measures else []
    for lack in lacks:
        console.print(f"NO {lack}", highlight=False, markup=False)
    raise typer.Exit(1 if lacks else 0)


def _print_measured(measured: MeasuredGate) -> None:
    """What the gate was measured on, and whether that is enough to trust it."""
    for text in measured.left_out[:LISTED]:
        console.print(f"left out: {text}", highlight=False, markup=False)
    if (more := len(measured.left_out) - LISTED) > 0:
        console.print(f"left out: {more} more")
    if measured.left_out:
        console.print(
            "What is left out is not looked at, and inspected. If such pictures are good, add more like them."
        )
    if measured.pictures < ENOUGH:
        console.print(
            f"The gate is measured on {measured.pictures} different picture(s): too few to know the machine by. Some "
            "hundred good ones make a gate that neither refuses the next good picture nor lets a faulty one through.",
            highlight=False,
        )


def _word(text: str) -> tuple[str, str | None]:
    name, equals, word = text.rpartition("=")
    if not equals:
        fail(f"'{text}': write CLASS=WORD, or CLASS= for one that is no hazard", 2)
    return name, word or None


def _name(path: Path) -> str:
    plain = re.sub(r"[^a-z0-9_]", "_", path.stem.lower())
    return plain if plain[:1].isalpha() else f"model_{plain}"


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder: name the folder that holds the pictures")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES and path.is_file())
    if not found:
        raise ModelError(f"{folder} holds no PNG or JPEG")
    return found

"""A model.yaml for somebody else's ONNX file, from its own metadata and shapes; what it does not tell is remarked."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from station.vision.decoders import ANY, Canvas
from station.vision.family import OBJECTNESS, family_of, sized_order
from station.vision.faults import ModelError
from station.vision.folder import LEAST_SIDE, MOST_SIDE, WORD, classes_sha256
from station.vision.session import FIX_SIZE, SIZES, TYPES, open_session, runtime_reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES = {taken: dtype for dtype, taken in TYPES.items()}
_PLAIN = {"colour": "rgb", "mean": [0.0] * 3, "scale": [1 / 255] * 3, "fill": 114, "resize": "linear"}
_AS_TRAINED: Mapping[str, Mapping[str, Any]] = {
    "yolov5": _PLAIN | {"fit": "centre"},
    "yolov8": _PLAIN | {"fit": "centre"},
    "end_to_end": _PLAIN | {"fit": "centre"},
    "yolox": _PLAIN | {"colour": "bgr", "scale": [1.0] * 3, "fit": "corner"},
    "detr": _PLAIN | {"fit": "stretch"},
    "detr_listed": _PLAIN | {"fit": "stretch"},
    "detr_joined": _PLAIN | {"fit": "stretch"},
    "detr_sized": _PLAIN | {"fit": "stretch"},
    "classifier": _PLAIN | {"fit": "stretch"},
    "classifier_logits": _PLAIN | {"fit": "stretch"},
    "boxes_then_scores": _PLAIN | {"fit": "corner"},
}
"""How each family's own training code makes a picture into an input, unless it was told otherwise."""
_SYNONYMS = {
    "pistol": "gun", "handgun": "gun", "revolver": "gun", "firearm": "gun", "bullet": "ammunition", "blade": "knife",
    "powerbank": "battery", "power_bank": "battery", "portable_charger": "battery", "sprayer": "aerosol",
    "spray": "aerosol", "pressure_vessel": "gas_cartridge", "handcuff": "handcuffs", "spanner": "wrench",
}  # fmt: skip
_FLOOR, _THRESHOLD = 0.05, 0.25
_NOTHING = {"na", "noobject", "background"}
"""Classes by which a network says that there is nothing, letters and digits of their names alone."""
_SOFTMAX = (
    'its scores are one choice among the classes and "no object" (softmax), as the first DETR gives them; here each is '
    "read by itself (sigmoid), and things would be missed: use an RT-DETR or D-FINE, which have no such class"
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A description to be looked over.

    Attributes:
        tree: model.yaml as a tree.
        remarks: what the file does not tell, so that a person must: one sentence each.
    """

    tree: dict[str, Any]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a person knows of the model and its file may not tell; empty where the file is to be believed."""

    decoder: str = ""
    classes: tuple[str, ...] = ()
    words: Mapping[str, str | None] = field(default_factory=dict)


def propose(file: Path, name: str, known: Known) -> Proposal:
    """Describe an ONNX file.

    Args:
        file: the model.
        name: what it shall be called.
        known: what a person knows of it.

    Raises:
        ModelError: it cannot be used at all, or which family it is of cannot be told.
    """
    try:
        onnx = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}): name the ONNX file") from error
    session = open_session(onnx, file)
    taken = _picture_input(session, file)
    size, layout = _geometry(taken, file)
    outputs = _outputs_on_noise(session, taken, size, layout, file)
    remarks: list[str] = []
    names = [item.name for item in session.get_outputs()]
    if order := sized_order(names, outputs, file):
        names, outputs = [names[at] for at in order], [outputs[at] for at in order]
    decoder, count = family_of(outputs, Canvas(*size), known.decoder, file, remarks)
    named = known.classes or _named(session.get_modelmeta().custom_metadata_map)
    _check_count(named, decoder, count, [list(output.shape) for output in outputs])
    classes = named or _numbered(decoder, count, remarks)
    words = _words(classes, known.words, remarks)
    dtype = _DTYPES[taken.type]
    trained = dict(_AS_TRAINED[decoder])
    if dtype == "uint8":
        trained |= {"scale": [1.0] * 3}
        remarks.append(f"input: {trained['colour']}, {trained['fit']}, values as they are, as {decoder} trains")
    else:
        low, high = _range(trained)
        remarks.append(f"input: {trained['colour']}, {trained['fit']}, values {low:g} to {high:g}, as {decoder} trains")
    labels = dict.fromkeys(label for name in classes if (label := words.get(name, name)) is not None)
    tree = {
        "format": 1,
        "name": name,
        "model_sha256": hashlib.sha256(onnx).hexdigest(),
        "classes": list(classes),
        "classes_sha256": classes_sha256(classes),
        "words": words,
        "thresholds": dict.fromkeys(labels, _THRESHOLD),
        "input": {"name": taken.name, "width": size[0], "height": size[1], "layout": layout, "dtype": dtype, **trained},
        "decode": {"decoder": decoder, "floor": _FLOOR, "overlap": 0.5, "most": 300}
        | ({"outputs": names} if order and decoder == "detr_sized" else {}),
        "golden": [],
    }
    return Proposal(tree, tuple(remarks))


def _picture_input(session: Any, file: Path) -> Any:
    pictures = [item for item in session.get_inputs() if len(item.shape) == 4]
    if len(pictures) != 1:
        taken = ", ".join(f"{item.name} {item.shape}" for item in session.get_inputs())
        raise ModelError(f"{file} takes {taken}: not one picture, so it is no model for this station")
    if pictures[0].type not in _DTYPES:
        raise ModelError(f"{file} takes {pictures[0].type}: export it for float32, float16 or uint8")
    return pictures[0]


def _geometry(taken: Any, file: Path) -> tuple[tuple[int, int], str]:
    shape = [size if isinstance(size, int) else None for size in taken.shape]
    layout = "nhwc" if shape[3] == 3 and shape[1] != 3 else "nchw"
    height, width = (shape[1], shape[2]) if layout == "nhwc" else (shape[2], shape[3])
    channels = shape[3] if layout == "nhwc" else shape[1]
    if height is None or width is None:
        raise ModelError(f"{file} takes pictures of any size {taken.shape}: {FIX_SIZE}")
    if channels != 3 or shape[0] not in {None, 1}:
        raise ModelError(f"{file} takes {taken.shape}: export it for one picture of three colours")
    if min(height, width) < LEAST_SIDE or max(height, width) > MOST_SIDE:
        raise ModelError(f"{file} takes {width} x {height} pixels: sides from {LEAST_SIDE} to {MOST_SIDE} can be used")
    return (width, height), layout


def _outputs_on_noise(session: Any, taken: Any, size: tuple[int, int], layout: str, file: Path) -> list[NDArray[Any]]:
    shape = (1, 3, size[1], size[0]) if layout == "nchw" else (1, size[1], size[0], 3)
    noise = (np.random.default_rng(1).random(shape) * (255 if "uint8" in taken.type else 1)).astype(_DTYPES[taken.type])
    feed = {taken.name: noise}
    if any(item.name == SIZES for item in session.get_inputs()):
        feed[SIZES] = np.array([size], np.int64)
    try:
        outputs: list[NDArray[Any]] = session.run(None, feed)
    except Exception as error:  # the runtime's errors share no base but Exception
        raise ModelError(f"{file} {runtime_reason(str(error))}") from error
    return outputs


def _named(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The classes as ultralytics writes them into the file: a mapping from number to name; () if it names none."""
    try:
        named = ast.literal_eval(metadata.get("names", ""))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return ()
    if not isinstance(named, dict):
        return tuple(map(str, named)) if isinstance(named, list | tuple) else ()
    if set(named) != set(range(len(named))):
        raise ModelError(
            f"the file numbers its classes {', '.join(map(str, named))}, not 0 to {len(named) - 1}, so which of its "
            "outputs is which cannot be told: name all classes with --class, in the order of its outputs"
        )
    return tuple(str(named[key]) for key in range(len(named)))


def _check_count(named: tuple[str, ...], decoder: str, count: int, shapes: Sequence[Sequence[int]]) -> None:
    """Refuse classes that do not fit the outputs, or that say that the outputs mean something else."""
    nothing = [name for name in named if re.sub(r"[^a-z0-9]", "", name.lower()) in _NOTHING]
    if decoder == "detr" and (nothing or (named and count == len(named) + 1)):
        few = f'{len(named)} classes are named for {count} scores: name all with --class; or the last is "no object"'
        raise ModelError(f"{f'a class is called {nothing[0]}' if nothing else few}: {_SOFTMAX}")
    if not named or count in {ANY, len(named)}:
        return
    text = f"the model has {count} classes, and {len(named)} are named: {', '.join(named)}"
    if decoder in OBJECTNESS and len(named) == count + 1:
        text = (
            f"it gives {shapes[0]} for {len(named)} classes: that leaves no column for the objectness of {decoder}. "
            "A YOLOv8 exported with rows and columns exchanged is not read: export it as (1, 4 + classes, cells). If "
            "its boxes are corners, name boxes_then_scores with --decoder"
        )
    raise ModelError(text)


def _numbered(decoder: str, count: int, remarks: list[str]) -> tuple[str, ...]:
    """Names for classes that neither a person nor the file names; what their number would have told is remarked."""
    if count == ANY:
        raise ModelError("the file does not tell how many classes the model has: name them with --class, in order")
    remarks.append("classes: the file does not name them, so they are numbered: name them with --class, in order")
    if decoder in OBJECTNESS:
        remarks.append(
            f"decode.decoder: {decoder}, with objectness and {count} classes behind it; only names tell that it is not "
            f"{count + 1} classes without objectness, which would be read wrong: name them with --class"
        )
    if decoder == "detr":
        remarks.append(
            'decode.decoder: detr, each class by itself; if its last class is "no object", it would miss things'
        )
    return tuple(f"class_{number}" for number in range(count))


def _words(classes: Sequence[str], given: Mapping[str, str | None], remarks: list[str]) -> dict[str, str | None]:
    """The station's word for each class that is not called by one."""
    if unknown := sorted(set(given) - set(classes)):
        raise ModelError(f"--word {unknown[0]}=: the model has no such class, only {', '.join(classes)}")
    words: dict[str, str | None] = {}
    for number, name in enumerate(classes):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        word = given[name] if name in given else _SYNONYMS.get(plain, plain)
        if word is not None and not re.fullmatch(WORD, word):
            if name in given:
                raise ModelError(
                    f"--word {name}={word}: a word of the station is a to z, 0 to 9 and _, as in gas_cartridge"
                )
            word = f"unnamed_{number}"
        if word != name:
            words[name] = word
    if words:
        told = ", ".join(f"{name} = {word or 'no hazard'}" for name, word in words.items())
        remarks.append(f"words: {told}; give others with --word CLASS=WORD, or CLASS= for one that is no hazard")
    return words


def _range(trained: Mapping[str, Any]) -> tuple[float, float]:
    return (0 - trained["mean"][0]) * trained["scale"][0], (255 - trained["mean"][0]) * trained["scale"][0]

"""A model folder's description, `model.yaml`: what the model is, what it needs, what it may be believed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
WORD = r"^[a-z][a-z0-9_]*$"
Label = Annotated[str, Field(pattern=WORD)]
LEAST_SIDE, MOST_SIDE = 32, 4096
Side = Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE)]
ClassName = Annotated[str, Field(min_length=1, max_length=80)]
Interval = tuple[float, float]
Measure = Literal["sharpness", "colour", "warmth", "dense", "ground", "black"]

NOT_SHOWN = "no golden picture shows that it still sees: give it some with `station model golden`"
"""Of a model for which none `shows` anything: in a running station it gives no proof, so all is inspected."""
NO_GATE = "its gate measures nothing, so a faulty picture would pass for a good one: `station model gate` sets it"
"""Of a model whose gate has no measures: sizes alone tell nothing of contrast, colours or sharpness."""
_LEAST_SCALE, _MOST_SCALE = 1e-4, 100.0
"""A pixel of 255 then is 0.026 to 25,500: beyond that float16 cannot tell one from another, or overflows."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InputSpec(_Frozen):
    """What the network takes: one picture, each channel less its mean, times its scale.

    Attributes:
        layout: (1, 3, height, width), or (1, height, width, 3).
        dtype: with uint8 the network takes the pixels as they are: mean 0, scale 1.
        fit: where the picture lies: with its own proportions, top left or in the middle, or stretched over the whole.
        resize: how a picture that is too large is made smaller.
        fill: grey value of what the picture does not cover.
    """

    name: str
    width: Side
    height: Side
    colour: Literal["rgb", "bgr"]
    layout: Literal["nchw", "nhwc"]
    dtype: Literal["float32", "float16", "uint8"] = "float32"
    fit: Literal["corner", "centre", "stretch"] = "corner"
    resize: Literal["area", "linear"] = "area"
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    fill: Annotated[int, Field(ge=0, le=255)]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """What it is for one picture, in its layout."""
        return (1, 3, self.height, self.width) if self.layout == "nchw" else (1, self.height, self.width, 3)

    @model_validator(mode="after")
    def _pixels_stay_pixels(self) -> Self:
        if self.dtype == "uint8" and (set(self.mean), set(self.scale)) != ({0.0}, {1.0}):
            raise ValueError("with dtype uint8 the network takes pixels as they are: mean must be 0, scale 1")
        if any(not _LEAST_SCALE <= abs(value) <= _MOST_SCALE for value in self.scale):
            raise ValueError(
                f"scale: from {_LEAST_SCALE:g} to {_MOST_SCALE:g}; with others the network would see nothing"
            )
        return self


class DecodeSpec(_Frozen):
    """How the outputs become findings: by which decoder, from which score on, with which overlap for doubles.

    Attributes:
        outputs: the names of those that the decoder takes, in its order; empty: all that there are.
    """

    decoder: str
    floor: Annotated[float, Field(gt=0.0, lt=1.0)]
    overlap: Annotated[float, Field(gt=0.0, lt=1.0)]
    most: Annotated[int, Field(ge=1, le=1000)]
    outputs: tuple[str, ...] = ()


class GateSpec(_Frozen):
    """What pictures the model was trained on: sizes that it accepts, and an interval for each measure of a picture."""

    sides_px: tuple[int, int] = (64, 8192)
    aspect: Interval = (0.2, 5.0)
    measures: dict[Measure, Interval] = {}

    @model_validator(mode="after")
    def _something_passes(self) -> Self:
        ends: dict[str, Interval] = {"sides_px": self.sides_px, "aspect": self.aspect}
        for name, (low, high) in [*ends.items(), *self.measures.items()]:
            if low > high:
                raise ValueError(f"{name}: {low:g} to {high:g} lets nothing pass; the lower end comes first")
        return self


class ExpectedFinding(_Frozen):
    """What the detector must see in a golden picture: label, about where, about how surely."""

    label: Label
    box: tuple[float, float, float, float]
    score: Share


class Golden(_Frozen):
    """A picture in the folder, and all that the detector must find in it over its thresholds; nothing is no proof."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+\.png$")]
    sha256: Sha256
    expect: tuple[ExpectedFinding, ...]


class TrainingSpec(_Frozen):
    """Where the model comes from.

    Attributes:
        started_from: SHA-256 of the model whose weights the training went on from; None: from none of ours.
    """

    command: str
    seed: int
    pictures: int
    steps: int
    started_from: str | None = None


class ModelSpec(_Frozen):
    """All of `model.yaml`.

    Attributes:
        classes: as the network was trained with, in the order of its output.
        words: by class, the station's word for it; null for one that is no hazard. Where a class is not named, it is
            the word itself.
        thresholds: by word, the score from which on a finding counts.
    """

    format: Literal[1]
    name: Label
    model_sha256: Sha256
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1)]
    classes_sha256: Sha256
    words: dict[ClassName, Label | None] = {}
    thresholds: dict[Label, Annotated[float, Field(gt=0.0, lt=1.0)]]
    input: InputSpec
    decode: DecodeSpec
    gate: GateSpec = GateSpec()
    golden: tuple[Golden, ...] = ()
    training: TrainingSpec | None = None
    metrics: dict[str, float] = {}

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The station's word for each class, in order."""
        return tuple(self.words.get(name, name) for name in self.classes)

    @model_validator(mode="after")
    def _classes_are_as_trained(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: one is named twice")
        if classes_sha256(self.classes) != self.classes_sha256:
            raise ValueError("classes: not the list that the model was trained with, in its order (classes_sha256)")
        if unknown := sorted(set(self.words) - set(self.classes)):
            raise ValueError(f"words: there is no class {unknown[0]!r}")
        return self

    @model_validator(mode="after")
    def _words_fit(self) -> Self:
        known = {label for label in self.labels if label is not None}
        if not known:
            raise ValueError("words: no class is a hazard, so nothing would ever be found")
        for label in sorted(known):
            if not re.fullmatch(WORD, label):
                raise ValueError(f"words: {label!r} is no word of the station (a to z, 0 to 9, _): give one for it")
        if set(self.thresholds) != known:
            raise ValueError(f"thresholds: there must be exactly one for each of {', '.join(sorted(known))}")
        if any(value < self.decode.floor for value in self.thresholds.values()):
            raise ValueError("thresholds: one lies under decode.floor, below which nothing is reported")
        if any(item.label not in known for golden in self.golden for item in golden.expect):
            raise ValueError("golden: a picture expects a class that the model does not have")
        return self


def classes_sha256(classes: tuple[str, ...]) -> str:
    """The hash of a list of classes, in order: SHA-256 of the names joined by line feeds."""
    return hashlib.sha256("\n".join(classes).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model folder as it was when loaded; what is later done to its files changes nothing.

    Attributes:
        path: where it was.
        spec: its `model.yaml`.
        onnx: the bytes of its `model.onnx`.
        golden: the bytes of its golden pictures, by file name.
        text: the bytes of its `model.yaml`.
    """

    path: Path
    spec: ModelSpec
    onnx: bytes = field(repr=False)
    golden: Mapping[str, bytes] = field(repr=False)
    text: bytes = field(default=b"", repr=False)

    @property
    def thresholds(self) -> Mapping[str, float]:
        """By class, the score from which on a finding counts."""
        return self.spec.thresholds

    @property
    def words(self) -> tuple[str, ...]:
        """The hazards that it can find, by the station's words."""
        return tuple(dict.fromkeys(label for label in self.spec.labels if label is not None))

    @property
    def shown(self) -> tuple[str, ...]:
        """Those of them that a golden picture shows: with none, its silence proves nothing."""
        expected = {finding.label for golden in self.spec.golden for finding in golden.expect}
        return tuple(word for word in self.words if word in expected)

    @property
    def release(self) -> str:
        """SHA-256 of `model.yaml`, in hex: it names all else by hash, so it stands for the whole folder."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def sha256(self) -> str:
        """SHA-256 of `model.onnx`, in hex."""
        return self.spec.model_sha256

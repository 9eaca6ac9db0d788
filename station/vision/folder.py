"""A model folder's description, `model.yaml`: what the model is, what it needs, what it may be believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Interval = tuple[float, float]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InputSpec(_Frozen):
    """What the network takes: float32 (1, 3, height, width), each channel less its mean, times its scale."""

    name: str
    width: Annotated[int, Field(ge=32, le=4096)]
    height: Annotated[int, Field(ge=32, le=4096)]
    colour: Literal["rgb", "bgr"]
    layout: Literal["nchw"]
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    fill: Annotated[int, Field(ge=0, le=255)]


class DecodeSpec(_Frozen):
    """How the output becomes findings: by which decoder, from which score on, with which overlap for doubles."""

    decoder: str
    floor: Annotated[float, Field(gt=0.0, lt=1.0)]
    overlap: Annotated[float, Field(gt=0.0, lt=1.0)]
    most: Annotated[int, Field(ge=1, le=1000)]


class GateSpec(_Frozen):
    """What pictures the model was trained on: sizes that it accepts, and an interval for each measure of a picture."""

    sides_px: tuple[int, int]
    aspect: Interval
    measures: dict[str, Interval]


class ExpectedFinding(_Frozen):
    """What the detector must see in a golden picture: label, about where, about how surely."""

    label: Label
    box: tuple[float, float, float, float]
    score: Share


class Golden(_Frozen):
    """A picture in the folder, and all that the detector must find in it over its thresholds."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+\.png$")]
    sha256: Sha256
    expect: tuple[ExpectedFinding, ...]


class TrainingSpec(_Frozen):
    """Where the model comes from."""

    command: str
    seed: int
    pictures: int
    steps: int


class ModelSpec(_Frozen):
    """All of `model.yaml`."""

    format: Literal[1]
    name: Label
    model_sha256: Sha256
    classes: Annotated[tuple[Label, ...], Field(min_length=1)]
    classes_sha256: Sha256
    thresholds: dict[Label, Annotated[float, Field(gt=0.0, lt=1.0)]]
    input: InputSpec
    decode: DecodeSpec
    gate: GateSpec
    golden: Annotated[tuple[Golden, ...], Field(min_length=1)]
    training: TrainingSpec
    metrics: dict[str, float]

    @model_validator(mode="after")
    def _classes_are_as_trained(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: one is named twice")
        if classes_sha256(self.classes) != self.classes_sha256:
            raise ValueError("classes: not the list that the model was trained with, in its order (classes_sha256)")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds: there must be exactly one for each class")
        if any(value < self.decode.floor for value in self.thresholds.values()):
            raise ValueError("thresholds: one lies under decode.floor, below which nothing is reported")
        if any(item.label not in self.classes for golden in self.golden for item in golden.expect):
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
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the model's output."""
        return self.spec.classes

    @property
    def release(self) -> str:
        """SHA-256 of `model.yaml`, in hex: it names all else by hash, so it stands for the whole folder."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def sha256(self) -> str:
        """SHA-256 of `model.onnx`, in hex."""
        return self.spec.model_sha256

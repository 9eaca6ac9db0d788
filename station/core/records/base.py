"""What every record has, and what several of them hold."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from station.core.text import Sentence

Route = Literal["pass", "inspect"]


class Record(BaseModel):
    """One journaled event. `type` names it on disk and on the wire; `version` grows when its fields change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: ClassVar[str] = ""
    version: ClassVar[int] = 1


class ParcelRef(BaseModel):
    """A parcel's identity: PLC epoch and number."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    epoch: int
    number: int


class CountInterval(BaseModel):
    """Hard bounds of a place, in unwrapped encoder counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    low: int
    high: int


def told(number: float) -> float | str:
    """A number as records hold it: JSON has no word for one that is none, so that is told as a text."""
    return number if math.isfinite(number) else str(number)


class FindingRecord(BaseModel):
    """A finding: label, score 0..1 (a text if it was no number), box x0 y0 x1 y1 in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    label: str
    score: float | str
    box: tuple[float, float, float, float]


class Reason(BaseModel):
    """One reason for a decision: a code of `docs/mqtt.md` and a sentence for a person; `device` where one is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    text: Sentence
    device: str = ""

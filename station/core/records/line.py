"""What the line is made of and how it is now: devices, PLC, lists."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from station.core.records.base import Record
from station.core.text import Sentence


class DeviceChanged(Record):
    """A device's connection came or went; `count` is the belt's, unwrapped, None before the first sample."""

    type: ClassVar[str] = "device-changed"
    version: ClassVar[int] = 2
    device: str
    connected: bool
    detail: Sentence
    count: int | None = None


class PlcConstants(BaseModel):
    """What the PLC's program says of the line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mm_per_count: float
    latch_ms: float
    slip: float
    tolerance_mm: float
    length_tolerance_mm: float
    switch_mm: float
    eyes_mm: tuple[float, ...]
    decision_eye: int
    diverter_mm: float
    longest_mm: float
    stale_ms: int


class PlcJoined(Record):
    """The PLC answers. Unless `resumed`, counts and tracks begin anew with its table of parcels on the belt.

    A row of the table: number, infeed count, length in counts, session, last eye, count there; counts are the PLC's.
    """

    type: ClassVar[str] = "plc-connected"
    version: ClassVar[int] = 2
    epoch: int
    session: int
    program_version: int
    count: int
    plc_ms: int
    parcels: tuple[tuple[int, int, int, int, int, int], ...]
    resumed: bool
    constants: PlcConstants


class PlcJumped(Record):
    """The PLC's clock or count jumped: whatever is on the belt is doubted. Counts are unwrapped."""

    type: ClassVar[str] = "plc-jumped"
    before: int | None
    count: int


class PlcChanged(Record):
    """Mode, belt, stop cause or faults of the PLC changed."""

    type: ClassVar[str] = "plc-changed"
    mode: Literal["automatic", "hand", "bypass"]
    belt_running: bool
    stop_cause: int
    faults: int
    lane_full: bool
    session: int
    epoch: int


class Lookup(BaseModel):
    """What the lists say of one barcode that was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    held: bool
    declared_g: float | None


class ListsChanged(Record):
    """The hold list or the declared weights were replaced, as a whole; `on_belt`: what they say of what is there.

    `count` is the belt's, unwrapped, None before the first sample.
    """

    type: ClassVar[str] = "lists-changed"
    version: ClassVar[int] = 2
    lists_version: str
    held: int
    declared: int
    on_belt: tuple[Lookup, ...] = ()
    count: int | None = None

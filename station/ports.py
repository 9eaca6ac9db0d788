"""What the station needs from the world, as small typed Protocols, and how a driver announces itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

from station.core.actions import Order
from station.core.events import Arrived, Constants, Event

NowNs = Callable[[], int]
"""Monotonic nanoseconds; drivers read no clock of their own."""


class Role(Enum):
    """What a device is to the station."""

    BARCODE = "barcode"
    SCALE = "scale"
    FRAMES = "frames"
    PLC = "plc"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a device delivered it, encoded (PNG or JPEG bytes) and unchecked; `fault` if it has none to show."""

    device: str
    data: bytes
    arrived: Arrived
    trigger: int | None = None
    fault: str = ""


class Sink(Protocol):
    """Where a driver puts what it has; callable from any thread, never blocks, never raises."""

    def __call__(self, event: Event | Picture, /) -> None:
        """Hand one event over."""


@dataclass(frozen=True, slots=True)
class Health:
    """A device at one glance: `last_message_ns` is None before the first; `counters` are the driver's own.

    `seen_empty_ns` is the last moment at which the port was seen empty: all that came before was handed over.
    """

    connected: bool
    detail: str
    last_message_ns: int | None
    counters: dict[str, int]
    seen_empty_ns: int | None = None


@runtime_checkable
class Device(Protocol):
    """Anything with a wire. It reconnects by itself with back-off and says so once.

    Attributes:
        proved: what a `probe` without a fault has shown.
    """

    name: str
    proved: str

    def start(self, sink: Sink) -> None:
        """Begin to read, in a thread of its own."""

    def stop(self) -> None:
        """End within a second and close the wire."""

    def health(self) -> Health:
        """How it is now."""

    def probe(self) -> str:
        """For `station check`, instead of `start`: "" if it finds no fault, else what is wrong and what to do."""


@runtime_checkable
class ShowsConstants(Protocol):
    """A PLC's driver whose `probe` reads the settings of the PLC's program, for `station check` to compare.

    Attributes:
        constants: the settings, None before a probe without a fault.
    """

    constants: Constants | None


@runtime_checkable
class Plc(Device, Protocol):
    """The PLC: orders name a parcel; a heartbeat is sent only when the caller earned one."""

    def beat(self) -> None:
        """Let the heartbeat advance once with the next write."""

    def send(self, orders: Sequence[Order]) -> None:
        """Queue orders; each is repeated until its exact echo is read back, or a newer one or new session voids it."""

    def open_session(self, session: int, epoch: int | None) -> None:
        """Offer a session and, if the PLC has none, an epoch; both are on disk already."""


_PLAIN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What stands for one character: an escape, a set."""
_REPEAT = re.compile(r"[*+]|\{[0-9]*,[0-9]*\}")
_WITHOUT_END = re.compile(r"[*+]|\{[0-9]*,\}")


def _compiles(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    if _repeats_repeats(text):
        raise ValueError("repeats a group that repeats: some texts would take it for ever; repeat one of the two only")
    return text


def _repeats_repeats(expression: str) -> bool:
    """Whether a group with a repeat in it is repeated without an end: one text of thirty signs can take hours then."""
    plain = _PLAIN.sub("x", expression)
    begins: list[int] = []
    for at, sign in enumerate(plain):
        if sign == "(":
            begins.append(at)
        elif sign == ")" and begins:
            inside = plain[begins.pop() + 1 : at]
            if _WITHOUT_END.match(plain, at + 1) and _REPEAT.search(inside):
                return True
    return False


Expression = Annotated[str, AfterValidator(_compiles)]
"""A regular expression in a driver's settings; none that could hold up the station."""


class Settings(BaseModel):
    """Base of all settings: frozen, unknown keys are errors, and a number is a number: no yes or no, and finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def lies_ms(self) -> float:
        """How long what a device said may lie before its driver sees it, where it is not told at once: its polling."""
        return 0.0

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch(cls, value: object, info: ValidationInfo) -> object:
        """A yes or no where a number belongs would be taken for 1 or 0."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError(f"'{str(value).lower()}' is yes or no; it is not what belongs here")
        return value

    @property
    def trigger_numbers(self) -> bool | None:
        """Whether pictures of this device bear trigger numbers by these settings; None: they may, or may not."""
        return False


@dataclass(frozen=True, slots=True)
class Driver:
    """How a driver announces itself by entry point `station.drivers`: a kind, a role, its settings, a maker."""

    role: Role
    settings: type[Settings]
    create: Callable[[str, Any, NowNs], Device]
    example: str

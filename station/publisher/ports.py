"""What the publisher needs of the world besides a clock: a connection to a broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the broker, at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came from the broker; `mid` confirms it, 0 if it wants no confirmation (QoS 0)."""

    topic: str
    payload: bytes
    retained: bool
    mid: int


class LinkError(Exception):
    """The broker cannot be reached, refuses this client, or closed the connection."""


class Link(Protocol):
    """One connection to the broker, used once: nothing of it outlives its loss."""

    @property
    def ready(self) -> bool:
        """Whether the broker accepted this client."""

    @property
    def acked(self) -> list[int]:
        """Message ids acknowledged since the list was last cleared; whoever takes them clears it."""

    @property
    def refused(self) -> list[tuple[int, str]]:
        """Message ids that the broker answered with why it does not take them, since the list was last cleared."""

    @property
    def largest(self) -> int:
        """The largest packet that the broker takes, in bytes; 0 if it names none."""

    @property
    def received(self) -> list[Incoming]:
        """Commands that came since the list was last cleared, none unless they are wanted."""

    @property
    def deaf(self) -> str:
        """Why the broker lets this client hear no commands, "" if it does."""

    @property
    def ends(self) -> tuple[datetime, str] | None:
        """When the first certificate ends by which one of both is known, and whose; None without TLS, or not ready."""

    def confirm(self, incoming: Incoming) -> None:
        """It is safe here: the broker need not deliver it again."""

    def turn(self, seconds: float) -> None:
        """Read and write what there is; wait for it so long at most, where waiting means anything.

        Raises:
            LinkError: the connection is over.
        """

    def send(self, message: Message) -> int:
        """Hand a message over; its id, by which it is acknowledged. On a connection that is lost it goes nowhere."""

    def close(self, *, in_order: bool) -> None:
        """Say goodbye, so that the will is not published, or just go; a second call does nothing."""


MakeLink = Callable[[Message], Link]
"""Connects with that message as the last will; raises LinkError where no connection can be begun."""

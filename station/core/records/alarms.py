"""Alarms and what people do about them."""

from __future__ import annotations

from typing import ClassVar, Literal

from station.core.records.base import Record
from station.core.text import Sentence


class AlarmRaised(Record):
    """A condition that a technician must know of; one per condition until it is cleared."""

    type: ClassVar[str] = "alarm-raised"
    alarm: str
    subject: str
    text: Sentence
    priority: Literal["low", "medium", "high", "top"]


class AlarmCleared(Record):
    """The condition is over."""

    type: ClassVar[str] = "alarm-cleared"
    alarm: str
    subject: str


class AlarmSuppressed(Record):
    """The alarm stands, and follows from another that stands, `by` (alarm/subject): only that one is worth a look.

    It ends with `alarm-cleared`, or with `alarm-raised` where the other one is over first.
    """

    type: ClassVar[str] = "alarm-suppressed"
    alarm: str
    subject: str
    by: str


class AlarmAcknowledged(Record):
    """Somebody has seen the alarm; `who` is a role or a terminal, as the site names them."""

    type: ClassVar[str] = "alarm-acknowledged"
    alarm: str
    subject: str
    who: str


class AlarmShelved(Record):
    """Somebody does not want to be told of the alarm for so many seconds; what is raised meanwhile is journaled."""

    type: ClassVar[str] = "alarm-shelved"
    alarm: str
    subject: str
    who: str
    for_s: float


class AlarmUnshelved(Record):
    """The alarm is no longer shelved: by `who`, or, where that is empty, since its time is over."""

    type: ClassVar[str] = "alarm-unshelved"
    alarm: str
    subject: str
    who: str = ""

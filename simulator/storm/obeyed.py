"""Whether the station obeys: each command is answered once, and a mode holds from its record on. Knows records only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.storm.truth import Key
from station.core.records import (
    CommandResult,
    Decided,
    ModeChanged,
    ParcelResolved,
    PolicyChanged,
    Record,
    StationStarted,
)

Mode = tuple[bool, bool]
"""Paused, on a dry run."""


@dataclass(slots=True)
class Obeyed:
    """Told every record as it is on disk; each call returns what is wrong with it.

    `mode_on_disk` reads the newest `station-mode` ahead of an event: one whose sync failed may stand there.
    """

    mode_on_disk: Callable[[int], Mode | None]
    now_ms: Callable[[], float]
    since_ms: float | None = None
    answered: dict[str, CommandResult] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    _mode: Mode = (False, False)
    _policy: str = ""
    _to_pause: bool = False
    _resolved: set[Key] = field(default_factory=set)

    @property
    def inspects_all(self) -> bool:
        """Whether a mode is in force in which nothing may be decided to pass."""
        return any(self._mode)

    def take(self, record: Record, seq: int) -> Iterator[tuple[str, Key | None]]:
        """This is on disk now, under that number."""
        match record:
            case StationStarted():
                left = self.mode_on_disk(seq) or (False, False)
                if (record.paused, record.dry_run) != left:
                    yield f"it starts {(record.paused, record.dry_run)}, and was left (paused, dry run) {left}", None
                self._hold((record.paused or self._to_pause, record.dry_run))
                self._to_pause = False
                self._policy = record.policy_version
            case ModeChanged():
                self._hold((record.paused, record.dry_run))
            case PolicyChanged():
                self._policy = record.policy.version
            case Decided():
                yield from ((text, _key(record)) for text in self._decided(record))
            case CommandResult():
                if record.command in self.answered:
                    yield f"command {record.command} is answered a second time", None
                self.answered[record.command] = record
                self.ever.add(record.command)
            case ParcelResolved():
                if _key(record) in self._resolved:
                    yield "it is resolved a second time", _key(record)
                self._resolved.add(_key(record))

    def _decided(self, record: Decided) -> Iterator[str]:
        if record.route == "pass" and self.inspects_all:
            yield "it is decided to pass while all is to be inspected"
        if self._policy and record.policy_version != self._policy:
            yield f"decided by policy {record.policy_version}, in force is {self._policy}"

    def forget(self) -> None:
        """The journal is another one than before: what was answered may be answered again."""
        self.answered.clear()
        self._resolved.clear()
        self._to_pause = False
        self._hold((False, False))

    def orders_lost(self) -> None:
        """It is another one, and what was commanded for good is lost: nothing passes before a person resumes."""
        self.forget()
        self._to_pause = True

    def _hold(self, mode: Mode) -> None:
        if any(mode) and not any(self._mode):
            self.since_ms = self.now_ms()
        elif not any(mode):
            self.since_ms = None
        self._mode = mode


def _key(record: Decided | ParcelResolved) -> Key:
    return record.parcel.epoch, record.parcel.number

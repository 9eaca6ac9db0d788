"""What persons and central systems wish: checked, carried out between two events, and answered once for each id."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from station.core.actions import Action, Keep
from station.core.commands import Command, DryRun, Pause, Resume, moment
from station.core.desk import Desk
from station.core.events import CommandMalformed, CommandReceived, StationMode
from station.core.now import Now
from station.core.records import CommandResult, ModeChanged

REFUSALS: Mapping[str, str] = {
    "malformed": "it is no command: the text names what is wrong with it",
    "expired": "it came after its expires_at",
    "clock": "its issued_at lies more than five minutes ahead of the station's clock",
}
"""Every reason for which a command is refused; docs/mqtt.md lists them from here."""

_AHEAD = timedelta(minutes=5)
_ANSWERED = 200


class RefusedError(Exception):
    """A command is not carried out: a code of `REFUSALS`, and a sentence."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(slots=True)
class Clerk:
    """Carries out commands at the desk. The newest ids are remembered; older ones the inbox looks up in the journal."""

    desk: Desk
    _answered: deque[str] = field(default_factory=lambda: deque(maxlen=_ANSWERED))
    _rules: dict[type[Command], Callable[[Any, int | None], tuple[list[Action], str]]] = field(init=False)

    def __post_init__(self) -> None:
        self._rules = {Pause: self._pause, Resume: self._resume, DryRun: self._dry_run}

    def take(self, event: CommandReceived, count: int | None, now: Now) -> list[Action]:
        """What follows from a command, and its answer; of one that was answered before, nothing."""
        command = event.command
        if command.id in self._answered:
            return []
        self._answered.append(command.id)
        try:
            _in_time(command, now)
            done, text = self._rules[type(command)](command, count)
        except RefusedError as error:
            return [_answer(event, error.reason, str(error))]
        return [*done, _answer(event, "", text)]

    def refuse(self, event: CommandMalformed) -> list[Action]:
        """Answer what is no command; without an id each time."""
        if event.id in self._answered:
            return []
        if event.id:
            self._answered.append(event.id)
        record = CommandResult(
            command=event.id,
            command_type=event.type,
            result="refused",
            reason="malformed",
            text=event.text,
            who=event.who,
            source=event.source,
        )
        return [Keep(record)]

    def _pause(self, command: Pause, count: int | None) -> tuple[list[Action], str]:
        return self._change(replace(self.desk.mode, paused=True), command, count)

    def _resume(self, command: Resume, count: int | None) -> tuple[list[Action], str]:
        return self._change(replace(self.desk.mode, paused=False), command, count)

    def _dry_run(self, command: DryRun, count: int | None) -> tuple[list[Action], str]:
        return self._change(replace(self.desk.mode, dry_run=command.on), command, count)

    def _change(self, mode: StationMode, command: Command, count: int | None) -> tuple[list[Action], str]:
        if mode == self.desk.mode:
            return [], f"the station is {mode.word} as before"
        self.desk.mode = mode
        record = ModeChanged.model_validate(
            {
                "mode": mode.word,
                "paused": mode.paused,
                "dry_run": mode.dry_run,
                "command": command.id,
                "who": command.who,
                "count": count,
            }
        )
        return [Keep(record)], f"the station is {mode.word}"


def _in_time(command: Command, now: Now) -> None:
    if command.expires_at <= now.utc:
        raise RefusedError("expired", f"it expired at {command.expires_at}, the station's clock says {now.utc}")
    if command.issued_at > now.utc and moment(command.issued_at) - moment(now.utc) > _AHEAD:
        text = f"it was issued at {command.issued_at}, the station's clock says {now.utc}: set the clock that is wrong"
        raise RefusedError("clock", text)


def _answer(event: CommandReceived, reason: str, text: str) -> Keep:
    command = event.command
    record = CommandResult(
        command=command.id,
        command_type=command.type,
        result="refused" if reason else "accepted",
        reason=reason,
        text=text,
        who=command.who,
        source=event.source,
    )
    return Keep(record)

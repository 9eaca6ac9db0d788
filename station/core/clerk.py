"""What persons and central systems wish: checked, carried out between two events, and answered once for each id."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from station.core.actions import Action, Keep
from station.core.alarms import AlarmRefusedError, Alarms
from station.core.commands import (
    AS_BEFORE,
    AcknowledgeAlarm,
    ChangeModel,
    ChangePolicy,
    Command,
    DryRun,
    HoldList,
    Pause,
    Resolve,
    Resume,
    ShelveAlarm,
    moment,
)
from station.core.desk import Desk
from station.core.events import (
    CommandMalformed,
    CommandReceived,
    ParcelKey,
    StationMode,
)
from station.core.now import Now
from station.core.parcel import TRANSITIONS, State, Step
from station.core.policy import beyond_the_model
from station.core.records import CommandResult, ModeChanged, ModelChanged, ParcelRef, ParcelResolved, PolicyChanged
from station.core.setup import PolicySetup
from station.core.tracking import Tracker

REFUSALS: Mapping[str, str] = {
    "malformed": "it is no command: the text names what is wrong with it",
    "expired": "it came after its expires_at",
    "hold-list": "its hold list cannot be used: all of the list before stays in force",
    "policy": "it names a device or a label that there is not, or a threshold under the model's floor, or 1",
    "model": "it is not there, fails its test, has no golden picture that shows something, or does not know what the"
    " policy names: the one before stays",
    "unknown-parcel": "the journal knows no such parcel, or no longer",
    "not-now": "the parcel is still on the belt, it passed, or it is resolved already",
    "alarm": "no such alarm stands, it is acknowledged already, or it cannot be shelved",
    "overtaken": "it was issued before the one of its kind that is in force; a pause is never overtaken",
    "id-used": "another command had its id: each needs one of its own",
    "clock": "its issued_at lies more than five minutes ahead of the station's clock",
}
"""Every reason for which a command is refused; docs/mqtt.md lists them from here."""

_NOT_NOW = {State.PASSED: "only what was to be inspected is resolved", State.RESOLVED: "a resolution stands"}
_CLOCKS_DIFFER = timedelta(minutes=5)
_ANSWERED = 200


T = TypeVar("T")
Done = tuple[list[Action], str]
"""What follows from a command that is carried out, and a sentence for its answer."""
Rule = Callable[[Any, CommandReceived, int | None], Done]


class RefusedError(Exception):
    """A command is not carried out: a code of `REFUSALS`, and a sentence."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(slots=True)
class Clerk:
    """Carries out commands at the desk. The newest ids are remembered; older ones the inbox looks up in the journal.

    Attributes:
        issued: when the newest command was issued of each kind that puts something in force (`Command.settles`).
    """

    desk: Desk
    tracker: Tracker
    alarms: Alarms
    issued: dict[str, str] = field(default_factory=dict)
    _answered: deque[str] = field(default_factory=lambda: deque(maxlen=_ANSWERED))
    _rules: dict[type[Command], Rule] = field(init=False)

    def __post_init__(self) -> None:
        self._rules = {
            Pause: self._pause,
            Resume: self._resume,
            DryRun: self._dry_run,
            Resolve: self._resolve,
            HoldList: self._hold,
            ChangePolicy: self._policy,
            ChangeModel: self._model,
            AcknowledgeAlarm: self._acknowledge,
            ShelveAlarm: self._shelve,
        }

    def take(self, event: CommandReceived, count: int | None, now: Now) -> list[Action]:
        """What follows from a command, and its answer; of one that was answered before, nothing."""
        if event.own:
            event = replace(event, command=event.command.model_copy(update={"issued_at": now.utc}))
        command = event.command
        if command.id in self._answered:
            return []
        self._answered.append(command.id)
        try:
            if not event.own:
                _in_time(command, now)
            newest = self._in_order(command, now)
            self._of_now(command, now)
            done, text = self._rules[type(command)](command, event, count)
        except RefusedError as error:
            return [_answer(event, now, error.reason, str(error))]
        except AlarmRefusedError as error:
            return [_answer(event, now, "alarm", str(error))]
        if command.settles:
            self.issued[command.settles] = max(newest, _issued(command, now))
        return [*done, _answer(event, now, "", text)]

    def _in_order(self, command: Command, now: Now) -> str:
        """When the newest before it of its kind was issued. A network may keep one for hours: then it is refused.

        What was issued in times that are still to come tells only that the clock was set back since.
        """
        newest = self.issued.get(command.settles, "")
        if newest > now.utc:
            return ""
        if not command.settles or command.issued_at >= newest or _holds_back(command):
            return newest
        text = f"it was issued at {command.issued_at}, one of {newest} is in force: give it anew if it is wanted still"
        raise RefusedError("overtaken", text)

    def _of_now(self, command: Command, now: Now) -> None:
        """Refuse to acknowledge what came back since: nobody has seen that. Clocks may differ by minutes."""
        if not isinstance(command, AcknowledgeAlarm):
            return
        listed = self.alarms.listed.get((command.alarm, command.subject))
        if listed is None:
            return
        began = moment(now.utc) - timedelta(microseconds=(now.ns - listed.began_ns) // 1000)
        if moment(command.issued_at) < began - _CLOCKS_DIFFER:
            raise AlarmRefusedError(f"{about(command)} came back behind {command.issued_at}: look at it again")

    def refuse(self, event: CommandMalformed) -> list[Action]:
        """Answer what is no command; without an id of its own each time."""
        if event.id in self._answered and event.reason == "malformed":
            return []
        if event.id and event.reason == "malformed":
            self._answered.append(event.id)
        record = CommandResult(
            command=event.id,
            command_type=event.type,
            result="refused",
            reason=event.reason,
            text=event.text,
            who=event.who,
            source=event.source,
        )
        return [Keep(record)]

    def _pause(self, command: Pause, _event: CommandReceived, count: int | None) -> Done:
        return self._change(replace(self.desk.mode, paused=True), command, count)

    def _resume(self, command: Resume, _event: CommandReceived, count: int | None) -> Done:
        return self._change(replace(self.desk.mode, paused=False), command, count)

    def _dry_run(self, command: DryRun, _event: CommandReceived, count: int | None) -> Done:
        return self._change(replace(self.desk.mode, dry_run=command.on), command, count)

    def _change(self, mode: StationMode, command: Command, count: int | None) -> Done:
        if mode == self.desk.mode:
            return [], f"the station is {mode.word} {AS_BEFORE}"
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

    def _resolve(self, command: Resolve, event: CommandReceived, _count: int | None) -> Done:
        name = about(command)
        key = ParcelKey(command.parcel.epoch, command.parcel.number)
        state = self._standing(key, event)
        if state is None:
            raise RefusedError("unknown-parcel", f"the journal knows no parcel {name}")
        after = TRANSITIONS.get((state, Step.RESOLVE))
        if after is None:
            raise RefusedError("not-now", f"parcel {name} is {state.value}: {_NOT_NOW.get(state, 'it is on the belt')}")
        self.desk.end(key, after)
        record = ParcelResolved(
            parcel=ParcelRef(epoch=key.epoch, number=key.number),
            resolution=command.resolution,
            found=command.found,
            command=command.id,
            who=command.who,
        )
        return [Keep(record)], f"parcel {name} is {command.resolution}"

    def _standing(self, key: ParcelKey, event: CommandReceived) -> State | None:
        """How a parcel stands: of the newest we know it ourselves, of older ones the journal told."""
        if key in self.desk.ended:
            return self.desk.ended[key]
        parcel = self.tracker.by_key(key)
        if parcel is not None:
            return parcel.state
        return State(event.standing) if event.standing else None

    def _hold(self, command: HoldList, event: CommandReceived, count: int | None) -> Done:
        held = event.held
        if held is None or held.sha256 != command.sha256:
            raise RefusedError("hold-list", event.fault or "it is not there")
        changed = self.desk.take_held(held, self.tracker.parcels, count)
        return changed, f"the hold list of {command.codes} codes is in force"

    def _policy(self, command: ChangePolicy, _event: CommandReceived, count: int | None) -> Done:
        rules = self.desk.rules
        devices = self.desk.setup.by_name
        missing = rules.may_be_missing if command.may_be_missing is None else frozenset(command.may_be_missing)
        if unknown := sorted(device for device in missing if device not in devices):
            raise RefusedError("policy", f"there is no device {', '.join(unknown)}; there are: {', '.join(devices)}")
        if len(missing) == len(devices):
            text = "not all devices may be missing: a parcel of which nothing is known would pass"
            raise RefusedError("policy", text)
        if strange := sorted(label for label in command.thresholds if label not in rules.thresholds):
            known = ", ".join(rules.thresholds) or "none, for want of a model"
            raise RefusedError("policy", f"the model knows no {', '.join(strange)}; it knows: {known}")
        if wrong := beyond_the_model(command.thresholds, self.desk.setup.floor):
            raise RefusedError("policy", f"threshold {wrong}")
        self.desk.rules = PolicySetup(
            version=f"{rules.version.partition('+')[0]}+{command.id}",
            weight_range_g=_or(command.weight_range_g, rules.weight_range_g),
            declared_tolerance_g=_or(command.declared_tolerance_g, rules.declared_tolerance_g),
            declared_tolerance_share=_share(command.declared_tolerance_percent, rules.declared_tolerance_share),
            thresholds={**rules.thresholds, **command.thresholds},
            may_be_missing=missing,
        )
        record = PolicyChanged(policy=self.desk.rules, command=command.id, who=command.who, count=count)
        return [Keep(record)], f"policy {self.desk.rules.version} is in force"

    def _model(self, command: ChangeModel, event: CommandReceived, _count: int | None) -> Done:
        model = event.model
        if model is None or model.release != command.release:
            raise RefusedError("model", event.fault or "it is not there")
        record = ModelChanged(
            release=model.release,
            model_sha256=model.model_sha256,
            over=model.over,
            command=command.id,
            who=command.who,
        )
        return [
            Keep(record)
        ], f"model {model.model_sha256[:12]} counts from the start on that follows now, and the YAML's policy"

    def _acknowledge(self, command: AcknowledgeAlarm, _event: CommandReceived, _count: int | None) -> Done:
        done = self.alarms.acknowledge(command.alarm, command.subject, command.who)
        return [*done], f"{about(command)} is acknowledged"

    def _shelve(self, command: ShelveAlarm, _event: CommandReceived, _count: int | None) -> Done:
        done = self.alarms.shelve(command.alarm, command.subject, command.who, command.for_s)
        how = f"shelved for {command.for_s:g} s" if command.for_s else "told of again"
        return [*done], f"{about(command)} is {how}"


def _or(changed: T | None, before: T) -> T:
    return before if changed is None else changed


def _share(percent: float | None, before: float) -> float:
    return before if percent is None else percent / 100


def about(command: Command) -> str:
    """What a command is about, as its answer has it."""
    match command:
        case Resolve():
            return f"{command.parcel.epoch}/{command.parcel.number}"
        case HoldList():
            return command.sha256
        case ChangeModel():
            return command.release
        case AcknowledgeAlarm() | ShelveAlarm():
            return f"{command.alarm}/{command.subject}"
    return ""


def _in_time(command: Command, now: Now) -> None:
    if command.expires_at <= now.utc:
        raise RefusedError("expired", f"it expired at {command.expires_at}, the station's clock says {now.utc}")
    if command.issued_at > now.utc and moment(command.issued_at) - moment(now.utc) > _CLOCKS_DIFFER:
        text = f"it was issued at {command.issued_at}, the station's clock says {now.utc}: set the clock that is wrong"
        raise RefusedError("clock", text)


def _issued(command: Command, now: Now) -> str:
    """When it was issued; not later than now, however wrong its sender's clock is."""
    return min(command.issued_at, now.utc)


def _holds_back(command: Command) -> bool:
    """Whether nothing can pass for it that did not pass before."""
    return isinstance(command, Pause) or (isinstance(command, DryRun) and command.on)


def _answer(event: CommandReceived, now: Now, reason: str, text: str) -> Keep:
    command = event.command
    record = CommandResult(
        command=command.id,
        command_type=command.type,
        result="refused" if reason else "accepted",
        reason=reason,
        text=text,
        who=command.who,
        source=event.source,
        about=about(command),
        issued_at=_issued(command, now),
        digest=command.digest,
    )
    return Keep(record)

"""Alarms after ANSI/ISA-18.2-2016: delayed, one for each root cause, acknowledged, shelved for a limited time.

States are those of its figure 3: normal, unacknowledged, acknowledged, returned to normal unacknowledged, shelved,
suppressed by design. Nothing here touches a decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from station.core.actions import Keep
from station.core.alarm_kinds import kind_of
from station.core.handbook import AlarmKind, AlarmName
from station.core.network import NS_PER_S, Network
from station.core.records import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
)
from station.core.text import shown

State = Literal["normal", "unacknowledged", "acknowledged", "returned-unacknowledged", "shelved", "suppressed"]
_LOST = ("device-lost", "plc-lost")


class AlarmRefusedError(Exception):
    """What a person wishes of an alarm cannot be done now; the sentence says why."""


@dataclass(slots=True)
class Alarm:
    """One alarm that is not normal, or may not be soon.

    Attributes:
        since_ns: when the condition last began or ended.
        began_ns: from when the delay runs, after which it is raised. A condition that is back before it would have been
            cleared has not been gone, so one that comes and goes is raised in the end.
        on: the condition stands, after the delays of its kind.
        raised: the record with which it was raised, None while it is not.
        by: the alarm that it follows from, as long as that one stands.
        seen: somebody has acknowledged it, or there is nothing to acknowledge.
    """

    alarm: AlarmName
    subject: str
    kind: AlarmKind
    text: str
    since_ns: int
    condition: bool = True
    on: bool = False
    raised: AlarmRaised | None = None
    by: str = ""
    seen: bool = True
    shelved_until_ns: int | None = None
    began_ns: int = field(init=False)

    def __post_init__(self) -> None:
        self.began_ns = self.since_ns

    @property
    def name(self) -> str:
        """Alarm and subject in one, as `follows` and records name it."""
        return f"{self.alarm}/{self.subject}"

    @property
    def state(self) -> State:
        """Its state by ISA-18.2."""
        if self.shelved_until_ns is not None:
            return "shelved"
        if self.by:
            return "suppressed"
        if self.raised is not None:
            return "acknowledged" if self.seen else "unacknowledged"
        return "normal" if self.seen else "returned-unacknowledged"

    def due_ns(self) -> int | None:
        """When a delay of it is over, None if none runs."""
        if self.condition == self.on:
            return None
        return self.began_ns + int(self.kind.on_s * NS_PER_S) if self.condition else self.gone_ns()

    def gone_ns(self) -> int:
        """When the condition, if it ended, will have been gone for long enough."""
        return self.since_ns + int(self.kind.off_s * NS_PER_S)

    def turn(self, condition: bool, now_ns: int) -> None:  # noqa: FBT001
        """The condition begins or ends now."""
        if condition and now_ns >= self.gone_ns():
            self.began_ns = now_ns
        self.condition, self.since_ns = condition, now_ns


@dataclass(slots=True)
class Alarms:
    """All alarms by (alarm, subject). `now_ns` is the core's time, told with each event that it handles."""

    network: Network = field(default_factory=Network)
    now_ns: int = 0
    listed: dict[tuple[str, str], Alarm] = field(default_factory=dict)
    next_ns: int | None = None

    # --- conditions ------------------------------------------------------------------------------------------------

    def set(self, alarm: AlarmName, subject: str, text: str) -> list[Keep]:
        """The condition stands: raise the alarm once, when its delay is over."""
        return self.when(True, alarm, subject, text)  # noqa: FBT003

    def clear(self, alarm: AlarmName, subject: str) -> list[Keep]:
        """The condition is over: clear the alarm, when its delay is over."""
        return self.when(False, alarm, subject, "")  # noqa: FBT003

    def when(self, condition: bool, alarm: AlarmName, subject: str, text: str) -> list[Keep]:  # noqa: FBT001
        """Take a condition as it is now, however often it was seen before."""
        listed, text = self.listed.get((alarm, subject)), shown(text)
        if listed is None:
            if not condition:
                return []
            self.listed[alarm, subject] = Alarm(alarm, subject, kind_of(alarm, subject), text, self.now_ns)
            return self._settle()
        if condition:
            listed.text = text
        if listed.condition == condition:
            return []
        listed.turn(condition, self.now_ns)
        return self._settle()

    def pass_time(self) -> list[Keep]:
        """What delays and shelves are over by now."""
        return [] if self.next_ns is None or self.now_ns < self.next_ns else self._settle()

    @property
    def open(self) -> dict[tuple[str, str], AlarmRaised]:
        """Those raised and not cleared, as they were raised."""
        return {key: alarm.raised for key, alarm in self.listed.items() if alarm.raised is not None}

    # --- people ----------------------------------------------------------------------------------------------------

    def acknowledge(self, alarm: AlarmName, subject: str, who: str) -> list[Keep]:
        """Somebody has seen it.

        Raises:
            AlarmRefusedError: there is nothing to acknowledge.
        """
        listed = self._not_normal(alarm, subject)
        if listed.state not in {"unacknowledged", "returned-unacknowledged"}:
            raise AlarmRefusedError(f"{alarm} {subject} is {listed.state}: there is nothing to acknowledge")
        listed.seen = True
        return [Keep(AlarmAcknowledged(alarm=alarm, subject=subject, who=who)), *self._settle()]

    def shelve(self, alarm: AlarmName, subject: str, who: str, for_s: float) -> list[Keep]:
        """Somebody does not want to be told of it for so long; for 0 s: wants to again.

        Raises:
            AlarmRefusedError: there is no such alarm, it is one that must be told of, or none that was shelved.
        """
        listed = self._not_normal(alarm, subject)
        if not for_s:
            if listed.state != "shelved":
                raise AlarmRefusedError(f"{alarm} {subject} is not shelved")
            return [*_unshelve(listed, who), *self._settle()]
        if listed.kind.priority == "top":
            raise AlarmRefusedError(f"{alarm} is of priority top, and cannot be shelved")
        listed.shelved_until_ns = self.now_ns + int(for_s * NS_PER_S)
        return [Keep(AlarmShelved(alarm=alarm, subject=subject, who=who, for_s=for_s)), *self._settle()]

    def _not_normal(self, alarm: AlarmName, subject: str) -> Alarm:
        listed = self.listed.get((alarm, subject))
        if listed is None or listed.state == "normal":
            raise AlarmRefusedError(f"there is no alarm {alarm} {subject}")
        return listed

    # --- what follows from all that ----------------------------------------------------------------------------------

    def _settle(self) -> list[Keep]:
        """Bring every alarm to where conditions, delays, roots and shelves of this moment put it."""
        actions: list[Keep] = []
        self._find_groups()
        for alarm in self.listed.values():
            due = alarm.due_ns()
            if due is not None and due <= self.now_ns:
                alarm.on = alarm.condition
            if alarm.shelved_until_ns is not None and alarm.shelved_until_ns <= self.now_ns:
                actions += _unshelve(alarm, "")
        standing = {name: a.name for a in self.listed.values() if a.on for name in (a.alarm, a.name)}
        roots = [(self._root_of(alarm, standing), alarm) for alarm in self.listed.values()]
        for root, alarm in sorted(roots, key=lambda pair: bool(pair[0])):
            actions += self._tell(alarm, root)
        self._forget()
        times = [time for alarm in self.listed.values() for time in (alarm.due_ns(), alarm.shelved_until_ns)]
        self.next_ns = min((time for time in times if time is not None), default=None)
        return actions

    def _find_groups(self) -> None:
        lost = {a.subject: a.since_ns for a in self.listed.values() if a.alarm in _LOST and a.condition}
        for subject, text in self.network.look(lost):
            key = "network", subject
            alarm = self.listed.get(key)
            if alarm is None:
                kind = kind_of("network", subject)
                alarm = self.listed[key] = Alarm("network", subject, kind, "", self.now_ns)
            elif alarm.condition != bool(text):
                alarm.turn(bool(text), self.now_ns)
            alarm.text = text or alarm.text

    def _root_of(self, alarm: Alarm, standing: Mapping[str, str]) -> str:
        """The name of a standing alarm that this one follows from, "" if there is none."""
        group = self.network.group_of(alarm.subject) if alarm.alarm in _LOST else ""
        follows = (f"network/{group}", *alarm.kind.follows) if group else alarm.kind.follows
        return next((standing[name] for name in follows if name in standing), "")

    def _tell(self, alarm: Alarm, root: str) -> list[Keep]:
        names = {"alarm": alarm.alarm, "subject": alarm.subject}
        if not alarm.on:
            told = alarm.raised is not None or alarm.by
            alarm.raised, alarm.by = None, ""
            return [Keep(AlarmCleared(**names))] if told else []
        if root:
            known, alarm.by, alarm.raised, alarm.seen = alarm.by, root, None, True
            return [] if known else [Keep(AlarmSuppressed(by=root, **names))]
        if alarm.raised is not None or self._waits_for_group(alarm):
            return []
        if not alarm.condition:  # its cause is gone, and its root was until now: nobody needs to hear of it any more
            known, alarm.by, alarm.on = alarm.by, "", False
            return [Keep(AlarmCleared(**names))] if known else []
        alarm.raised = AlarmRaised(text=alarm.text, priority=alarm.kind.priority, **names)
        alarm.by, alarm.seen = "", False
        return [Keep(alarm.raised)]

    def _waits_for_group(self, alarm: Alarm) -> bool:
        """Whoever was lost with others waits for the alarm of all; but what has no delay waits for nothing."""
        group = self.network.group_of(alarm.subject) if alarm.alarm in _LOST and alarm.kind.on_s else ""
        return bool(group) and self.listed["network", group].condition

    def _forget(self) -> None:
        """What is normal is not listed; the members of a network that is there again are alone again."""
        for key, alarm in list(self.listed.items()):
            if alarm.condition or alarm.on:
                continue
            if alarm.alarm == "network":
                self.network.groups.pop(alarm.subject, None)
            if alarm.state == "normal" and alarm.gone_ns() <= self.now_ns:
                del self.listed[key]


def _unshelve(alarm: Alarm, who: str) -> list[Keep]:
    """It is told of again: what stands waits to be acknowledged anew."""
    alarm.shelved_until_ns = None
    alarm.seen = alarm.seen and alarm.raised is None
    return [Keep(AlarmUnshelved(alarm=alarm.alarm, subject=alarm.subject, who=who))]

"""Alarms: a condition is raised once and cleared once, however often it is seen meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from station.core.actions import Keep
from station.core.records import AlarmCleared, AlarmRaised

Priority = Literal["low", "medium", "high", "top"]


@dataclass(slots=True)
class Alarms:
    """The open alarms by (alarm, subject)."""

    open: dict[tuple[str, str], AlarmRaised] = field(default_factory=dict)

    def set(self, alarm: str, subject: str, text: str, priority: Priority) -> list[Keep]:
        """Raise an alarm, unless it stands already."""
        if (alarm, subject) in self.open:
            return []
        record = AlarmRaised(alarm=alarm, subject=subject, text=text, priority=priority)
        self.open[alarm, subject] = record
        return [Keep(record)]

    def clear(self, alarm: str, subject: str) -> list[Keep]:
        """Clear an alarm, if it stands."""
        if self.open.pop((alarm, subject), None) is None:
            return []
        return [Keep(AlarmCleared(alarm=alarm, subject=subject))]

    def when(self, condition: bool, alarm: str, subject: str, text: str, priority: Priority) -> list[Keep]:  # noqa: FBT001
        """Raise or clear, as the condition says."""
        return self.set(alarm, subject, text, priority) if condition else self.clear(alarm, subject)

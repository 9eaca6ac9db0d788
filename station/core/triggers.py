"""The distance between a device's own trigger numbers and the PLC's: learnt only where no picture can be a late one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from station.core.belt import Interval

TRIGGERS = 65_535
"""Trigger numbers run from 1 to this."""

AGREE = 4


@dataclass(slots=True)
class TriggerCounter:
    """The offset between the two, None while it is not known.

    Pictures that all come late by one parcel look like another offset. So one is believed only if the picture cannot
    be a late one, since no parcel ran close ahead; or if several in a row agree on it, and no lateness that they have
    in common makes them pictures of parcels ahead (which an uneven feed shows). The one that was trusted before is
    again once several in a row agree on it: late pictures would need a lost or a spare pulse for each parcel's pitch.
    """

    offset: int | None = None
    in_step: bool = False
    _proposal: int | None = None
    _agreed: int = 0
    _possible: list[Interval | None] = field(default_factory=list)

    @property
    def doubtful(self) -> bool:
        """True if a person should know that the pictures are not trusted."""
        return not self.in_step and (self.offset is not None or self._agreed >= AGREE)

    def agrees(self, own: int, plc: int, late: Sequence[Interval]) -> bool:
        """Compare a pair that time alone has matched; True if it fits the offset that is trusted.

        The very first is believed too where it cannot be a late one.

        Args:
            own: the device's number.
            plc: the PLC's number.
            late: how late the picture would be (counts) if it were of the first, the second ... parcel ahead.
        """
        offset = (own - plc) % TRIGGERS
        if self.in_step and offset == self.offset:
            return True
        self.in_step = False
        if offset == self._proposal:
            self._agreed += 1
            self._possible = [_common(*pair) for pair in zip(self._possible, late, strict=False)]
        else:
            self._proposal, self._agreed, self._possible = offset, 1, list(late)
        proven = offset == self.offset or not any(self._possible)
        first = self.offset is None and not late
        if not late or (self._agreed >= AGREE and proven):
            self.offset, self.in_step, self._proposal, self._agreed = offset, True, None, 0
        return first


def _common(one: Interval | None, other: Interval) -> Interval | None:
    if one is None or not one.meets(other):
        return None
    return Interval(max(one.low, other.low), min(one.high, other.high))

"""Who gives the station commands: a person at its PC, by its clock, whether or not the daemon runs just then."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from simulator.storm.clock import VirtualClock
from station.clock import utc_text
from station.core.commands import ChangePolicy, Command, DryRun, HoldList, Pause, Resolve, Resume
from station.holding import stage
from station.journal import Inbox, InboxError
from station.journal.inbox import MOST_WAITING

_LASTS_S = 60.0
_NEWEST = 20
"""Of so many one is given again; a day's commands would grow what a day's trial holds against the station."""


class Commander:
    """Posts commands.

    Attributes:
        posted: the id of every command, in the order of posting.
        lists: the codes of every hold list by its SHA-256.
    """

    def __init__(self, folder: Path, clock: VirtualClock, random: Random) -> None:
        self.posted: list[str] = []
        self._newest: deque[Command] = deque(maxlen=_NEWEST)
        self.lists: dict[str, frozenset[str]] = {}
        self._folder = folder
        self._clock = clock
        self._random = random

    def pause(self, *, on: bool) -> None:
        """Begin a pause, or end it."""
        self._post(Pause if on else Resume, {})

    def dry_run(self, *, on: bool) -> None:
        """Begin a dry run, or end it."""
        self._post(DryRun, {"on": on})

    def hold(self, codes: Collection[str]) -> None:
        """Replace the commanded hold list."""
        sha256, number = stage(self._folder, codes)
        self.lists[sha256] = frozenset(codes)
        self._post(HoldList, {"sha256": sha256, "codes": number})

    def weights(self, range_g: tuple[float, float]) -> None:
        """Change the policy: what a parcel may weigh."""
        self._post(ChangePolicy, {"weight_range_g": range_g})

    def resolve(self, epoch: int, number: int) -> None:
        """Tell what opening a parcel came to."""
        found = self._random.choice([(), ("knife",)])
        resolution = "confirmed" if found else "cleared"
        parcel = {"epoch": epoch, "number": number}
        self._post(Resolve, {"parcel": parcel, "resolution": resolution, "found": found})

    def expired(self) -> None:
        """A pause that came late."""
        self._post(Pause, {}, age_s=2 * _LASTS_S)

    def again(self) -> None:
        """One of the last commands once more, as a doubled message is."""
        if self._newest:
            self._put(self._random.choice(self._newest))

    def waits(self, model: type[Command]) -> bool:
        """Whether a command of that type is not carried out yet."""
        with contextlib.suppress(InboxError), contextlib.closing(Inbox(self._folder)) as inbox:
            return any(posted.type == model.type for posted in inbox.waiting(limit=MOST_WAITING))
        return False

    def _post(self, model: type[Command], fields: Mapping[str, Any], age_s: float = 0.0) -> None:
        issued = self._clock.utc() - timedelta(seconds=age_s)
        command = model.model_validate(
            {
                "id": f"c-{len(self.posted)}",
                "who": "storm",
                "issued_at": utc_text(issued),
                "expires_at": utc_text(issued + timedelta(seconds=_LASTS_S)),
                **fields,
            }
        )
        if self._put(command):
            self.posted.append(command.id)
            self._newest.append(command)

    def _put(self, command: Command) -> bool:
        with contextlib.suppress(InboxError), contextlib.closing(Inbox(self._folder)) as inbox:
            inbox.post(command.id, command.type, "station", command.model_dump_json().encode())
            return True
        return False

"""Room on the disk: how long it lasts, and which pictures are kept as it runs out. Events are kept to the last byte."""

from __future__ import annotations

import logging
import os
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from station.config import DiskConfig
from station.core.events import Condition, PictureRule

PICTURES = "pictures"
log = logging.getLogger(__name__)
GB = 1e9
NS_PER_S = 10**9
SAMPLE_NS = 60 * NS_PER_S
LEAST_NS = 600 * NS_PER_S
WINDOW = 360
FEW_FILES, NO_FILES = 20_000, 1_000
"""How many files a disk can still take: each picture is one, and its last one belongs to the journal."""
MADE = 10**9
"""So many bytes more within a minute a person made room for; what retention frees comes little by little."""
EASED = 1.1
"""A stage is left only with that much more room than it was entered with."""


@dataclass(slots=True)
class Forecast:
    """How fast room goes: free bytes once a minute, over six hours at most; nothing is said ahead of ten minutes."""

    _seen: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def take(self, now_ns: int, free: int) -> None:
        """So much is free now, by the monotonic clock."""
        if self._seen and now_ns - self._seen[-1][0] < SAMPLE_NS:
            return
        if self._seen and (made := free - self._seen[-1][1]) > MADE:  # what somebody cleared away says nothing of use
            self._seen = deque(((at_ns, before + made) for at_ns, before in self._seen), maxlen=WINDOW)
        self._seen.append((now_ns, free))

    def bytes_per_hour(self) -> float:
        """What is used up, 0 if nothing is, or if it is not known yet."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < LEAST_NS:
            return 0.0
        (first_ns, before), (last_ns, after) = self._seen[0], self._seen[-1]
        return max(0.0, (before - after) / (last_ns - first_ns) * 3600 * NS_PER_S)

    def hours(self, free: int) -> float:
        """How long so much lasts; infinity if nothing is used up."""
        rate = self.bytes_per_hour()
        return free / rate if rate else float("inf")


@dataclass(slots=True)
class Rules:
    """What is in force by free room; each stage with the hysteresis of `EASED`.

    Attributes:
        low: little is left, in hours or at all.
        every: of parcels that pass clean, every so many keeps its pictures: 1 all, 0 none.
        refuses: no picture is kept at all.
    """

    config: DiskConfig
    low: bool = False
    every: int = 1
    refuses: bool = False

    def take(self, free: int, hours: float, files: float = float("inf")) -> None:
        """So much is free, lasts so long, and takes so many files."""
        config = self.config
        ease = EASED if self.low else 1.0
        little = hours < config.alarm_hours * ease or free < config.thin_gb * GB * ease
        self.low = little or files < FEW_FILES * ease
        none = free < config.none_gb * GB * (EASED if self.every == 0 else 1.0)
        thin = free < config.thin_gb * GB * (EASED if self.every != 1 else 1.0)
        self.every = 0 if none else config.every if thin else 1
        ease = EASED if self.refuses else 1.0
        self.refuses = free < config.refuse_gb * GB * ease or files < NO_FILES * ease


class Room(NamedTuple):
    """What a disk has left: bytes, files, hours, and how much it takes an hour."""

    folder: Path
    free: int
    files: float
    hours: float
    rate: float

    def told(self, *, named: bool) -> str:
        """In words; with the folder where there are several."""
        left = f"{self.folder}: " if named else ""
        left += f"{self.free / GB:.2f} GB free"
        if self.rate:
            left += f", {self.hours:.1f} hours left at {self.rate / GB:.2f} GB an hour"
        if self.files < FEW_FILES * EASED:
            left += f", and room for {self.files:.0f} more files: of small ones there are too many"
        return left


def disks(data: Path) -> list[Path]:
    """The data folder, and that of the pictures where it is on another disk.

    Raises:
        OSError: the data folder cannot be looked at.
    """
    pictures, device = data / PICTURES, data.stat().st_dev
    try:
        return [data, pictures] if pictures.stat().st_dev != device else [data]
    except OSError:  # it comes with the first picture, or tells by itself why none can be kept
        return [data]


class DiskWatch:
    """Looks at the disk under the data, now and then; `out` is told what changes.

    Where `pictures` lies on a disk of its own, the one of the two with less room counts.

    Attributes:
        refuses: True while no picture is to be kept; read from any thread.
    """

    def __init__(self, data: Path, config: DiskConfig, out: Callable[[Condition | PictureRule], None]) -> None:
        self._data = data
        self._rules = Rules(config)
        self._forecasts: dict[Path, Forecast] = {}
        self._out = out
        self._every = 1
        self.refuses = False

    def look(self, now_ns: int) -> None:
        """Look once; takes as long as the disk does."""
        try:
            rooms = [self._room(folder, now_ns) for folder in disks(self._data)]
        except OSError as error:
            log.warning("disk: %s: %s", error.filename, error.strerror)
            return
        rules = self._rules
        rules.take(min(room.free for room in rooms), min(room.hours for room in rooms), min(r.files for r in rooms))
        self.refuses = rules.refuses
        if rules.every != self._every:
            self._every = rules.every
            self._out(PictureRule(rules.every))
        self._tell(rooms)

    def _room(self, folder: Path, now_ns: int) -> Room:
        free, files = shutil.disk_usage(folder).free, _files_left(folder)
        forecast = self._forecasts.setdefault(folder, Forecast())
        forecast.take(now_ns, free)
        return Room(folder, free, files, forecast.hours(free), forecast.bytes_per_hour())

    def _tell(self, rooms: Sequence[Room]) -> None:
        rules, left = self._rules, "; ".join(room.told(named=len(rooms) > 1) for room in rooms)
        kept = "none is" if rules.every == 0 else f"those of every {rules.every}th are"
        thinned = f"{left}; of the pictures of parcels that pass clean {kept} kept"
        refused = f"{left}; no picture is kept any more, events are"
        self._out(Condition("disk-low", "data", standing=rules.low, text=left))
        self._out(Condition("pictures", "thinned", standing=rules.every != 1, text=thinned))
        self._out(Condition("pictures", "refused", standing=rules.refuses, text=refused))


def _files_left(folder: Path) -> float:
    """How many files can still be made; infinity where the file system has no bound of its own."""
    stat = os.statvfs(folder)
    return stat.f_favail if stat.f_files else float("inf")

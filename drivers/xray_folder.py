"""An X-ray machine that writes pictures into a folder, local or on a network share: kind `xray-folder`.

Watched by polling, since a share tells nobody of what another host wrote. A picture arrived after the start of the
last look at the folder in which its name was absent, and before it had been read whole; so the interval of a writer
that fills the final name slowly spans its writing. What lies in the folder when watching begins has no such interval
and is put aside. No clock of the server is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import Field

from drivers.picture_codec import proves_itself, what_lacks
from drivers.put_away import DONE, PutAway
from drivers.shares import file_system, is_share
from drivers.wire import Wire, WireError, log
from station.core.events import Arrived
from station.core.text import shown
from station.ports import Driver, Expression, NowNs, Picture, Role, Settings

EXAMPLE = """\
kind: xray-folder
folder: /srv/xray
pattern: '.*_(?P<trigger>\\d+)\\.(png|jpg)'   # names of pictures; the group `trigger` is the trigger number
poll_ms: 20
"""
MS = 1_000_000
MANY = 1000
RECHECK_NS = 100 * MS
LARGEST_BYTES = 64 * 2**20
LONGEST_NAME = 80
AGAIN_NS = 1_000 * MS
AGAIN_AT_ONCE = 50
MOST_UNCLEARED = 500
"""With so many a look at the folder takes 2 ms longer; at 1.5 pictures a second they are 5 minutes'."""
TOLD_NS = 5_000 * MS
Identity = tuple[int, int, int]
"""Inode, size, time of change as the file system tells them; compared, never read as a time."""


class XrayFolderSettings(Settings):
    """Where pictures come, what they are called, and when one is overdue."""

    folder: Path = Field(description="where the machine puts its pictures")
    pattern: Expression = Field(
        default=r"(?i).*?(?P<trigger>\d+)\.(png|jpg|jpeg)", description="a regular expression, whole name"
    )
    poll_ms: int = Field(default=20, ge=5, le=1000, description="the folder is listed so often")
    incomplete_ms: int = Field(default=1000, ge=50, description="a file not whole by then is delivered as a fault")
    listing_delay_ms: int = Field(
        default=0, ge=0, description="how old a listing may be: on a share, its directory cache time (or mount without)"
    )
    delivered: Literal["move", "delete"] = Field(
        default="move",
        description=f"to the folder {DONE} in it, or away; over {MOST_UNCLEARED} that cannot be are a loss",
    )
    keep: int = Field(default=1000, ge=1, description=f"files kept in {DONE}; the oldest go first")

    @property
    def lies_ms(self) -> float:
        """A picture may have come right behind the last look, and a listing may not show it yet."""
        return self.poll_ms + self.listing_delay_ms

    @property
    def trigger_numbers(self) -> bool | None:
        """As `pattern` says; where a site gave none, digits at the end of a name may be anything."""
        return "trigger" in re.compile(self.pattern).groupindex if "pattern" in self.model_fields_set else None


@dataclass(slots=True)
class _Seen:
    """A name that was seen: since when, as what, whether it was dealt with, and since when it cannot be put away."""

    after_ns: int
    first_ns: int
    identity: Identity
    read_ns: int = 0
    read_as: Identity = (0, 0, 0)
    done: bool = False
    stuck_ns: int = 0


class XrayFolder(Wire):
    """Delivers `Picture`, whole or with a fault."""

    proved = "the folder can be read and cleared; that pictures come, only the first shows"

    def __init__(self, name: str, settings: XrayFolderSettings, now_ns: NowNs) -> None:
        super().__init__(name, now_ns)
        self._settings = settings
        self._folder = settings.folder
        self._pattern = re.compile(settings.pattern)
        self._seen: dict[str, _Seen] = {}
        self._others: dict[str, int] = {}
        self._away = PutAway(settings.folder, settings.keep if settings.delivered == "move" else None)
        self._looked_ns = self._cleared_ns = 0
        self._why_stuck = ""
        self._told_of_stuck = False

    def probe(self) -> str:
        """Whether the folder can be read and cleared, and its listing is as fresh as configured."""
        if not self._folder.is_dir():
            return f"folder {self._folder} does not exist; mount the share, or correct `folder`"
        if not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
            return f"folder {self._folder} cannot be read and written; give this user access (pictures are moved away)"
        kind = file_system(self._folder)
        if is_share(kind) and not self._settings.listing_delay_ms:
            return f"folder {self._folder} is on a share ({kind}): set `listing_delay_ms` to its directory cache time"
        names = [path.name for path in islice(self._folder.iterdir(), MANY) if path.is_file()]
        if names and not any(map(self._pattern.fullmatch, names)):
            return (
                f"of {len(names)} files in {self._folder} none matches `pattern`, as {_shown(min(names))}: correct it"
            )
        return ""

    def _open(self) -> None:
        """Put aside what lies there: nobody can say when it came."""
        try:
            self._away.open()
        except OSError as error:
            raise WireError(f"folder {self._folder / DONE}: {error.strerror}; {self.probe()}") from error
        self._seen.clear()
        self._look()
        stuck = 0
        for name, seen in self._seen.items():
            self._dispose(name, seen)
            self._counters["old"] += not seen.stuck_ns
            stuck += seen.stuck_ns > 0
            if stuck > MOST_UNCLEARED:
                break
        self._stuck()

    def _turn(self) -> None:
        begun_ns = self._now_ns()
        self._look()
        if self._looked_ns - self._cleared_ns > AGAIN_NS:
            self._clear_again()
        new = [name for name, seen in self._seen.items() if not seen.done]
        for name in sorted(new, key=lambda name: (self._seen[name].after_ns, self._seen[name].identity[2])):
            if found := self._pattern.fullmatch(name):
                self._consider(name, self._seen[name], found)
        told = self._stuck() or self._others_lying()
        if self._connected:
            self._state(connected=True, detail=told)
        waiting = [seen.after_ns for seen in self._seen.values() if not seen.done]
        self._seen_empty_ns = min([self._looked_ns - self._settings.listing_delay_ms * MS, *waiting])
        self._wait(max(0, self._settings.poll_ms * MS - (self._now_ns() - begun_ns)) / 1e9)

    def _close(self) -> None:
        """Nothing is held open."""

    def _look(self) -> None:
        """List the folder: new names are seen from the start of the look before, names that went are forgotten."""
        now_ns = self._now_ns()
        after_ns = self._looked_ns - self._settings.listing_delay_ms * MS
        present: dict[str, Identity] = {}
        others: dict[str, int] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    first_ns = self._others.get(entry.name)
                    if first_ns is not None:
                        others[entry.name] = first_ns
                        continue
                    with suppress(FileNotFoundError):
                        if not entry.is_file():
                            continue
                        if self._pattern.fullmatch(entry.name):
                            present[entry.name] = _identity(entry.stat())
                        else:
                            others[entry.name] = now_ns
        except OSError as error:
            raise WireError(f"folder {self._folder}: {error.strerror}; is the share mounted?") from error
        self._others = others
        for name in self._seen.keys() - present.keys():
            del self._seen[name]
        for name, identity in present.items():
            seen = self._seen.get(name)
            if seen is None or (seen.done and identity != seen.identity):
                self._seen[name] = _Seen(after_ns, now_ns, identity)
            else:
                seen.identity = identity
        self._looked_ns = now_ns

    def _others_lying(self) -> str:
        """Files of other names, once they have lain there for a while: a machine may rename its pictures into place."""
        now_ns, late_ns = self._looked_ns, self._settings.incomplete_ms * MS
        lying = [name for name, first_ns in self._others.items() if now_ns - first_ns > late_ns]
        self._counters["wrong names"] = len(lying)
        many = ": so many slow it down, remove them" if len(lying) > MANY else ""
        return f"{_some(lying)} in {self._folder} do not match `pattern`{many}" if lying else ""

    def _stuck(self) -> str:
        """Files that cannot be cleared away; WireError if they are too many, for each look takes longer by them."""
        stuck = {name: seen.stuck_ns for name, seen in self._seen.items() if seen.stuck_ns}
        self._counters["not cleared"] = len(stuck)
        if not stuck:
            if self._told_of_stuck:
                log.info("%s: all files in %s are cleared away again", self.name, self._folder)
            self._told_of_stuck = False
            return ""
        text = (
            f"{_some(stuck)} in {self._folder} cannot be cleared away: {self._why_stuck}; give this user write access"
        )
        if len(stuck) > MOST_UNCLEARED:
            raise WireError(text)
        if not self._told_of_stuck and self._looked_ns - min(stuck.values()) > TOLD_NS:
            self._told_of_stuck = True
            log.warning("%s: %s", self.name, text)
        return text

    def _clear_again(self) -> None:
        """Try some of those that could not be cleared away; the next time others, if there are more."""
        self._cleared_ns = self._looked_ns
        for name in [name for name, seen in self._seen.items() if seen.stuck_ns][:AGAIN_AT_ONCE]:
            self._seen[name] = self._seen.pop(name)
            self._dispose(name, self._seen[name])

    def _consider(self, name: str, seen: _Seen, found: re.Match[str]) -> None:
        """Read a file that changed or was not read for a while; deliver it when whole, or when overdue."""
        unchanged, late = seen.identity == seen.read_as, self._overdue(seen)
        if unchanged and not late and self._now_ns() - seen.read_ns < RECHECK_NS:
            return
        data, lacks = self._read(name, seen)
        unchanged = seen.identity == seen.read_as
        seen.read_ns, seen.read_as = self._now_ns(), seen.identity
        if lacks and not late:
            return
        if not lacks and not late and not unchanged and not proves_itself(data):
            seen.read_ns -= RECHECK_NS
            return
        self._counters["faults"] += lacks != ""
        digits = found.groupdict().get("trigger") or ""
        trigger = int(digits) if digits.isascii() and digits.isdigit() else None
        arrived = Arrived(seen.after_ns, self._now_ns())
        self._deliver(Picture(self.name, data, arrived, trigger, f"{_shown(name)} lacks {lacks}" if lacks else ""))
        self._dispose(name, seen)

    def _read(self, name: str, seen: _Seen) -> tuple[bytes, str]:
        """Content and what it lacks; `seen` becomes what was read, which may be newer than the listing."""
        try:
            with (self._folder / name).open("rb") as file:
                data = file.read(min(os.fstat(file.fileno()).st_size, LARGEST_BYTES) + 1)
                seen.identity = _identity(os.fstat(file.fileno()))
        except OSError as error:
            return b"", f"readable content ({error.strerror})"
        return (b"", f"a size up to {LARGEST_BYTES} bytes") if len(data) > LARGEST_BYTES else (data, what_lacks(data))

    def _overdue(self, seen: _Seen) -> bool:
        return self._now_ns() - seen.first_ns > self._settings.incomplete_ms * MS

    def _dispose(self, name: str, seen: _Seen) -> None:
        """Put a file away that was dealt with; one that cannot be is remembered."""
        seen.done = True
        why = self._away.take(name, self._now_ns())
        seen.stuck_ns = (seen.stuck_ns or self._now_ns()) if why else 0
        self._why_stuck = why or self._why_stuck
        self._counters["moved"] += not why and self._settings.delivered == "move"


def _identity(status: os.stat_result) -> Identity:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _some(names: Collection[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{_shown(min(names))}{more}"


def _shown(name: str) -> str:
    return shown(name, LONGEST_NAME)


DRIVER = Driver(Role.FRAMES, XrayFolderSettings, XrayFolder, EXAMPLE)

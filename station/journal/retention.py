"""What may go and what stays: the site's rules, the classes of events, and a clock that must prove itself. Pure.

A find is kept longer: all events of a parcel in which the detector found something, or that an inspector confirmed.
So are the events by which the rest is understood: starts of the station and of the journal, and what was pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json

from station.core.records import (
    FrameInspected,
    JournalOpened,
    JournalPruned,
    ParcelCompleted,
    ParcelResolved,
    ReadingMatched,
    StationStarted,
)
from station.journal.stored import Gap

FRAME_TYPES = frozenset({FrameInspected.type, ReadingMatched.type, ParcelCompleted.type})
LANDMARKS = frozenset({JournalOpened.type, JournalPruned.type, StationStarted.type})
RESOLVED = ParcelResolved.type
TRUST_NS = 3600 * 10**9
STEP = timedelta(seconds=60)
AWAY = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Rules:
    """Days after which events may go, of finds apart; None: never. And what all may take on disk, in bytes."""

    days: float | None = None
    finds_days: float | None = None
    max_bytes: int | None = None


class TrustedClock:
    """The wall clock, once it has gone an hour without a step: a PC that boots into another year prunes nothing.

    Args:
        before: the time of the newest event of an earlier run. A clock that lies days ahead of it may be a wrong
            one, or the PC was off: it is believed once it is known to be synchronised.
        unsynchronised: asked only then.
    """

    def __init__(self, before: datetime | None = None, unsynchronised: Callable[[], bool] = lambda: False) -> None:
        self._before = before
        self._unsynchronised = unsynchronised
        self._offset: timedelta | None = None
        self._since_ns = 0
        self._first_ns: int | None = None

    def trusted(self, mono_ns: int, utc: datetime) -> bool:
        """Asked now and then; whether ages may be reckoned from `utc`."""
        offset = (utc - datetime.min.replace(tzinfo=utc.tzinfo)) - timedelta(microseconds=mono_ns // 1000)
        if self._offset is None or abs(offset - self._offset) > STEP:
            self._offset, self._since_ns = offset, mono_ns
        if self._first_ns is None:
            self._first_ns = mono_ns
        if mono_ns - self._since_ns < TRUST_NS:
            return False
        ran = timedelta(microseconds=(mono_ns - self._first_ns) // 1000)
        ahead = self._before is not None and utc - ran > self._before + AWAY
        return not (ahead and self._unsynchronised())


@dataclass(frozen=True, slots=True)
class Named:
    """What an event names: parcels as (number, epoch), pictures by their hash; `find` if it tells of one by itself."""

    parcels: tuple[tuple[int, int], ...] = ()
    frames: tuple[str, ...] = ()
    find: bool = False


def named_in(kind: str, payload: bytes) -> Named:
    """What is named in an event's payload; nothing in a damaged one."""
    try:
        told = from_json(payload)
        refs = [told["parcel"]] if told.get("parcel") else told.get("candidates") or []
        parcels = tuple((int(ref["number"]), int(ref["epoch"])) for ref in refs)
        confirmed = kind == RESOLVED and told.get("resolution") == "confirmed"
        return Named(parcels, tuple(_frames(kind, told)), confirmed or bool(told.get("findings")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Named()


def _frames(kind: str, told: dict[str, Any]) -> Iterator[str]:
    if kind == FrameInspected.type:
        yield str(told["frame_id"])
    elif kind == ParcelCompleted.type:
        yield from map(str, told["frames"])
    elif kind == ReadingMatched.type and told["kind"] == "frame" and told["value"]:
        yield str(told["value"])


def runs_of(links: Sequence[tuple[int, bytes, bool]], before: bytes, told: int) -> list[Gap]:
    """The gaps that are left when events go; of each: number, link, and whether it goes.

    Args:
        links: events without a number missing between them.
        before: the link ahead of the first.
        told: the number of the `journal-pruned` that tells it.
    """
    gaps: list[Gap] = []
    for seq, chain, goes in links:
        if goes and gaps and gaps[-1].last_seq == seq - 1:
            gaps[-1] = Gap(gaps[-1].first_seq, seq, gaps[-1].before, chain, told)
        elif goes:
            gaps.append(Gap(seq, seq, before, chain, told))
        before = chain
    return gaps

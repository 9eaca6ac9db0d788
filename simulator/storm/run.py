"""Storms by the hour: each hour of line time is one seed, so that each can be repeated alone, and on every core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.storm.storm import Result, Storm
from simulator.storm.violation import Violation
from simulator.storm.weather import detectable, forecast
from simulator.workers import workers

HOUR_S = 3600.0
_BEFORE_MS = 15_000.0
_TOLD = {
    "fed", "infeed", "left", "removed", "added", "fault",
    "journal-aside", "station-dead", "station-started", "station-refused",
}  # fmt: skip
_RECORDS = {"parcel-entered", "reading-matched", "decided", "acknowledged", "parcel-completed", "session-opened"}


@dataclass(slots=True)
class Story:
    """What happened in the line, as lines of text with their time."""

    lines: list[tuple[float, str]] = field(default_factory=list)

    def __call__(self, ms: float, kind: str, fields: dict[str, Any]) -> None:
        """Take one thing that happened."""
        if kind in _TOLD:
            said = ", ".join(f"{name} {value}" for name, value in fields.items() if name not in {"declared_g", "clean"})
            self.lines.append((ms, f"{kind}: {said}" if said else kind))
        elif kind == "record" and fields["record"].type in _RECORDS:
            self.lines.append(
                (ms, f"journal: {fields['record'].type} {fields['record'].model_dump(exclude_none=True)}")
            )

    def of(self, violation: Violation) -> Iterator[str]:
        """The stretch ahead of a broken promise: faults, and what concerns its parcel."""
        number = f"'number': {violation.key[1]}" if violation.key else ""
        for ms, text in self.lines:
            near = violation.ms - _BEFORE_MS <= ms <= violation.ms
            if near and (not text.startswith("journal") or not number or number in text):
                yield f"{ms / 1000:9.3f} s  {text}"
        yield f"{violation.ms / 1000:9.3f} s  BROKEN: {violation.promise.value}: {violation.text}"


def one(seed: int, seconds: float) -> Result:
    """Run one storm with all faults that the station must survive."""
    return Storm(seed, seconds, forecast(seed, seconds, detectable())).run()


def told(seed: int, seconds: float) -> tuple[Result, Story]:
    """The same, and its story."""
    story = Story()
    return Storm(seed, seconds, forecast(seed, seconds, detectable()), story).run(), story


def plan(seed: int, hours: float) -> list[tuple[int, float]]:
    """Seeds and seconds: an hour each from `seed` on, the last one shorter."""
    left = hours * HOUR_S
    planned: list[tuple[int, float]] = []
    while left > 0:
        planned.append((seed + len(planned), min(left, HOUR_S)))
        left -= HOUR_S
    return planned


def many(seed: int, hours: float, jobs: int, prepare: Callable[[], None]) -> Iterator[Result]:
    """Run all of a plan, each result in the order of the seeds; `prepare` is called first in each process that runs.

    Whoever breaks off, by Ctrl-C or otherwise, does not wait for the storms that run. Several run in processes of their
    own, a single job's too: machine code that is interrupted ends its process, and what was done could not be told.
    """
    planned = plan(seed, hours)
    if len(planned) == 1:
        prepare()
        yield from (one(*part) for part in planned)
        return
    with workers(jobs, prepare) as pool:
        yield from pool.map(one, *zip(*planned, strict=True))


def summary(total: Result) -> str:
    """What came of all of them, in a few lines."""
    faults = f"{sum(total.struck.values())} faults of {len(total.struck)} kinds"
    passed = f"{total.calm_passed} of {total.calm_clean} clean parcels passed in calm stretches"
    return "\n".join(
        [
            f"{total.hours:g} line hours, {total.parcels} parcels, {total.released} released",
            f"{total.events} events, sha256 {total.digest[:16]}",
            faults,
            f"{passed}; {len(total.causeless)} inspections without a cause",
            f"{total.strays} passed wrongly under a fault that is detected too late",
            f"broken promises: {len(total.violations)}",
            *(f"  {v.promise.value}: {v.text}" for v in total.useful()),
        ]
    )

"""A day of storm under tracemalloc: `python -m simulator.trials.day [--hours 24] [--seed 1]`.

What was allocated by the station's own code and is held is told at each hour, and at the end the lines that hold most
more than at the end of the second hour. Exit code 1 if it grew: the last quarter's least lies above the first quarter's
greatest (the first hour left out) by more than a tenth; or if a promise was broken.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

import station
from simulator.storm.storm import Storm
from simulator.storm.weather import detectable, forecast

_HOUR_MS = 3_600_000.0
_GROWS = 1.1
_SETTLED_H = 2
_KIB = 1024
_SHOWN = 5
_HERE = str(Path(station.__file__).parent / "*")


@dataclass(slots=True)
class Watch:
    """Takes a snapshot each hour of line time: what is held that was allocated by a line of the station's."""

    storm: Storm
    hours: int
    kib: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    _before: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """From the end of the first hour on."""
        for hour in range(1, self.hours + 1):
            self.storm.world.after(hour * _HOUR_MS - 1, self._look)

    def _look(self) -> None:
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, _HERE)])  # noqa: FBT003
        held = snapshot.statistics("lineno")
        self.kib.append(sum(line.size for line in held) / _KIB)
        now = {str(line.traceback): line.size for line in held}
        if len(self.kib) <= _SETTLED_H:
            self._before = now
        more = sorted(((size - self._before.get(place, 0), place) for place, size in now.items()), reverse=True)
        self.lines = [f"{size / _KIB:+8.1f} KiB  {place}" for size, place in more[:8]]

    def grew(self) -> bool:
        """True if the last hours hold more than the first ones did."""
        part = max(1, (len(self.kib) - 1) // 4)
        return min(self.kib[-part:]) > _GROWS * max(self.kib[1 : 1 + part])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, and tell what was held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24, help="of line time, at least 3")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    seconds = options.hours * 3600.0
    tracemalloc.start()
    storm = Storm(options.seed, seconds, forecast(options.seed, seconds, detectable()))
    watch = Watch(storm, options.hours)
    watch.begin()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("line hours", total=options.hours)
        for hour in range(1, options.hours + 1):
            storm.world.after(hour * _HOUR_MS, lambda: progress.advance(task))
        result = storm.run()
    for hour, kib in enumerate(watch.kib, 1):
        print(f"hour {hour:3}: {kib:8.1f} KiB held by the station")  # noqa: T201
    print("\n".join(watch.lines))  # noqa: T201
    for broken in result.violations[:_SHOWN]:
        print(broken)  # noqa: T201
    print(f"{result.parcels} parcels, {result.events} events, {len(result.violations)} broken promises")  # noqa: T201
    return 1 if watch.grew() or result.violations else 0


if __name__ == "__main__":
    sys.exit(main())

"""Hours of wall time on real processes: `python -m simulator.trials.endurance [--hours 4] [--parcels-per-hour 9000]`.

The demo runs with the real daemon, and once a minute it is looked at what the daemon and the processes that it started
hold: resident memory, descriptors, threads. The samples go to a file as they come. Exit code 1 if a promise was broken
or one of them grew: after the first ten minutes, the last quarter's least lies above the first quarter's greatest by
more than a tenth.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import Progress

from simulator.demo.run import DemoOptions, demo

_EACH_S = 60.0
_WARM_MINUTES = 10.0
_GROWS = 1.1
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon and the processes that it started hold, after so many minutes."""

    minutes: float
    processes: int
    rss_mb: float
    descriptors: int
    threads: int


TOLD = (
    "parcels",
    "passed",
    "orders_late_or_never_sent",
    "passed_without_own_clean_evidence",
    "inspections_without_a_cause",
    "clean_share_passed",
    "events_journaled",
    "events_received",
    "order_latency_ms",
    "inference_ms",
    "simulator_late_ms",
)
HELD = ("processes", "rss_mb", "descriptors", "threads")


def look(pid: int, minutes: float) -> Sample:
    """Sum up a process and its descendants; one that ends meanwhile counts as far as it was seen."""
    processes = rss = descriptors = threads = 0
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.Error), process.oneshot():
            rss += process.memory_info().rss
            descriptors += process.num_fds()
            threads += process.num_threads()
            processes += 1
    return Sample(round(minutes, 2), processes, round(rss / _MB, 1), descriptors, threads)


def grown(samples: Sequence[Sample]) -> list[str]:
    """Name what the station holds more of than at the start, once it is warm."""
    warm = [sample for sample in samples if sample.minutes >= _WARM_MINUTES] or list(samples)
    part = max(1, len(warm) // 4)
    told = []
    for name in HELD:
        values = [float(getattr(sample, name)) for sample in warm]
        first, last = max(values[:part]), min(values[-part:])
        if last > _GROWS * first:
            told.append(f"{name} grew from {first:g} to {last:g}")
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, and tell what was held at the start and at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=4.0, help="of wall time")
    parser.add_argument("--parcels-per-hour", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, default=Path("endurance.csv"), help="where the samples go")
    parser.add_argument("--report", type=Path, help="write the comparison with the truth as JSON")
    parser.add_argument("--keep", type=Path, help="run in this folder, and leave journal and truth there")
    options = parser.parse_args(arguments)
    chosen = DemoOptions(options.hours * 3600, options.parcels_per_hour, options.seed, keep=options.keep)
    with demo(chosen) as running:
        samples = list(_watched(running.watch(), running.station.pid, options.hours, options.samples))
        report = running.finish()
    if options.report:
        options.report.write_text(json.dumps(report, indent=2), encoding="utf-8")
    if not samples:
        print(f"the run ended before the first sample: {report['broken']}")  # noqa: T201
        return 1
    for sample in (samples[0], samples[len(samples) // 2], samples[-1]):
        held = ", ".join(f"{getattr(sample, name):g} {name}" for name in HELD)
        print(f"after {sample.minutes:6.1f} minutes: {held}")  # noqa: T201
    wrong = grown(samples) + list(report["broken"])
    for name in TOLD:
        print(f"{name}: {report[name]}")  # noqa: T201
    print("\n".join(wrong) or "nothing grew, nothing was broken")  # noqa: T201
    return 1 if wrong else 0


def _watched(turns: Iterator[None], pid: int, hours: float, path: Path) -> Iterator[Sample]:
    begun, due = time.monotonic(), _EACH_S
    console = Console(stderr=True)
    with path.open("w", newline="", encoding="utf-8") as file, Progress(console=console, transient=True) as progress:
        task = progress.add_task("minutes", total=hours * 60)
        table = csv.writer(file)
        table.writerow(field.name for field in fields(Sample))
        for _ in turns:
            passed = time.monotonic() - begun
            if passed < due:
                continue
            due += _EACH_S
            with suppress(psutil.Error):
                sample = look(pid, passed / 60)
                table.writerow(astuple(sample))
                file.flush()
                yield sample
            progress.update(task, completed=passed / 60)


if __name__ == "__main__":
    sys.exit(main())

"""Matching alone, against the truth: `python -m simulator.trials.matching --parcels 10000 [--latch-ms 1|--scan-ms 20]`.

The station's own clock match, belt history, tracker and matcher, with a scanner and a camera whose readings come 260 to
300 ms late and out of order. Exit code 1 if one reading was given to a parcel of which it was not taken.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from simulator.trials.traffic import (
    GAP_MM,
    LONGEST_MM,
    SHORTEST_MM,
    Latching,
    Poll,
    Traffic,
    TrueEdge,
    TrueReading,
    by_interrupt,
    by_scan,
    pc_ns,
)
from station.core.belt import BeltHistory, ClockMatch
from station.core.events import Arrived, BarcodeReading, Frame
from station.core.matching import Match, Matcher, Reading
from station.core.setup import DeviceSetup, Geometry, LineSetup, PolicySetup
from station.core.tracking import Seen, Tracker

EPOCH = 1
PORT_MS = 2.0
LATENCY_MS = (260.0, 300.0)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of all readings; shares are of readings.

    Attributes:
        right, wrong: given to the one parcel, and it was taken of that one or of another.
        ambiguous: could belong to several objects.
        unmatched: fits none.
        unexplained: edges that no parcel explained.
        doubted: parcels whose track cannot be trusted.
    """

    latching: str
    parcels: int
    readings: int
    right: int
    wrong: int
    ambiguous: int
    unmatched: int
    unexplained: int
    doubted: int

    @property
    def ambiguous_share(self) -> float:
        """Share of readings that could belong to several objects."""
        return self.ambiguous / self.readings

    def text(self) -> str:
        """The table."""
        shares = {"right": self.right, "wrong": self.wrong, "ambiguous": self.ambiguous, "unmatched": self.unmatched}
        head = f"{self.latching}: {self.parcels} parcels, {self.readings} readings\n"
        rows = [f"  {name:<12}{n:>8}  {n / self.readings:8.3%}\n" for name, n in shares.items()]
        return head + "".join(rows) + f"  edges unexplained {self.unexplained}, parcels doubted {self.doubted}\n"


def line_setup(latch_ms: float) -> LineSetup:
    """Zones of 100 mm, each within a metre of the eyes before and behind it."""
    geometry = Geometry(
        mm_per_count=1.0,
        speed_mm_s=2500.0,
        slip=0.02,
        latch_ms=latch_ms,
        eyes_mm=(0.0, 1000.0, 2000.0),
        diverter_mm=3400.0,
        exit_mm=4000.0,
        switch_mm=325.0,
        longest_mm=LONGEST_MM,
        shortest_mm=SHORTEST_MM,
        gap_mm=GAP_MM,
        tolerance_mm=5.0,
    )
    devices = (
        DeviceSetup("scanner", "barcode", (450.0, 550.0), LATENCY_MS),
        DeviceSetup("camera", "frame", (1450.0, 1550.0), LATENCY_MS),
    )
    return LineSetup(geometry, devices, PolicySetup("trial", (0, 1), 0, 0, {}))


class StationSide:
    """What the station makes of edges, samples and readings, in the order in which its core does."""

    def __init__(self, setup: LineSetup) -> None:
        self.clock = ClockMatch(setup.geometry.drift_ppm)
        self.belt = BeltHistory(setup.geometry.counts_per_ms)
        self.tracker = Tracker(setup.geometry)
        self.matcher = Matcher(setup)
        self.matches: list[Match] = []
        self.doubted: set[int] = set()
        self.unexplained = 0

    def edge(self, edge: TrueEdge) -> None:
        """An edge was read."""
        seen = Seen(edge.eye, edge.direction, edge.count, edge.number)
        new = self.tracker.see(seen, EPOCH, inspect_only=False)
        if new is not None and new.key is None:
            self.unexplained += 1
            self.matcher.question(new)

    def reading(self, reading: Reading) -> None:
        """A reading was read."""
        self.matcher.wait(reading)

    def sample(self, poll: Poll) -> None:
        """The PLC was polled."""
        in_step = self.clock.add(poll.after_ns, poll.before_ns, poll.plc_ms)
        if not (self.belt.add(poll.plc_ms, poll.count) and in_step):
            raise AssertionError(f"clock or belt contradict themselves at {poll.plc_ms} ms")
        count = poll.count
        self.tracker.pass_by(count)
        self.matches += self.matcher.settle(self.clock, self.belt, self.tracker.parcels)
        self.doubted.update(p.key.number for p in self.tracker.parcels if p.doubts and p.key)
        if self.tracker.retire(count):
            self.matcher.forget(count, self.tracker.parcels)


def try_matching(parcels: int, latching: Latching, seed: int, *, stated: LineSetup | None = None) -> Result:
    """Send so many parcels past the devices, and compare what the station matched with the truth.

    `stated` is what the station is told of the line, where that is not the truth.
    """
    random = Random(seed)
    setup = line_setup(latching.error_ms)
    side = StationSide(stated or setup)
    truth: dict[int, int] = {}
    for poll in Traffic(setup, latching, random).polls(parcels):
        for edge in poll.edges:
            side.edge(edge)
        for true in poll.readings:
            reading = _arrived(true, random)
            truth[id(reading)] = true.number
            side.reading(reading)
        side.sample(poll)
    said = Counter(_verdict(match, truth[id(match.reading)]) for match in side.matches)
    said["unmatched"] += len(side.matcher.waiting)
    how = f"edges latched by a scan of {latching.scan_ms:g} ms" if latching.by_scan else ""
    return Result(
        latching=how or f"edges latched within {latching.error_ms:g} ms",
        parcels=parcels,
        readings=len(truth),
        right=said["right"],
        wrong=said["wrong"],
        ambiguous=said["ambiguous"],
        unmatched=said["unmatched"],
        unexplained=side.unexplained,
        doubted=len(side.doubted),
    )


def _verdict(match: Match, number: int) -> str:
    if match.owner is not None and match.owner.key is not None:
        return "right" if match.owner.key.number == number else "wrong"
    return "ambiguous" if match.candidates else "unmatched"


def _arrived(true: TrueReading, random: Random) -> Reading:
    """A reading as its driver hands it over: the port was seen empty a while before."""
    after_ms, before_ms = true.arrives_ms - random.uniform(0, PORT_MS), true.arrives_ms + random.uniform(0, PORT_MS)
    arrived = Arrived(pc_ns(after_ms), pc_ns(before_ms))
    if true.device == "scanner":
        return BarcodeReading("scanner", f"{true.number:08}" if true.read else None, arrived)
    return Frame(true.device, f"{true.number:064x}", arrived)


def main(argv: Sequence[str]) -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="simulator.trials.matching", description=__doc__.splitlines()[0])
    parser.add_argument("--parcels", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the result here as JSON")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--latch-ms", type=float, default=1.0, help="edges are latched within that, either way")
    how.add_argument("--scan-ms", type=float, help="edges are seen by a scan of that period")
    args = parser.parse_args(argv)
    latching = by_scan(args.scan_ms) if args.scan_ms else by_interrupt(args.latch_ms)
    result = try_matching(args.parcels, latching, args.seed)
    sys.stdout.write(result.text())
    if args.report:
        report = {**asdict(result), "ambiguous_share": result.ambiguous_share, "seed": args.seed}
        args.report.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

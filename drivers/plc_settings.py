"""The block `settings` of the PLC: what its program says of the line, and what has changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from station.core.events import Constants


def changes(before: Constants, after: Constants) -> str:
    """Each setting that is another now, with both values."""
    now = asdict(after)
    return ", ".join(f"{name} was {was}, is {now[name]}" for name, was in asdict(before).items() if now[name] != was)


def constants_of(settings: Mapping[str, Any]) -> Constants:
    """The settings as the core takes them."""
    return Constants(
        mm_per_count=settings["um_per_count"] / 1000,
        latch_ms=settings["latch_us"] / 1000,
        slip=settings["slip_ppm"] / 1e6,
        tolerance_mm=float(settings["tolerance_mm"]),
        length_tolerance_mm=float(settings["length_tolerance_mm"]),
        switch_mm=float(settings["switch_mm"]),
        eyes_mm=tuple(float(mm) for mm in settings["eye_mm"][: settings["eyes"]]),
        decision_eye=settings["decision_eye"],
        diverter_mm=float(settings["diverter_mm"]),
        longest_mm=float(settings["longest_mm"]),
        stale_ms=settings["stale_ms"],
    )

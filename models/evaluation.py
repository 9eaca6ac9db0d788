"""How well a model folder does on simulated parcels, through `station.vision`, from the file's bytes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.dataset import parcel
from simulator.xray import png_bytes
from station.vision.seen import see

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from station.vision import Detector
    from station.vision.seen import Seen


def see_parcels(
    detector: Detector, role: str, seed: int, count: int, tell: Callable[[int], None] = lambda _: None
) -> list[Seen]:
    """See simulated parcels of a held-out set; `tell` is called with 1 after each."""
    seen = []
    for number in range(count):
        picture = parcel(role, seed, number)
        truth = ((label.label, label.box) for label in picture.labels)
        seen.append(see(detector, png_bytes(picture), truth))
        tell(1)
    return seen


def parcel_rates(seen: Sequence[Seen], thresholds: Mapping[str, float]) -> dict[str, float]:
    """What share of parcels was flagged.

    A parcel counts as flagged by what the detector found; one that the gate refused goes to inspection too, but is
    counted apart.
    """
    threats = [item for item in seen if item.truth]
    clean = [item for item in seen if not item.truth]
    rates = {
        "parcels": float(len(seen)),
        "threats_flagged": _share(bool(item.flagged(thresholds)) for item in threats),
        "clean_flagged": _share(bool(item.flagged(thresholds)) for item in clean),
        "gate_refused": _share(bool(item.fault) for item in seen),
        "inference_ms_median": round(float(np.median([item.inference_ms for item in seen])), 2),
    }
    for label in thresholds:
        having = [item for item in threats if any(word == label for word, _ in item.truth)]
        rates[f"{label}_flagged_as_such"] = _share(label in item.flagged(thresholds) for item in having)
        rates[f"clean_flagged_as_{label}"] = _share(label in item.flagged(thresholds) for item in clean)
    return rates


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0

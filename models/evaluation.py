"""How well a model does on held-out parcels, as the numbers that a card shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.calibration import expected_error, judged, reliability
from models.held_out import of_tier
from simulator.xray import TIERS
from station.vision.measure import Precision, average_precision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.held_out import Tried
    from station.vision.seen import Seen


def parcel_rates(seen: Sequence[Seen], thresholds: Mapping[str, float]) -> dict[str, float]:
    """What share of parcels was flagged.

    A parcel counts as flagged by what the detector found; one that the gate refused goes to inspection too, but is
    counted apart.
    """
    threats = [item for item in seen if item.truth]
    clean = [item for item in seen if not item.truth]
    return {
        "threats_flagged": _share(bool(item.flagged(thresholds)) for item in threats),
        "clean_flagged": _share(bool(item.flagged(thresholds)) for item in clean),
        "gate_refused": _share(bool(item.fault) for item in seen),
    }


def class_rates(seen: Sequence[Seen], thresholds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """By class: which share of those that have it is flagged, flagged as it, and which share of the clean is."""
    clean = [item for item in seen if not item.truth]
    rates = {}
    for label in thresholds:
        having = [item for item in seen if any(word == label for word, _ in item.truth)]
        rates[label] = {
            "flagged": _share(bool(item.flagged(thresholds)) for item in having),
            "flagged_as_such": _share(label in item.flagged(thresholds) for item in having),
            "clean_flagged": _share(label in item.flagged(thresholds) for item in clean),
        }
    return rates


def metrics(tried: Sequence[Tried], unseen: Sequence[Tried], thresholds: Mapping[str, float]) -> dict[str, float]:
    """All figures of a model in one table.

    Args:
        tried: held-out parcels on the machines of the training.
        unseen: such on the machine that is kept for testing.
        thresholds: by class.
    """
    seen = [one.seen for one in tried]
    labels = list(thresholds)
    found = {"parcels": float(len(seen)), **parcel_rates(seen, thresholds)}
    found |= _means(average_precision(seen, labels), "")
    for tier in TIERS:
        chosen = of_tier(tried, tier)
        found[f"{tier}_threats_flagged"] = parcel_rates(chosen, thresholds)["threats_flagged"]
        found |= _means(average_precision(chosen, labels), f"{tier}_")
    other = [one.seen for one in unseen]
    found |= {f"unseen_machine_{name}": value for name, value in parcel_rates(other, thresholds).items()}
    found |= _means(average_precision(other, labels), "unseen_machine_")
    found["calibration_error"] = round(expected_error(reliability(*judged(seen))), 4)
    found["inference_ms_median"] = round(float(np.median([item.inference_ms for item in seen])), 2)
    return found


def _means(rows: list[Precision] | None, prefix: str) -> dict[str, float]:
    if not rows:
        return {}
    return {
        f"{prefix}{name}": round(float(np.mean([getattr(row, name) for row in rows])), 4) for name in ("ap", "ap50")
    }


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0

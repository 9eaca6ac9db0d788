"""The plots and the table beside a model's card, made by `python -m models evaluate MODEL --figures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from models.calibration import expected_error, judged, logit, reliability
from models.evaluation import class_rates
from models.held_out import of_tier, tiers_of
from simulator.xray import TIERS
from station.vision.measure import average_precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from models.held_out import Tried
    from station.vision.seen import Seen

_ALLOWED = np.linspace(0.002, 0.2, 60)
_NOTHING = -20.0
"""The margin where nothing was found: below that of any finding."""


def write_figures(
    folder: Path, tried: Sequence[Tried], unseen: Sequence[Tried], thresholds: Mapping[str, float]
) -> None:
    """Write `curves.svg` and `classes.md`.

    Args:
        folder: where they go.
        tried: held-out parcels on the machines of the training.
        unseen: such on the machine that is kept for testing.
        thresholds: by class.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "models"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
    for tier in TIERS:
        _trade(left, of_tier(tried, tier), thresholds, tier)
    _trade(left, [one.seen for one in tried], thresholds, "all")
    _trade(left, [one.seen for one in unseen], thresholds, "unseen machine")
    left.set(xlabel="clean parcels flagged", ylabel="parcels with a hazard flagged", ylim=(0.2, 1.005))
    left.legend(loc="lower right")
    _reliability(right, [one.seen for one in tried])
    figure.savefig(folder / "curves.svg", metadata={"Date": None})
    plt.close(figure)
    (folder / "classes.md").write_text(_table(tried, thresholds), "utf-8")


def _trade(axes: Axes, seen: Sequence[Seen], thresholds: Mapping[str, float], name: str) -> None:
    """What is found against what is wrongly flagged, all thresholds moved together by their odds."""
    clean = np.sort([_margin(item, thresholds) for item in seen if not item.truth])
    threats = np.array([_margin(item, thresholds) for item in seen if item.truth])
    at = np.quantile(clean, 1 - _ALLOWED)
    axes.plot(_ALLOWED, [(threats > one).mean() for one in at], label=name)


def _margin(seen: Seen, thresholds: Mapping[str, float]) -> float:
    """By how much the surest finding is over its threshold, in logits."""
    margins = [float(logit(item.score) - logit(thresholds[item.label])) for item in seen.findings]
    return max(margins, default=_NOTHING)


def _reliability(axes: Axes, seen: Sequence[Seen]) -> None:
    bins = reliability(*judged(seen))
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.plot([one.score for one in bins], [one.right for one in bins], marker="o")
    axes.set(xlabel="score of a finding", ylabel="share of such findings that are right")
    axes.set_title(f"off by {expected_error(bins):.3f} on average", fontsize="medium")


def _table(tried: Sequence[Tried], thresholds: Mapping[str, float]) -> str:
    seen = [one.seen for one in tried]
    precision = {row.label: row for row in average_precision(seen, list(thresholds)) or []}
    lines = [
        "| class | threshold | AP | AP50 | flagged | flagged as such | clean flagged as it |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, rates in class_rates(seen, thresholds).items():
        row = precision.get(label)
        ap = f"{row.ap:.3f} | {row.ap50:.3f}" if row else "- | -"
        lines.append(
            f"| {label} | {thresholds[label]:.3f} | {ap} | {rates['flagged']:.1%} | {rates['flagged_as_such']:.1%} | "
            f"{rates['clean_flagged']:.1%} |"
        )
    lines += ["", "| tier | parcels | AP | AP50 | flagged |", "|---|---|---|---|---|"]
    counts = tiers_of(tried)
    for tier in TIERS:
        chosen = of_tier(tried, tier)
        rows = average_precision(chosen, list(thresholds)) or []
        means = _mean([row.ap for row in rows]), _mean([row.ap50 for row in rows])
        flagged = _mean([bool(item.flagged(thresholds)) for item in chosen if item.truth])
        lines.append(f"| {tier} | {counts[tier]} | {means[0]:.3f} | {means[1]:.3f} | {flagged:.1%} |")
    lines += ["", "| machine | parcels | AP | AP50 |", "|---|---|---|---|"]
    for machine in sorted({item.group for item in seen}):
        chosen = [item for item in seen if item.group == machine]
        rows = average_precision(chosen, list(thresholds)) or []
        means = _mean([row.ap for row in rows]), _mean([row.ap50 for row in rows])
        lines.append(f"| {machine} | {len(chosen)} | {means[0]:.3f} | {means[1]:.3f} |")
    return "\n".join(lines) + "\n"


def _mean(values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else 0.0

"""A sheet of simulated pictures with their labels drawn in, to look at beside real ones."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.machines import Machine
from simulator.xray.sets import Sample, sample

_COLUMNS = 4
_RED = (220, 0, 0)


def contact_sheet(seed: int, count: int, machine: Machine | None = None) -> NDArray[np.uint8]:
    """Draw the first `count` pictures of a seed's sets, four to a row, with boxes, outlines, tier and visibility.

    Args:
        seed: of the sets.
        count: how many.
        machine: on which machine; without it, on all.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"{count} pictures make no sheet; ask for at least one")
    cells = [_labelled(sample(seed, number, machine)) for number in range(count)]
    cells.extend([np.full_like(cells[0], 128)] * (-count % _COLUMNS))
    return np.vstack([np.hstack(cells[start : start + _COLUMNS]) for start in range(0, len(cells), _COLUMNS)])


def _labelled(one: Sample) -> NDArray[np.uint8]:
    pixels = one.picture.pixels.copy()
    for label in one.picture.labels:
        outlines, _ = cv2.findContours(label.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(pixels, outlines, -1, (255, 150, 150), 1)
        x0, y0, x1, y1 = (int(value) for value in label.box)
        cv2.rectangle(pixels, (x0, y0), (x1 - 1, y1 - 1), _RED, 1)
        _write(pixels, f"{label.label} {label.tier} {label.visibility:.2f}", (x0, max(12, y0 - 4)))
    _write(pixels, f"{one.picture.machine} {one.role}", (4, pixels.shape[0] - 6))
    return np.asarray(cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(128, 128, 128)), np.uint8)


def _write(pixels: NDArray[np.uint8], text: str, at: tuple[int, int]) -> None:
    cv2.putText(pixels, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, _RED, 1, cv2.LINE_AA)

"""A sheet of simulated pictures with their labels drawn in, to look at beside real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from simulator.xray.hazards import HAZARDS
from simulator.xray.machine import MACHINES
from simulator.xray.scene import draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.xray.scene import Picture

_COLUMNS = 4


def contact_sheet(seed: int, n: int) -> NDArray[np.uint8]:
    """Draw `n` parcels, every third clean, every fifth from another machine, four to a row.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: `n` is not positive.
    """
    if n < 1:
        raise ValueError(f"{n} pictures make no sheet; ask for at least one")
    words = tuple(HAZARDS)
    cells = []
    for number in range(n):
        rng = np.random.default_rng((seed, number))
        hazards = () if number % 3 == 2 else (words[int(rng.integers(len(words)))],)
        machine = MACHINES[number // 5 % len(MACHINES)] if number % 5 == 4 else MACHINES[0]
        cells.append(_labelled(draw(seed + number, int(rng.integers(150, 600)), hazards, machine)))
    blank = np.full_like(cells[0], 128)
    cells.extend([blank] * (-n % _COLUMNS))
    rows = [np.hstack(cells[start : start + _COLUMNS]) for start in range(0, len(cells), _COLUMNS)]
    return np.vstack(rows)


def _labelled(picture: Picture) -> NDArray[np.uint8]:
    pixels = picture.pixels.copy()
    for label in picture.labels:
        x0, y0, x1, y1 = (round(value) for value in label.box)
        cv2.rectangle(pixels, (x0, y0), (x1, y1), (220, 0, 0), 1)
        text = f"{label.label} {label.visibility:.2f}"
        cv2.putText(pixels, text, (x0, max(12, y0 - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (220, 0, 0), 1, cv2.LINE_AA)
    return cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(128, 128, 128)).astype(np.uint8)

"""What is usual for a machine's pictures by what the gate measures of them, and which are not like the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDER = {"ground": (0.1, 0.0), "black": (0.5, 0.05)}
"""By measure: by what share of itself, and by how much more, the end of an interval is moved outward."""
_COLD = 0.01
"""Which share of the model's own pictures may be refused as cold: as long as it is no more, the warmth must not lie
below nought, and so a picture that passes would be refused with its red and blue exchanged."""

_TO_COMPARE = 20
"""Of fewer pictures none can be said to be unlike the others."""
_MIDDLE = (0.05, 0.95)
_BY_RATIO = frozenset({"sharpness", "colour"})
_LEAST_WIDTH = {"ground": 30.0, "black": 0.1}
_FEW, _SOME = 0.05, 0.02
"""If so few pictures of less than `_MANY`, or of more, are cold, they are taken for faulty, and not for dark wood."""
_MANY = 100


def usual(found: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """For each measure the interval in which nearly all pictures lie, widened: by half, or as `_WIDER` says.

    Args:
        found: what the gate measures of good pictures, as the model looks at them; a few hundred or more.
    """
    intervals = {}
    for name in found[0]:
        values = [item[name] for item in found]
        low, high = np.quantile(values, (0.001, 0.999))
        share, more = _WIDER.get(name, (0.5, 0.0))
        lowest = min(0.0, np.quantile(values, _COLD)) if name == "warmth" else low - share * abs(low) - more
        intervals[name] = round(float(lowest), 2), round(float(high + share * abs(high) + more), 2)
    return intervals


def unlike(found: Sequence[dict[str, float]]) -> dict[int, str]:
    """Which pictures are so unlike the others that they may be faulty, and in what; by their place.

    One is, if it lies further beyond the middle nine tenths of them than these are wide, or is cold where nearly all
    are warm. Of 240 real pictures of three machines none is, of 110 of two machines one, of 150 of a simulated one
    none; of a simulated one each that is inverted, without colour, much blurred or dark, or has red and blue exchanged.
    """
    if len(found) < _TO_COMPARE:
        return {}
    said: dict[int, str] = {}
    for name in found[0]:
        values = np.array([item[name] for item in found])
        scale = np.log1p(values) if name in _BY_RATIO else values
        low, high = np.quantile(scale, _MIDDLE)
        width = max(float(high - low), _LEAST_WIDTH.get(name, 0.0))
        far = (scale < low - width) | (scale > high + width)
        if name == "warmth" and (values < 0).mean() <= (_FEW if len(found) < _MANY else _SOME):
            far |= values < 0
        usual_low, usual_high = (math.expm1(end) if name in _BY_RATIO else float(end) for end in (low, high))
        for at in np.flatnonzero(far):
            text = f"its {name} is {values[at]:.1f}, and that of most is {usual_low:.1f} to {usual_high:.1f}"
            said.setdefault(int(at), text)
    return said

"""Findings drawn into a picture, for a person to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from station.core.events import Finding

_COUNTS = (214, 0, 28)
_FAINT = (120, 120, 120)


def annotate(
    pixels: NDArray[np.uint8], findings: Iterable[Finding], thresholds: Mapping[str, float]
) -> NDArray[np.uint8]:
    """Draw boxes with label and score: red where the score reaches its class's threshold, grey where it does not.

    Args:
        pixels: uint8 (H, W, 3), RGB; left as it is.
        findings: boxes in pixels of this picture.
        thresholds: by class; a class without one counts always.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    drawn = pixels.copy()
    for finding in sorted(findings, key=lambda item: item.score):
        counts = finding.score >= thresholds.get(finding.label, 0.0)
        colour = _COUNTS if counts else _FAINT
        x0, y0, x1, y1 = (round(value) for value in finding.box)
        cv2.rectangle(drawn, (x0, y0), (x1, y1), colour, 2 if counts else 1)
        text = f"{finding.label} {finding.score:.2f}"
        cv2.putText(drawn, text, (x0, max(12, y0 - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return drawn

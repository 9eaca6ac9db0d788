"""The things to be found, by hazard word: what draws one, each made anew from a random generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.xray.charged import aerosol, battery
from simulator.xray.weapons import gun, knife

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from simulator.xray.shapes import Sketch

HAZARDS: Mapping[str, Callable[[np.random.Generator], Sketch]] = {
    "gun": gun,
    "knife": knife,
    "battery": battery,
    "aerosol": aerosol,
}

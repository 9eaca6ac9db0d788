"""The X-ray tunnel: simulated dual-energy pictures of parcels with the physics in them, and the truth about hazards."""

from __future__ import annotations

from simulator.tunnel.hazards import HAZARDS
from simulator.tunnel.machines import BELT, MACHINES, Machine, machine_named
from simulator.tunnel.scene import MAX_LENGTH_MM, MIN_LENGTH_MM, Label, Picture, draw
from simulator.tunnel.visibility import TIERS, Tier

__all__ = [
    "BELT",
    "HAZARDS",
    "MACHINES",
    "MAX_LENGTH_MM",
    "MIN_LENGTH_MM",
    "TIERS",
    "Label",
    "Machine",
    "Picture",
    "Tier",
    "draw",
    "machine_named",
]

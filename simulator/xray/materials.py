"""What things are made of: how much each millimetre of it weakens the low and the high energy of an X-ray machine.

The numbers are linear attenuation coefficients near 60 keV and 120 keV, of the order of the NIST XCOM tables (density
included). Their ratio is what a machine turns into colour: about 1.3 for organic, 1.6 to 2 for light metal and glass,
above 2.5 for steel and copper.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Material:
    """One material.

    Attributes:
        low_per_mm: attenuation at the low energy, 1/mm.
        high_per_mm: attenuation at the high energy, 1/mm.
    """

    low_per_mm: float
    high_per_mm: float


PAPER = Material(0.0150, 0.0118)
CARDBOARD = Material(0.0110, 0.0086)
CLOTH = Material(0.0060, 0.0047)
WOOD = Material(0.0130, 0.0102)
PLASTIC = Material(0.0200, 0.0158)
FOAM = Material(0.0012, 0.0009)
RUBBER = Material(0.0300, 0.0190)
WATER = Material(0.0206, 0.0161)
SOAP = Material(0.0225, 0.0168)
FOOD = Material(0.0160, 0.0125)
PROPELLANT = Material(0.0130, 0.0103)
PVC = Material(0.0550, 0.0280)
GLASS = Material(0.0660, 0.0395)
CERAMIC = Material(0.0600, 0.0370)
BOARD = Material(0.0480, 0.0290)
CHIP = Material(0.0850, 0.0480)
ALUMINIUM = Material(0.0750, 0.0430)
CELL = Material(0.1250, 0.0560)
STEEL = Material(0.9500, 0.2100)
BRASS = Material(1.3500, 0.3000)
COPPER = Material(1.4200, 0.3200)
LEAD = Material(5.6000, 3.0000)

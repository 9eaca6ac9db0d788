"""Write `attenuation.json`, the table that the tunnel reads: `python -m simulator.xray.tabulate`.

It needs the package xraydb, which is no dependency of the project: the table is kept in the repository, and is made
anew only when an element is added here. Source of the numbers: xraydb's `mu_elam`, total cross-sections of
W. T. Elam, B. D. Ravel and J. R. Sieber, Radiation Physics and Chemistry 63 (2002) 121, which agree with the tables
of NIST (XCOM) within about 2 % in this range.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

ELEMENTS = (
    "H", "Li", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "Cr", "Mn",
    "Fe", "Co", "Ni", "Cu", "Zn", "Br", "Sr", "Zr", "Sn", "I", "Cs", "Ba", "Gd", "W", "Pb",
)  # fmt: skip
ENERGIES_KEV = tuple(range(20, 181, 4))
SOURCE = "xraydb mu_elam (Elam, Ravel, Sieber, Radiat. Phys. Chem. 63, 121, 2002), total cross-section"


def table() -> dict[str, object]:
    """Return energies in keV, and of each element its atomic mass in g/mol and mu/rho in cm2/g at each energy.

    Raises:
        ModuleNotFoundError: xraydb is not installed.
    """
    xraydb = importlib.import_module("xraydb")
    ev = [energy * 1000.0 for energy in ENERGIES_KEV]
    elements = {
        symbol: {
            "mass": float(f"{xraydb.atomic_mass(symbol):.6g}"),
            "mu_rho": [float(f"{value:.5g}") for value in xraydb.mu_elam(symbol, ev)],
        }
        for symbol in ELEMENTS
    }
    units = {"energies": "keV", "mass": "g/mol", "mu_rho": "cm2/g"}
    return {"source": SOURCE, "units": units, "energies": list(ENERGIES_KEV), "elements": elements}


def main() -> None:
    """Write the table beside this module."""
    made = table()
    head = {key: value for key, value in made.items() if key != "elements"}
    elements = made["elements"]
    if not isinstance(elements, dict):
        raise TypeError("the table has no elements")
    rows = ",\n".join(f"  {json.dumps(symbol)}: {json.dumps(row)}" for symbol, row in elements.items())
    text = json.dumps(head)[:-1] + ',\n "elements": {\n' + rows + "\n}}\n"
    Path(__file__).with_name("attenuation.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

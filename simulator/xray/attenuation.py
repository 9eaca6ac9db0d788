"""Attenuation of X-rays in matter: the committed table of elements, and mixtures of them by formula."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_ATOM = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d+)?)?")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The elements.

    Attributes:
        energies_kev: float64 (E,), ascending.
        mass: atomic masses in g/mol, by symbol.
        mu_rho: mass attenuation in cm2/g, float64 (E,), by symbol.
    """

    energies_kev: NDArray[np.float64]
    mass: Mapping[str, float]
    mu_rho: Mapping[str, NDArray[np.float64]]


@cache
def table() -> Table:
    """Read the table that `simulator.xray.tabulate` wrote; it names its source."""
    raw = json.loads(Path(__file__).with_name("attenuation.json").read_text("utf-8"))
    elements = raw["elements"]
    return Table(
        np.asarray(raw["energies"], np.float64),
        {symbol: float(row["mass"]) for symbol, row in elements.items()},
        {symbol: np.asarray(row["mu_rho"], np.float64) for symbol, row in elements.items()},
    )


def mass_shares(formula: str) -> dict[str, float]:
    """Share by mass of each element in a formula such as `C6H10O5`.

    Raises:
        ValueError: the formula cannot be read, or names an element that is not in the table.
    """
    atoms = _ATOM.findall(formula)
    if not atoms or "".join(symbol + count for symbol, count in atoms) != formula:
        raise ValueError(f"formula {formula!r} cannot be read; write it as C6H10O5, without brackets")
    mass = table().mass
    missing = sorted({symbol for symbol, _ in atoms} - set(mass))
    if missing:
        raise ValueError(f"formula {formula!r}: no attenuation of {missing[0]}; add it to simulator/xray/tabulate.py")
    shares: dict[str, float] = {}
    for symbol, count in atoms:
        shares[symbol] = shares.get(symbol, 0.0) + mass[symbol] * float(count or 1)
    total = sum(shares.values())
    return {symbol: share / total for symbol, share in shares.items()}


def mu_per_mm(parts: Mapping[str, float], density: float) -> NDArray[np.float64]:
    """Linear attenuation of a mixture in 1/mm at the table's energies, float64 (E,): the mixture rule.

    Args:
        parts: shares by mass, which need not add up to one, by formula.
        density: g/cm3.
    """
    total = sum(parts.values())
    mu_rho = np.zeros_like(table().energies_kev)
    for formula, part in parts.items():
        for symbol, share in mass_shares(formula).items():
            mu_rho += table().mu_rho[symbol] * (share * part / total)
    return mu_rho * (density / 10.0)

"""Where the files that come with the package lie: in a checkout beside the packages, in a wheel inside `station`."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def examples() -> Path:
    """Folder of the example configurations."""
    return _first(_PACKAGE / "examples", _PACKAGE.parent / "config")


def plc_map() -> Path:
    """The PLC's register map, the one data file that document, driver and simulator are made from."""
    return _first(_PACKAGE / "plc-map.yaml", _PACKAGE.parent / "docs" / "plc-map.yaml")


def models() -> Path:
    """Folder of the image models that come with the package."""
    return _PACKAGE.parent / "models"


def _first(*places: Path) -> Path:
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"the installation is not complete: none of {', '.join(map(str, places))} exists")

"""The drivers that are installed, found by entry point; a site's own come in by the same door as ours."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points

from station.ports import Driver

GROUP = "station.drivers"


log = logging.getLogger(__name__)


def installed_drivers() -> dict[str, Driver]:
    """Every installed driver by its kind; one that cannot be loaded is named in the log and left out."""
    found: dict[str, Driver] = {}
    for entry in entry_points(group=GROUP):
        try:
            driver = entry.load()
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way; it must be named
            log.warning("driver '%s' (%s) cannot be loaded: %s", entry.name, entry.value, error)
            continue
        if isinstance(driver, Driver):
            found[entry.name] = driver
        else:
            log.warning("driver '%s' (%s) is no station.ports.Driver", entry.name, entry.value)
    return found

"""The drivers that are installed, found by entry point; a site's own come in by the same door as ours."""

from __future__ import annotations

from importlib.metadata import entry_points

from station.ports import Driver

GROUP = "station.drivers"


class PluginError(Exception):
    """An installed driver cannot be used; the text names it."""


def installed_drivers() -> dict[str, Driver]:
    """Every installed driver by its kind.

    Raises:
        PluginError: a driver cannot be imported, or is none.
    """
    found: dict[str, Driver] = {}
    for entry in entry_points(group=GROUP):
        try:
            driver = entry.load()
        except Exception as error:  # a plug-in may fail in any way; it must be named
            raise PluginError(f"driver '{entry.name}' ({entry.value}) cannot be loaded: {error}") from error
        if not isinstance(driver, Driver):
            raise PluginError(f"driver '{entry.name}' ({entry.value}) is no station.ports.Driver")
        found[entry.name] = driver
    return found

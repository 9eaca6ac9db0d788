"""Harmless things by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simulator.tunnel.packing import cloth
from simulator.tunnel.things import Maker

HARMLESS: Mapping[str, Maker] = MappingProxyType({"clothing": cloth})

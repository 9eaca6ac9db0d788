"""Whose text is it? Serial devices are easily swapped at the sockets; what belongs to another family is named."""

from __future__ import annotations

import re

FAMILIES = {
    "an MT-SICS scale": re.compile(rb"S [SDI+\-](\s+-?[\d.]+\s+\w{1,3})?\s*|E[STL]|I4 A .*", re.DOTALL),
    "a Toledo continuous scale": re.compile(rb".*\x02[\x20-\x7f]{3}[ \d]{12}(\r.*)?", re.DOTALL),
    "a GPS receiver (NMEA)": re.compile(rb"\$[A-Z]{5},.*", re.DOTALL),
    "a modem (AT commands)": re.compile(rb"AT(Z|I|E[01]|&[CDFKVW]\d?|\+[A-Z]+(=.*|\?)?)?", re.DOTALL),
}


def family_of(data: bytes) -> str:
    """Name of the device family that speaks like this, "" if none is known to."""
    return next((name for name, pattern in FAMILIES.items() if pattern.fullmatch(data.strip(b"\r\n"))), "")

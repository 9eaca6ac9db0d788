"""When a certificate in a file ends, read from its own bytes: the standard library tells it of the other side's only.

Source: RFC 5280, section 4.1 (Certificate, Validity), in DER as X.690 has it.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME = 0xA0, 0x17


def end_of(path: Path) -> datetime | None:
    """When the first certificate of a PEM file ends, which is the one that is shown; None where none can be read."""
    try:
        found = _PEM.search(path.read_text(encoding="ascii", errors="replace"))
        return _not_after(ssl.PEM_cert_to_DER_cert(found[0])) if found else None
    except (OSError, ValueError, IndexError):
        return None


def _not_after(certificate: bytes) -> datetime:
    _, signed, _ = _part(certificate)
    _, body, _ = _part(signed)
    tag, _, rest = _part(body)
    if tag == _VERSION:
        _, _, rest = _part(rest)
    for _ in ("algorithm", "issuer"):
        _, _, rest = _part(rest)
    _, validity, _ = _part(rest)
    tag, text, _ = _part(_part(validity)[2])
    time = text.decode("ascii")
    if tag == _UTC_TIME:
        time = ("19" if time >= "50" else "20") + time
    return datetime.strptime(time, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _part(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of what comes first, and what is behind it."""
    tag, size, at = der[0], der[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(der[2:at])
    return tag, der[at : at + size], der[at + size :]

"""What a `journal-pruned` attests: the digest over the runs of events that were taken out. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

from station.journal.stored import Gap

_RUN = struct.Struct(">qq32s32s")


def gaps_sha256(gaps: Iterable[Gap]) -> str:
    """SHA-256 over each gap in order: first and last number (64 bits, big-endian), the links ahead and behind."""
    told = hashlib.sha256()
    for gap in gaps:
        told.update(_RUN.pack(gap.first_seq, gap.last_seq, gap.before, gap.after))
    return told.hexdigest()

"""The hash chain over events: each event's link is made of the one before it and of all its own fields. Pure.

SHA-256 of: the link before, then big-endian seq, version, mono_ns, epoch, session (64 bits each), the lengths of id,
type, time and payload in bytes (64 bits each), then these four as bytes (text in UTF-8). The lengths make it plain
where a field ends; the clock's quality, where there is any, is the rest. Pictures are in it too: an event names them by
the SHA-256 of their bytes.
"""

from __future__ import annotations

import hashlib
import struct

_NUMBERS = struct.Struct(">9q")


def genesis(journal_id: str) -> bytes:
    """What the first event of a journal follows: no other journal begins with it."""
    return hashlib.sha256(b"inspection-station journal\0" + journal_id.encode()).digest()


def link(
    before: bytes,
    seq: int,
    identity: str,
    kind: str,
    version: int,
    time: str,
    mono_ns: int,
    epoch: int,
    session: int,
    payload: bytes,
    clock: str = "",
) -> bytes:
    """The link of an event, 32 bytes; the fields are those of `Stored`, in their order but for `chain`."""
    name, word, when = identity.encode(), kind.encode(), time.encode()
    lengths = len(name), len(word), len(when), len(payload)
    numbers = _NUMBERS.pack(seq, version, mono_ns, epoch, session, *lengths)
    return hashlib.sha256(b"".join((before, numbers, name, word, when, payload, clock.encode()))).digest()

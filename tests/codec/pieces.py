"""Bytes in any pieces, for every codec's test."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from station.core.events import Arrived

MS = 1_000_000


def at(ms: int) -> Arrived:
    return Arrived((ms - 1) * MS, ms * MS)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a != b]


CUTS = st.lists(st.integers(0, 10_000), max_size=20)
ANYTHING = st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 3000)), max_size=20)
"""Chunks of any bytes, each with the silence in ms that follows."""

"""Where the publisher would wait: it never does by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wait:
    """The publisher has nothing to do for so long at most; with `link`, the broker may have something before."""

    seconds: float
    link: bool


TURN = Wait(0.02, link=True)
STEP = Wait(0.05, link=False)

"""A parcel on its way through the tunnel: wrapping, contents and hazards laid out, seen by a machine, and labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.colour import develop
from simulator.xray.detector import Belt, belt_of, signals
from simulator.xray.hazards import HAZARDS
from simulator.xray.layout import Laid, Layout
from simulator.xray.machines import BELT, Machine
from simulator.xray.visibility import TIERS, Tier, tier_of

MIN_LENGTH_MM, MAX_LENGTH_MM = 120, 650
_LARGEST_BLOCK = (32 << 20) - (64 << 10)


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """Where a hazard lies in a picture, and how well it can be seen.

    Attributes:
        label: the hazard word.
        box: x0, y0, x1, y1 in pixels, x1 and y1 exclusive; all of the mask lies within.
        mask: bool (H, W), the hazard's own shadow.
        visibility: share of the shadow that is not drowned by the rest; see `visibility.visibility_of`.
        facing: its shadow's area, as a share of the one it has lying flat.
        tier: `easy`, `hard` or `hidden`; see `visibility.tier_of`.
    """

    label: str
    box: tuple[float, float, float, float]
    mask: NDArray[np.bool_]
    visibility: float
    facing: float
    tier: Tier


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the machine delivers, and the truth about it.

    Attributes:
        pixels: uint8 (H, W, 3), RGB pseudo-colour.
        labels: the hazards in it.
        machine: name of the machine.
    """

    pixels: NDArray[np.uint8]
    labels: tuple[Label, ...]
    machine: str


def draw(
    seed: int, length_mm: int, hazards: Sequence[str], machine: Machine = BELT, tier: Tier | None = None
) -> Picture:
    """Draw one parcel; the same arguments give the same picture, bit for bit, on one version of numpy and OpenCV.

    Args:
        seed: decides everything that the other arguments leave open.
        length_mm: the parcel's length along the belt (the picture's x), `MIN_LENGTH_MM` to `MAX_LENGTH_MM`. What is
            longer than the picture is cut off by its edge.
        hazards: hazard words (`HAZARDS`), one for each hazard in it; empty for a clean parcel.
        machine: whose picture it is.
        tier: how well the hazards are to be seen. Each is laid, covered or uncovered until it is so; the label says
            what became of it, which is another tier in few pictures with one hazard, and in one of ten labels where
            two cover each other.

    Returns:
        The picture, `machine.size_px` large, and its labels in the order of `hazards`.

    Raises:
        ValueError: unknown hazard word or tier, or a length out of range.
    """
    unknown = sorted(set(hazards) - set(HAZARDS))
    if unknown:
        raise ValueError(f"unknown hazard {unknown[0]!r}; there are {', '.join(HAZARDS)}")
    if tier is not None and tier not in TIERS:
        raise ValueError(f"unknown tier {tier!r}; there are {', '.join(TIERS)}")
    if not MIN_LENGTH_MM <= length_mm <= MAX_LENGTH_MM:
        raise ValueError(f"length {length_mm} mm: a picture shows {MIN_LENGTH_MM} to {MAX_LENGTH_MM} mm")
    _keep_freed_memory()
    rng = np.random.default_rng((seed, length_mm))
    belt = belt_of(machine, rng)
    layout = Layout(length_mm, machine, belt.stretch, rng)
    layout.pack(tier)
    laid = [layout.hide(HAZARDS[word](rng), tier) for word in hazards]
    whole = layout.total()
    labels = tuple(_label(word, one, layout, whole, belt) for word, one in zip(hazards, laid, strict=True))
    return Picture(develop(signals(whole, machine, belt, rng), machine), labels, machine.name)


def _keep_freed_memory() -> None:
    """Have glibc keep what is freed, for the next array of the same size, rather than give it back to the system.

    It raises its thresholds to twice the largest block that was ever given back, up to 32 MiB. A picture takes and
    frees some thousand arrays of up to a megabyte; fetching their pages anew each time took up to a third of its time.
    """
    np.empty(_LARGEST_BLOCK, np.uint8)


def _label(word: str, one: Laid, layout: Layout, whole: NDArray[np.float32], belt: Belt) -> Label:
    seen = layout.seen(one, whole)
    mask = np.zeros(whole.shape[1:], np.bool_)
    own = one.own
    mask[own.shadow.y : own.shadow.y + own.mask.shape[0], own.shadow.x : own.shadow.x + own.mask.shape[1]] = own.mask
    if belt.columns is not None:
        mask = np.ascontiguousarray(mask[:, belt.columns])
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    box = (float(x), float(y), float(x + width), float(y + height))
    return Label(word, box, mask, round(seen, 4), round(one.facing, 4), tier_of(seen, one.facing))

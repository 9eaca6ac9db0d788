"""A parcel's picture: wrapping, contents and hazards laid out, developed by a machine, and labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from simulator.xray import electronics, household, packaging, tools
from simulator.xray.hazards import HAZARDS
from simulator.xray.machine import BELT, Machine, develop
from simulator.xray.shapes import PX_PER_MM, Sketch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

MIN_LENGTH_MM, MAX_LENGTH_MM = 100, 650
_FAINT = 0.02
"""High-energy depth below which a pixel does not count as covered by an object."""
_TRIES = 6
_ENOUGH_LIGHT = 0.3
"""A hazard is laid where this much of the rays comes through the rest, if one of a few tries finds such a place."""

_LARGE: tuple[Callable[[np.random.Generator], Sketch], ...] = (
    household.bottle, household.bottle, household.flask, household.tin, household.book, household.book, household.shoe,
    household.food_box, household.mug, household.wooden_toy, electronics.bare_board, electronics.telephone,
    electronics.tablet, electronics.hair_dryer,
)  # fmt: skip
_SMALL: tuple[Callable[[np.random.Generator], Sketch], ...] = (
    tools.wrench, tools.screwdriver, tools.pliers, tools.cutlery, tools.ruler, tools.bracket, tools.keys,
    tools.small_metal, tools.small_metal, electronics.charger, electronics.cable, electronics.cable,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """Where a hazard lies in a picture.

    Attributes:
        label: the hazard word.
        box: x0, y0, x1, y1 in pixels, x1 and y1 exclusive.
        visibility: share of the high-energy rays, mean over the hazard's shadow, that comes through all else: 0 to 1.
    """

    label: str
    box: tuple[float, float, float, float]
    visibility: float


@dataclass(frozen=True, slots=True)
class Picture:
    """What the machine delivers, and the truth about it.

    Attributes:
        pixels: uint8 (H, W, 3), RGB pseudo-colour.
        labels: the hazards in it.
    """

    pixels: NDArray[np.uint8]
    labels: tuple[Label, ...]


def draw(seed: int, length_mm: int, hazards: Sequence[str], machine: Machine = BELT) -> Picture:
    """Draw one parcel; the same arguments give the same picture, bit for bit.

    Args:
        seed: decides everything that the other arguments leave open.
        length_mm: the parcel's length along the belt (the picture's x), `MIN_LENGTH_MM` to `MAX_LENGTH_MM`.
        hazards: hazard words (`HAZARDS`), one for each hazard in it; empty for a clean parcel.
        machine: whose picture it is.

    Returns:
        The picture, `machine.size_px` large, and its labels in the order of `hazards`.

    Raises:
        ValueError: unknown hazard word, or a length that does not fit in the picture.
    """
    unknown = sorted(set(hazards) - set(HAZARDS))
    if unknown:
        raise ValueError(f"unknown hazard {unknown[0]!r}; there are {', '.join(HAZARDS)}")
    if not MIN_LENGTH_MM <= length_mm <= MAX_LENGTH_MM:
        raise ValueError(f"length {length_mm} mm: a picture shows {MIN_LENGTH_MM} to {MAX_LENGTH_MM} mm")
    rng = np.random.default_rng((seed, length_mm))
    table = _Table(length_mm, machine, rng)
    _pack(table, rng)
    shadows = [table.hide(HAZARDS[word](rng)) for word in hazards]
    labels = tuple(table.label(word, shadow) for word, shadow in zip(hazards, shadows, strict=True))
    return Picture(develop(table.depth, machine, rng), labels)


def _pack(table: _Table, rng: np.random.Generator) -> None:
    """Fill the parcel with its wrapping, some soft things, larger objects and small clutter, by its area."""
    length, width = table.inside_mm
    wrap = packaging.carton if rng.random() < 0.75 else packaging.mailer
    table.lay(wrap(length, width, rng), table.centre_px, table.turn)
    if rng.random() < 0.6:
        table.lay(packaging.filling(length * 0.96, width * 0.96, rng), table.centre_px, table.turn)
    area = length * width
    for _ in range(int(rng.integers(0, 2))):
        table.put(packaging.cloth(length * rng.uniform(0.4, 0.8), width * rng.uniform(0.4, 0.8), rng))
    for _ in range(int(rng.poisson(area / 42_000))):
        table.put(_LARGE[rng.integers(len(_LARGE))](rng))
    for _ in range(int(rng.poisson(area / 46_000))):
        table.put(_SMALL[rng.integers(len(_SMALL))](rng))


@dataclass(frozen=True, slots=True)
class _Shadow:
    """Where one object was added: the corner of its patch in the scene, and its own depth there, float32 (h, w, 2)."""

    x: int
    y: int
    depth: NDArray[np.float32]


class _Table:
    """The scene in the making: optical depths of the picture, and the room within the parcel."""

    def __init__(self, length_mm: int, machine: Machine, rng: np.random.Generator) -> None:
        columns, rows = machine.size_px
        self._rng = rng
        self._px_per_mm = 1.0 / machine.mm_per_px
        self.depth: NDArray[np.float32] = np.zeros((rows, columns, 2), np.float32)
        widest = min(rows * machine.mm_per_px * 0.94, 480.0)
        self.inside_mm = (float(length_mm), float(rng.uniform(160, max(180.0, min(widest, length_mm * 1.1)))))
        self.turn = float(rng.normal(0, 3.0))
        slack_x = max(0.0, columns - length_mm * self._px_per_mm) / 2
        slack_y = max(0.0, rows - self.inside_mm[1] * self._px_per_mm) / 2
        self.centre_px = (
            columns / 2 + float(rng.uniform(-0.6, 0.6)) * slack_x,
            rows / 2 + float(rng.uniform(-0.6, 0.6)) * slack_y,
        )

    def put(self, sketch: Sketch) -> None:
        """Lay an object somewhere in the parcel, tilted at will; one that cannot fit is left out."""
        place = self._place(sketch, smallest=0.6)
        if place is not None:
            self.lay(sketch, *place)

    def hide(self, sketch: Sketch) -> _Shadow:
        """Lay a hazard where it can still be seen, if there is such a place; one too large is made smaller."""
        best: _Shadow | None = None
        light = -1.0
        for _ in range(_TRIES):
            centre, angle, scale, squeeze = self._place(sketch, smallest=0.0) or (self.centre_px, 0.0, 0.5, 1.0)
            shadow = self._shadow(sketch, centre, angle, scale, squeeze)
            seen = self._light_through(shadow, own=0.0)
            if seen > light:
                best, light = shadow, seen
            if seen >= _ENOUGH_LIGHT:
                break
        if best is None:
            raise ValueError("the hazard lies outside the picture")
        self._add(best)
        return best

    def lay(
        self, sketch: Sketch, centre: tuple[float, float], angle: float, scale: float = 1.0, squeeze: float = 1.0
    ) -> None:
        """Add an object at a place given in pixels, turned by degrees, scaled, and foreshortened across."""
        shadow = self._shadow(sketch, centre, angle, scale, squeeze)
        self._add(shadow)

    def label(self, word: str, shadow: _Shadow) -> Label:
        """The box around a shadow, and how much light the rest lets through to it."""
        x, y, width, height = cv2.boundingRect((shadow.depth[..., 1] > _FAINT).astype(np.uint8))
        box = (float(shadow.x + x), float(shadow.y + y), float(shadow.x + x + width), float(shadow.y + y + height))
        return Label(word, box, round(self._light_through(shadow, own=1.0), 4))

    def _light_through(self, shadow: _Shadow, own: float) -> float:
        rows, columns = shadow.depth.shape[:2]
        covered = shadow.depth[..., 1] > _FAINT
        rest = self.depth[shadow.y : shadow.y + rows, shadow.x : shadow.x + columns, 1] - own * shadow.depth[..., 1]
        return float(np.exp(-np.maximum(rest[covered], 0.0)).mean()) if covered.any() else 0.0

    def _place(self, sketch: Sketch, smallest: float) -> tuple[tuple[float, float], float, float, float] | None:
        """A centre, angle, scale and foreshortening at which the object lies within the parcel."""
        rng = self._rng
        squeeze = float(rng.uniform(0.7, 1.0)) if rng.random() < 0.3 else 1.0
        best_angle, best_scale = 0.0, 0.0
        for _ in range(4):
            angle = float(rng.uniform(0, 360))
            reach = self._reach(sketch, angle, squeeze)
            scale = min(1.0, (self.inside_mm[0] - 6) / reach[0], (self.inside_mm[1] - 6) / reach[1])
            if scale > best_scale:
                best_angle, best_scale = angle, scale
            if scale == 1.0:
                break
        if best_scale < smallest:
            return None
        reach = self._reach(sketch, best_angle, squeeze)
        free = [max(0.0, room - size * best_scale - 6) / 2 for room, size in zip(self.inside_mm, reach, strict=True)]
        offset = [float(rng.uniform(-room, room)) * self._px_per_mm for room in free]
        centre = (self.centre_px[0] + offset[0], self.centre_px[1] + offset[1])
        return centre, best_angle, best_scale, squeeze

    @staticmethod
    def _reach(sketch: Sketch, angle: float, squeeze: float) -> tuple[float, float]:
        cos, sin = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
        across = sketch.height_mm * squeeze
        return float(sketch.width_mm * cos + across * sin), float(sketch.width_mm * sin + across * cos)

    def _shadow(
        self, sketch: Sketch, centre: tuple[float, float], angle: float, scale: float, squeeze: float
    ) -> _Shadow:
        """Turn, scale and foreshorten a sketch onto the patch of the scene that it covers."""
        rows, columns = self.depth.shape[:2]
        reach = self._reach(sketch, angle, squeeze)
        half = [size * scale * self._px_per_mm / 2 + 3 for size in reach]
        left, right = max(0, int(centre[0] - half[0])), min(columns, int(centre[0] + half[0]) + 2)
        top, bottom = max(0, int(centre[1] - half[1])), min(rows, int(centre[1] + half[1]) + 2)
        zoom = scale * self._px_per_mm / PX_PER_MM
        cos, sin = np.cos(np.radians(angle)) * zoom, np.sin(np.radians(angle)) * zoom
        height, width = sketch.depth.shape[:2]
        turn = np.array([[cos, -sin * squeeze], [sin, cos * squeeze]])
        shift = np.array(centre) - (left, top) - turn @ np.array([width / 2 - 0.5, height / 2 - 0.5])
        size = (max(right - left, 1), max(bottom - top, 1))
        patch = cv2.warpAffine(sketch.depth, np.column_stack([turn, shift]), size, flags=cv2.INTER_LINEAR)
        if squeeze < 1.0 or scale < 1.0:
            patch = patch * np.float32(scale / squeeze)
        return _Shadow(left, top, np.asarray(patch, np.float32))

    def _add(self, shadow: _Shadow) -> None:
        rows, columns = shadow.depth.shape[:2]
        self.depth[shadow.y : shadow.y + rows, shadow.x : shadow.x + columns] += shadow.depth

"""A parcel's story as an SVG: the belt upward, time to the right, the parcel as a band across the devices' zones.

A reading is a box as wide as the time in which it was taken and as high as its device's zone: it is the parcel's
own where the box meets the parcel's band, and no neighbour's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from station.core.text import shown
from station.explain import words
from station.explain.story import Sensed, Step, Story
from station.explain.track import Passage, Track

WIDTH, LEFT, RIGHT, TOP = 1180, 120, 30, 120
BELT_HIGH, ROW, LINE = 430, 26, 17
_BEFORE_MS, _SIGN = 150.0, 6.2
_INK, _PALE, _GRID = "#222222", "#777777", "#dddddd"
_OWN, _OTHER, _GOOD, _BAD, _LATE = "#4a90d9", "#b8b8b8", "#2e9e4f", "#d0342c", "#7b3fb5"
_COLOURS = {"pass": _GOOD, "inspect": "#c77700", "lost": _BAD, "unobserved": _BAD}


@dataclass(frozen=True, slots=True)
class Scale:
    """From ms and mm to the drawing."""

    low_ms: float
    high_ms: float
    high_mm: float

    def x(self, ms: float) -> float:
        """Across; what lies outside is drawn at the edge."""
        return min(max(self.across(ms), LEFT), WIDTH - RIGHT)

    def across(self, ms: float) -> float:
        """Across, also beyond the edges."""
        share = (ms - self.low_ms) / (self.high_ms - self.low_ms)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, mm: float) -> float:
        """Upward: the infeed is at the bottom."""
        return round(TOP + BELT_HIGH * (1 - min(1.0, max(0.0, mm / self.high_mm))), 1)


def svg(story: Story) -> str:
    """The drawing as a text."""
    geometry = story.setup.geometry
    high = max([story.deadline_ms, *(step.at_ms for step in story.steps)])
    scale = Scale(-_BEFORE_MS, max(high * 1.03, 1.0), max(geometry.exit_mm * 1.04, 1.0))
    bottom = TOP + BELT_HIGH + 40
    stages = [step for step in story.steps if not step.name.startswith(("eye", "exit eye"))]
    reasons = story.decided.reasons if story.decided else ()
    height = bottom + ROW * len(stages) + 50 + LINE * (len(reasons) + 1) + 20
    size = {"width": str(WIDTH), "height": str(height), "viewBox": f"0 0 {WIDTH} {height}"}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "font-family": "sans-serif"})
    _box(root, 0, 0, WIDTH, height, "#ffffff")
    _title(root, story)
    _belt(root, story, scale)
    clip = ET.SubElement(ET.SubElement(root, "defs"), "clipPath", {"id": "belt"})
    _box(clip, LEFT, TOP, WIDTH - LEFT - RIGHT, BELT_HIGH, "none")
    for passage in story.strangers:
        _stranger(root, passage, story, scale)
    for track in story.neighbours:
        _band(root, track, story, scale, _OTHER)
    _band(root, story.track, story, scale, _OWN)
    for index, sensed in enumerate(story.readings):
        _reading(root, sensed, index, story, scale)
    _line(root, story.deadline_ms, bottom + ROW * len(stages), scale)
    for row, step in enumerate(stages):
        _stage(root, step, bottom + ROW * row, story, scale)
    _footer(root, story, bottom + ROW * len(stages) + 40)
    return ET.tostring(root, encoding="unicode")


def _title(root: ET.Element, story: Story) -> None:
    done = story.completed
    colour = _COLOURS.get(done.outcome, _INK) if done else _INK
    _text(root, 20, 34, f"Parcel {story.ref.number}", 22, weight="bold")
    _text(root, 190, 34, f"epoch {story.ref.epoch}, entered {story.entered_at}", 13, _PALE)
    _text(root, 20, 60, words.headline(story.decided, done), 14, colour, weight="bold")
    _text(root, 20, 82, words.warning(story.decided, done), 14, _BAD, weight="bold")


def _belt(root: ET.Element, story: Story, scale: Scale) -> None:
    geometry = story.setup.geometry
    _text(root, 20, TOP - 12, "place on the belt", 12, _PALE)
    for device in story.setup.devices:
        low, high = scale.y(device.zone_mm[0]), scale.y(device.zone_mm[1])
        _box(root, LEFT, high, WIDTH - LEFT - RIGHT, max(low - high, 3), "#fff3d6")
        _text(root, LEFT - 8, (low + high) / 2 + 4, device.name, 12, "#8a6100", anchor="end")
    last = len(geometry.eyes_mm) - 1
    places = [("decision eye" if i == last else "infeed eye" if i == 0 else f"eye {i}", mm)
              for i, mm in enumerate(geometry.eyes_mm)]  # fmt: skip
    for name, mm in [*places, ("diverter", geometry.diverter_mm), ("exit eyes", geometry.exit_mm)]:
        y = scale.y(mm)
        _rule(root, (LEFT, y), (WIDTH - RIGHT, y), _PALE if name == "decision eye" else _GRID)
        _text(root, WIDTH - RIGHT - 4, y - 3, f"{name}, {mm:g} mm", 10, _PALE, anchor="end")
    step = next(step for step in (50, 100, 200, 500, 1000, 10_000, 1_000_000_000) if scale.high_ms / step <= 16)
    for index in range(int(scale.high_ms // step) + 1):
        x = scale.x(index * step)
        _rule(root, (x, TOP + BELT_HIGH), (x, TOP + BELT_HIGH + 5), _PALE)
        _text(root, x, TOP + BELT_HIGH + 18, f"{index * step} ms", 10, _PALE, anchor="middle")


def _band(root: ET.Element, track: Track, story: Story, scale: Scale, colour: str) -> None:
    """The stretch between leading and trailing edge as it moves."""
    front = _way(track.leads, story)
    back = _way(track.trails, story, front[-1][1] if front else 0.0)
    if len(front) < 2 or front[-1][0] < scale.low_ms or front[0][0] > scale.high_ms:
        return
    _corners(root, [*front, *reversed(back)], scale, colour, closed=len(back) > 1)
    x, y = scale.x(front[-1][0]), scale.y(front[-1][1])
    _text(root, x - 4, y + 14, str(track.ref.number), 11, colour, anchor="end", weight="bold")


def _stranger(root: ET.Element, passage: Passage, story: Story, scale: Scale) -> None:
    """What has no number, from the eye before, behind which it must have come onto the belt."""
    if passage.lead is None:
        return
    geometry = story.setup.geometry
    there = geometry.eyes_mm[passage.eye]
    ends = (geometry.eyes_mm[max(0, passage.eye - 1)], geometry.exit_mm)
    sides = []
    for edge in (passage.lead, passage.trail or passage.lead):
        ms = edge[1] - story.start_ms
        sides.append([(ms + (mm - there) / geometry.speed_mm_s * 1000, mm) for mm in ends])
    if sides[1][1][0] < scale.low_ms or sides[0][0][0] > scale.high_ms:
        return
    _corners(root, [*sides[0], *reversed(sides[1])], scale, _BAD, closed=True)
    _text(root, scale.x(sides[1][0][0]) + 4, scale.y(ends[0]) - 4, "without a number", 11, _BAD)


def _corners(
    root: ET.Element, points: Sequence[tuple[float, float]], scale: Scale, colour: str, *, closed: bool
) -> None:
    corners = " ".join(f"{scale.across(ms)},{scale.y(mm)}" for ms, mm in points)
    look = {"fill": colour if closed else "none", "fill-opacity": "0.35", "stroke": colour}
    kind = "polygon" if closed else "polyline"
    ET.SubElement(root, kind, {"points": corners, **look, "clip-path": "url(#belt)"})


def _way(edges: dict[int, tuple[int, float]], story: Story, up_to_mm: float | None = None) -> list[tuple[float, float]]:
    """Moments and places of one end of the parcel: as the eyes saw it, and on as the belt carried it.

    Without `up_to_mm` it goes on by a longest parcel, since it may have been taken off behind the last eye.
    """
    geometry = story.setup.geometry
    eyes = geometry.eyes_mm
    way = [(ms - story.start_ms, eyes[eye]) for eye, (_, ms) in sorted(edges.items()) if eye < len(eyes)]
    way += [(ms - story.start_ms, geometry.exit_mm) for eye, (_, ms) in edges.items() if eye >= len(eyes)][:1]
    if way:
        ms, mm = way[-1]
        further = min(geometry.exit_mm, mm + geometry.longest_mm) if up_to_mm is None else up_to_mm
        if further > mm:
            way.append((ms + (further - mm) / geometry.speed_mm_s * 1000, further))
    return way


def _reading(root: ET.Element, sensed: Sensed, index: int, story: Story, scale: Scale) -> None:
    colour = _GOOD if sensed.own else _BAD
    left, right = (scale.x(ms) for ms in sensed.taken_ms)
    top, bottom = scale.y(sensed.zone_mm[1]) - 3, scale.y(sensed.zone_mm[0]) + 3
    frame = _box(root, left, top, max(right - left, 3), bottom - top, colour)
    frame.set("fill-opacity", "0.35")
    frame.set("stroke", colour)
    arrived = scale.x(sensed.arrived_ms)
    middle = (top + bottom) / 2
    _rule(root, (right, middle), (arrived, middle), colour, dash="3,3")
    label = f"{words.value(sensed.record)}: {words.match(sensed.record, story.ref.number)}"
    same = [other for other in story.readings[:index] if other.record.device == sensed.record.device]
    _text(root, arrived + 6, middle + 4 + 13 * len(same), label, 11, colour)


def _line(root: ET.Element, ms: float, bottom: float, scale: Scale) -> None:
    x = scale.x(ms)
    _rule(root, (x, TOP - 6), (x, bottom), _LATE, dash="6,4")
    _text(root, x, TOP - 10, f"deadline for the order, {ms:.0f} ms", 12, _LATE, anchor="middle")


def _stage(root: ET.Element, step: Step, y: float, story: Story, scale: Scale) -> None:
    """A bar from the entry to the stage, its share of the deadline, and what it was."""
    late = step.at_ms > story.deadline_ms and step.name.startswith(("decided", "ordered"))
    colour = _LATE if step.name == "deadline" else _BAD if late else _OWN
    begin, end = scale.x(0), scale.x(step.at_ms)
    _text(root, LEFT - 8, y + 16, step.name, 11, _INK, anchor="end")
    bar = _box(root, min(begin, end), y + 5, max(abs(end - begin), 2), ROW - 10, colour)
    bar.set("fill-opacity", "0.45")
    share = f" = {step.at_ms / story.deadline_ms:.0%} of the deadline" if story.deadline_ms > 0 else ""
    text = f"{step.at_ms:.0f} ms{share}{f'; {step.detail}' if step.detail else ''}"
    inside = end > (LEFT + WIDTH) / 2
    x = begin + 6 if inside else end + 6
    most = int((WIDTH - x) / _SIGN)
    _text(root, x, y + 17, text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}", 11, _INK)


def _footer(root: ET.Element, story: Story, y: float) -> None:
    if story.decided is None:
        return
    reasons = story.decided.reasons
    head = "Why inspect:" if reasons else "No reason against a pass: the evidence is complete, its own, and clean."
    _text(root, 20, y, head, 13, weight="bold")
    for row, reason in enumerate(reasons, start=1):
        _text(root, 34, y + LINE * row, f"{reason.code}: {reason.text}", 12)


def _text(
    root: ET.Element, x: float, y: float, text: str, size: int, colour: str = _INK, *,
    anchor: str = "start", weight: str = "normal",
) -> None:  # fmt: skip
    look = {"font-size": str(size), "fill": colour, "text-anchor": anchor, "font-weight": weight}
    element = ET.SubElement(root, "text", {"x": f"{x:g}", "y": f"{y:g}", **look})
    element.text = shown(text)


def _box(root: ET.Element, x: float, y: float, width: float, height: float, colour: str) -> ET.Element:
    place = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": f"{height:g}"}
    return ET.SubElement(root, "rect", {**place, "fill": colour})


def _rule(root: ET.Element, begin: Sequence[float], end: Sequence[float], colour: str, dash: str = "") -> None:
    place = {"x1": f"{begin[0]:g}", "y1": f"{begin[1]:g}", "x2": f"{end[0]:g}", "y2": f"{end[1]:g}"}
    ET.SubElement(root, "line", {**place, "stroke": colour, **({"stroke-dasharray": dash} if dash else {})})

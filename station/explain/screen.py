"""A parcel's story as a terminal picture."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from station.core.belt import Interval
from station.explain import words
from station.explain.story import Sensed, Story

_BAR = 20
_STRIP = 20
_ROUTES = {"pass": "green", "inspect": "yellow", "lost": "red", "unobserved": "red"}


def picture(story: Story) -> RenderableType:
    """Head, time line, readings against the parcel's place, and all reasons."""
    parts: list[RenderableType] = [_head(story), _time_line(story), _readings(story)]
    if story.decisions:
        parts.append(_reasons(story))
    return Group(*parts)


def _head(story: Story) -> RenderableType:
    done, decided = story.completed, story.decided
    end = done.outcome if done else ""
    text = Text(words.headline(decided, done))
    if warning := words.warning(decided, done):
        text.append(f"\n{warning}", "bold red")
    if done is not None:
        length = "unknown" if done.length_mm is None else f"{done.length_mm:g} mm"
        weight = "none" if done.weight_g is None else f"{done.weight_g:g} g"
        text.append(f"\nbarcode {', '.join(done.barcodes) or 'none'}; weight {weight}; length {length}")
        if done.adopted:
            text.append("\nthe station was started again while it was on the belt", "yellow")
        if done.mode != "automatic":
            text.append(f"\nthe diverter was in {done.mode}", "red")
        if done.exceptions:
            text.append(f"\nwithout {', '.join(done.exceptions)}, which the site's policy allows to be missing", "red")
    title = Text(f"parcel {story.ref.number} (epoch {story.ref.epoch}), entered {story.entered_at}")
    return Panel(text, title=title, title_align="left", border_style=_ROUTES.get(end, "none"))


def _time_line(story: Story) -> RenderableType:
    head = "Time line, and the share of the deadline"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=head, title_justify="left")
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("what", overflow="fold", min_width=17)
    table.add_column("", overflow="fold")
    longest = max([story.deadline_ms, *(step.at_ms for step in story.steps)])
    for step in story.steps:
        late = step.name.startswith(("decided", "ordered")) and step.at_ms > story.deadline_ms
        style = "cyan" if step.name == "deadline" else "red" if late else ""
        share = f"{step.at_ms / story.deadline_ms:.0%}" if story.deadline_ms > 0 else "-"
        mark, title = _mark(step.at_ms, story.deadline_ms, longest), Text(step.name, style or "bold")
        table.add_row(f"{step.at_ms:.0f}", share, mark, title, Text(step.detail, style))
    return table


def _mark(at_ms: float, deadline_ms: float, longest_ms: float) -> Text:
    """A bar up to the moment, with the deadline as a line across."""
    scale = _BAR / longest_ms if longest_ms > 0 else 0.0
    here, line = (min(_BAR - 1, max(0, int(ms * scale))) for ms in (at_ms, deadline_ms))
    text = Text()
    for cell in range(_BAR):
        if cell == line:
            text.append("│", "cyan")
        else:
            text.append("━" if cell < here else "●" if cell == here else " ", "red" if cell > line else "green")
    return text


def _readings(story: Story) -> RenderableType:
    if not story.readings:
        return Text("No reading could be the parcel's.\n", style="yellow")
    title = "Readings: where the belt was as each was taken (█), where the parcel was in the device's zone (─)"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for name in ("device", "said", "belt moved on by, mm", "whose"):
        table.add_column(name, overflow="fold", no_wrap=name.startswith("belt"))
    per_count = story.setup.geometry.mm_per_count
    for sensed in story.readings:
        whose = Text(words.match(sensed.record, story.ref.number), "green" if sensed.own else "red")
        said = Text(words.value(sensed.record))
        table.add_row(Text(sensed.record.device), said, _strip(sensed, story.track.entry, per_count), whose)
    return table


def _strip(sensed: Sensed, entry: int, mm_per_count: float) -> Text:
    """The two intervals on one scale, in mm of belt travel since the parcel entered."""
    taken, window = sensed.taken, sensed.window
    low, high = _ends(taken, window)
    cell = max(high - low, 1.0) / _STRIP
    text = Text(f"{(low - entry) * mm_per_count:5.0f} ", "dim")
    for index in range(_STRIP):
        place = Interval(low + index * cell, low + (index + 1) * cell)
        if place.meets(taken):
            text.append("█", "green" if place.meets(window) else "red")
        else:
            text.append("─" if place.meets(window) else " ", "cyan")
    text.append(f" {(high - entry) * mm_per_count:.0f}", "dim")
    return text


def _ends(taken: Interval, window: Interval) -> tuple[float, float]:
    """The stretch to be shown; an interval without a bound is cut where the other ends."""
    width = max(min(window.high, taken.high) - max(window.low, taken.low), window.high - window.low, 1.0)
    width = min(width, 20_000.0)
    low = max(min(window.low, taken.low), window.low - width)
    return low, min(max(window.high, taken.high), low + 3 * width)


def _reasons(story: Story) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Decisions, with all reasons", title_justify="left")
    for name in ("decided", "code", "reason", "device"):
        table.add_column(name, overflow="fold")
    for decided in story.decisions:
        route = Text(f"{decided.route}{', pass taken back' if decided.after else ''}", _ROUTES[decided.route])
        if not decided.reasons:
            table.add_row(route, "-", "evidence complete, its own, and clean", "")
        for reason in decided.reasons:
            table.add_row(route, Text(reason.code), Text(reason.text), Text(reason.device))
            route = Text("")
    return table

"""The demo's live view: the belt drawn with its parcels, devices, alarms, last decisions and rates."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from simulator.demo.run import Demo
from station import snapshot
from station.status import alarms, belt_line, counters, decisions, devices

_STYLE = {"pass": "black on green", "inspect": "black on red", None: "black on cyan"}


class View:
    """Draws what the station says of itself; `width` is the terminal's, in characters."""

    def __init__(self, config: Path, data: Path) -> None:
        self._data = data
        tree = yaml.safe_load(config.read_text(encoding="utf-8"))
        line = tree["line"]
        self._end_mm = float(line["exit_mm"]) + 300
        self._marks: list[tuple[float, str]] = [(mm, "eye") for mm in line["eyes_mm"][:-1]]
        self._marks += [
            (line["eyes_mm"][-1], "decision eye"),
            (line["diverter_mm"], "diverter"),
            (line["exit_mm"], "exit"),
        ]
        self._marks += [(sum(d["zone_mm"]) / 2, name) for name, d in tree["devices"].items()]

    def draw(self, width: int, note: str = "") -> RenderableType:
        """The whole screen."""
        look = snapshot.read(self._data)
        if look is None:
            return Text("The station is starting ...", style="yellow")
        completed = look["counters"].get("completed", 0)
        rows = [belt_line(look), self._belt(look, max(40, width - 4)), devices(look), alarms(look), decisions(look, 6)]
        title = Text(f"inspection station   {completed} parcels   {note}", style="bold")
        return Group(title, *rows, counters(look))

    def _belt(self, look: dict[str, Any], width: int) -> RenderableType:
        line = [" "] * width
        labels = [" "] * width
        for mm, name in sorted(self._marks):
            at = self._column(mm, width)
            line[at] = "┬" if name == "eye" else "▼"
            if name != "eye" and all(c == " " for c in labels[max(0, at - 1) : at + len(name) + 1]):
                start = min(at, width - len(name))
                labels[start : start + len(name)] = name
        names = Text("".join(labels)[:width], style="bold")
        ticks = Text("".join(line), style="yellow")
        belt = Text("─" * width, style="dim")
        for parcel in look["parcels"]:
            lead = self._column(parcel["place_mm"], width)
            trail = self._column(parcel["place_mm"] - max(parcel["length_mm"], 150), width)
            if lead > 0:
                label = str(parcel["number"] % 1000)
                box = label.center(max(lead - trail, len(label)), " ")
                start = max(0, lead - len(box))
                belt = belt[:start] + Text(box, style=_STYLE[parcel["route"]]) + belt[start + len(box) :]
        return Panel(Group(names, ticks, belt), title="belt", title_align="left")

    def _column(self, mm: float, width: int) -> int:
        return max(0, min(width - 1, int(mm / self._end_mm * width)))


def watch(running: Demo, console: Console, *, headless: bool, screenshot: Path | None) -> None:
    """Show the demo until it ends; headless, one line now and then."""
    view = View(running.config, running.data)
    if headless:
        for turn, _ in enumerate(running.watch()):
            if turn % 50 == 49:
                look = snapshot.read(running.data) or {"counters": {}}
                console.print(f"{look['counters'].get('completed', 0)} parcels", highlight=False)
    else:
        with Live(console=console, refresh_per_second=5, screen=True) as live:
            for _ in running.watch():
                live.update(view.draw(console.width, "Ctrl-C ends it"))
    if screenshot is not None:
        paper = Console(record=True, width=120, file=io.StringIO())
        paper.print(view.draw(120))
        paper.save_svg(str(screenshot), title="simulator demo")

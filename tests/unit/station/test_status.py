"""`station status` shows what the daemon wrote, whatever stands in it, and does not call a dead station alive."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from station.clock import now_utc, utc_text
from station.snapshot import FILE
from station.status import screen

MARKUP = ("A[/x]B", "A[red]B", "[bold]", "[", "]C1")


def written(tmp_path: Path, age_s: float = 0.5, **parts: Any) -> Path:
    """A folder with what a daemon wrote that long ago."""
    done = {
        "parcel": {"number": 7, "epoch": 1},
        "barcode": "4006381333931",
        "weight_g": 5000.0,
        "outcome": "pass",
        "route": "pass",
        "plc_why": "released",
        "ordered": True,
        "reasons": [],
    }
    plc = {"belt_running": True, "stop_cause": "", "live": True, "session": 5, "mode": "automatic"}
    look = {
        "running": True,
        "at": utc_text(now_utc() - timedelta(seconds=age_s)),
        "devices": {"scanner": {"connected": True, "age_s": 0.1, "detail": "connected"}},
        "plc": plc,
        "alarms": [],
        "counters": {},
        "last": [done | {"barcode": code} for code in parts.pop("codes", ["4006381333931"])],
        **parts,
    }
    (tmp_path / FILE).write_text(json.dumps(look))
    return tmp_path


def shown(data: Path) -> tuple[str, bool]:
    console = Console(file=io.StringIO(), width=160, record=True)
    view, running = screen(data)
    console.print(view)
    return console.export_text(), running


def test_codes_and_texts_are_shown_to_the_letter(tmp_path: Path) -> None:
    detail = {"scanner": {"connected": False, "age_s": None, "detail": "says [/nothing]"}}
    text, running = shown(written(tmp_path, codes=MARKUP, devices=detail))
    assert running
    assert all(code in text for code in (*MARKUP, "says [/nothing]"))


@pytest.mark.parametrize(
    ("age_s", "said"),
    [(60.0, "NOT RUNNING, last seen 60 s ago"), (-3600.0, "which is still to come: the clock was set back")],
)
def test_one_that_was_killed_does_not_run_whatever_the_clock_says(tmp_path: Path, age_s: float, said: str) -> None:
    text, running = shown(written(tmp_path, age_s))
    assert (running, said in text) == (False, True)
    assert "What follows is as it was then." in text


@pytest.mark.parametrize("content", ['{"running": true}', '{"at": 5}', '{"at": "yesterday", "running": true}'])
def test_what_another_version_wrote_is_said_to_be_that(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    text, running = shown(tmp_path)
    assert (running, "another version" in text) == (False, True)

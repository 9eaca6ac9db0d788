"""What a technician is told of the devices that can be connected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
import yaml
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from station.cli import app
from station.kinds import Key, about, example_of, keys_of
from station.plugins import installed_drivers

DRIVERS = installed_drivers()


class Deeper(BaseModel):
    """What lies below."""

    size: float = Field(default=1.5, gt=0, le=9)


class Example(BaseModel):
    host: str
    port: int = Field(default=5, ge=1, le=7, description="where it listens")
    parity: Literal["none", "even"] = "none"
    file: Path | None = None
    words: Mapping[int, str] = {}
    many: tuple[int, ...] = ()
    deeper: Deeper
    other: Deeper | None = Field(default=None, description="if there is one")


def test_every_key_is_told_with_what_it_takes_and_what_holds_without_it() -> None:
    assert list(keys_of(Example)) == [
        Key("host", "text", "", ""),
        Key("port", "whole number, at least 1, at most 7", "5", "where it listens"),
        Key("parity", "none or even", '"none"', ""),
        Key("file", "path", "none", ""),
        Key("words", "a mapping from whole number to text", "{}", ""),
        Key("many", "a list, each a whole number", "[]", ""),
        Key("deeper", "a mapping of the keys below", "", "What lies below."),
        Key("deeper.size", "number, over 0, at most 9", "1.5", ""),
        Key("other", "a mapping of the keys below", "none", "if there is one"),
        Key("other.size", "number, over 0, at most 9", "1.5", ""),
    ]


@pytest.mark.parametrize("kind", DRIVERS)
def test_an_example_can_be_copied_into_a_configuration(kind: str) -> None:
    tree = yaml.safe_load(example_of(kind, DRIVERS[kind]))
    assert tree.keys() == {"kind", "wire"}
    assert tree["kind"] == kind
    assert DRIVERS[kind].settings.model_validate(tree["wire"])


@pytest.mark.parametrize("kind", DRIVERS)
def test_every_kind_says_what_it_is_and_what_each_key_takes(kind: str) -> None:
    assert about(DRIVERS[kind])
    names = [key.name for key in keys_of(DRIVERS[kind].settings)]
    assert set(DRIVERS[kind].settings.model_fields) <= set(names)
    assert all("typing." not in key.takes for key in keys_of(DRIVERS[kind].settings))


def test_the_command_lists_them_shows_one_and_names_the_nearest() -> None:
    said = CliRunner().invoke(app, ["devices"])
    assert said.exit_code == 0
    assert all(kind in said.output for kind in DRIVERS)
    one = CliRunner().invoke(app, ["devices", "opencv-camera"])
    assert "source: rtsp://192.168.10.31/stream1" in one.output
    assert "frozen_after" in one.output
    wrong = CliRunner().invoke(app, ["devices", "opencv-camra"])
    assert wrong.exit_code == 2
    assert "did you mean 'opencv-camera'?" in wrong.output

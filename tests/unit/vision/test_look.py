"""What `station look` shows: findings, faults and quality by picture, and the picture with boxes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from station import cli
from station.cli import app
from station.core.events import Finding
from station.vision import ModelError, annotate
from station.vision.look import look
from tests.unit.vision.terminal import wide


def test_boxes_are_drawn_red_where_they_count_and_grey_where_not():
    white = np.full((60, 80, 3), 255, np.uint8)
    findings = (Finding("gun", 0.9, (10, 20, 30, 40)), Finding("gun", 0.2, (50, 20, 70, 40)))
    drawn = annotate(white, findings, {"gun": 0.5})
    assert (white == 255).all()
    red, grey = drawn[30, 10].astype(int), drawn[30, 50].astype(int)
    assert red[0] > 150 > red[1]
    assert red[2] < 100
    assert grey.max() - grey.min() == 0
    assert grey.max() < 200


def test_pictures_good_and_bad(tiny, tmp_path, make_png):
    good, cut, gone = tmp_path / "good.png", tmp_path / "cut.png", tmp_path / "gone.png"
    data = make_png(64, 64, rows=(b"\0" + bytes(range(192))) * 64)
    good.write_bytes(data)
    cut.write_bytes(data[:100])
    first, second, third = look([good, cut, gone], tiny.path, tmp_path / "out")
    assert (first.path, first.fault) == (good, "")
    assert [item.label for item in first.counted] == ["blade"]
    assert first.quality == "picture is smeared: rows repeat each other"
    assert first.drawn == tmp_path / "out" / "good.found.png"
    assert cv2.imread(str(first.drawn)).shape == (64, 64, 3)
    assert "ends early" in second.fault
    assert second.drawn is None
    assert "cannot be read" in third.fault


def test_beside_the_picture_if_no_folder_is_named(tiny, tmp_path, make_png):
    (tmp_path / "a.png").write_bytes(make_png(64, 64))
    (result,) = look([tmp_path / "a.png"], tiny.path)
    assert result.drawn == tmp_path / "a.found.png"
    assert result.quality == "picture is black"


def test_a_model_that_cannot_be_used(tmp_path):
    with pytest.raises(ModelError):
        look([], tmp_path / "none")


def test_two_pictures_of_one_name_are_drawn_into_two_files(tiny, tmp_path, make_png):
    paths = [tmp_path / folder / name for folder, name in (("a", "x.png"), ("b", "x.png"), ("c", "x-2.png"))]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(make_png(64, 64))
    drawn = [result.drawn.name for result in look(paths, tiny.path, tmp_path / "out")]
    assert drawn == ["x.found.png", "x-2.found.png", "x-2-2.found.png"]


def test_no_picture_is_drawn_over_before_it_is_looked_at(tiny, tmp_path, make_png):
    paths = [tmp_path / "x.png", tmp_path / "x.found.png"]
    for path in paths:
        path.write_bytes(make_png(64, 64))
    drawn = [result.drawn.name for result in look(paths, tiny.path)]
    assert drawn == ["x-2.found.png", "x.found.found.png"]
    assert paths[1].read_bytes() == make_png(64, 64)


def typed(*words):
    with wide(cli):
        said = CliRunner().invoke(app, ["look", *map(str, words)], catch_exceptions=False)
    return said.exit_code, " ".join((said.stdout + said.stderr).split())


def test_a_file_in_place_of_the_folder_to_draw_into_is_refused(tiny, tmp_path, make_png):
    picture = tmp_path / "a.png"
    picture.write_bytes(make_png(64, 64))
    code, text = typed(picture, "--model", tiny.path, "--out", picture)
    assert (code, "cannot be written (File exists): name another folder with --out" in text) == (2, True)


def test_a_picture_that_is_called_like_markup_is_shown_as_it_is(tiny, tmp_path, make_png):
    picture = tmp_path / "[red]a[" / "b].png"
    picture.parent.mkdir()
    picture.write_bytes(make_png(64, 64))
    code, text = typed(picture, tmp_path / "[x" / "gone].png", "--model", tiny.path, "--out", tmp_path / "[dim]out")
    assert (code, "[red]a[/b].png" in text, "[dim]out" in text) == (1, True, True)

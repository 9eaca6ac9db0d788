"""What `station look` shows: findings, faults and quality by picture, and the picture with boxes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from station.core.events import Finding
from station.vision import ModelError, annotate
from station.vision.look import look


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

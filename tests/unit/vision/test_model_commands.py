"""`station model ...` as a technician types it, on somebody else's model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from station.cli import app
from station.vision import load_model
from tests.unit.vision.onnx_bytes import network

CELLS = 8 * 8 + 4 * 4 + 2 * 2
BOX = [30.0, 26.0, 40.0, 36.0]


def typed(*words: object) -> Result:
    return CliRunner().invoke(app, ["model", *map(str, words)], catch_exceptions=False, env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLOv8 that finds one Pistol (0.8) and one Person (0.9) in the middle, whatever it is shown."""
    rows = np.zeros((1, 6, CELLS), np.float32)
    rows[0, :4, 5], rows[0, 4, 5] = BOX, 0.8
    rows[0, :4, 9], rows[0, 5, 9] = BOX, 0.9
    file = tmp_path_factory.mktemp("foreign") / "YOLO v8.onnx"
    names = {"names": "{0: 'Pistol', 1: 'Person'}"}
    file.write_bytes(network({"images": ((1, 3, 64, 64), np.float32)}, {"output0": rows}, metadata=names))
    return file


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO folder: two pictures without anything, and one with a pistol."""
    folder = tmp_path_factory.mktemp("labelled") / "set"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(3):
        pixels = cv2.GaussianBlur(rng.integers(0, 256, (64, 64, 3), np.uint8), (5, 5), 1)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), pixels)
    labels = {
        "categories": [{"id": 1, "name": "Pistol"}],
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(3)],
        "annotations": [{"image_id": 2, "category_id": 1, "bbox": [10, 8, 40, 36]}],
    }
    (folder / "labels.json").write_text(json.dumps(labels), "utf-8")
    return folder


@pytest.fixture(scope="module")
def made(foreign: Path, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder that `add` makes of it."""
    out, images = tmp_path_factory.mktemp("added") / "made", labelled / "images"
    words = "--word", "Person=", "--golden", images / "0.png", "--pictures", images
    ran = typed("add", foreign, "--out", out, *words)
    assert ran.exit_code == 0, ran.output
    return out


@pytest.fixture
def pictures(labelled: Path, tmp_path: Path) -> Path:
    """The labelled pictures, to be spoilt."""
    return Path(shutil.copytree(labelled, tmp_path / "set"))


@pytest.fixture
def added(made: Path, tmp_path: Path) -> Path:
    """The model folder, to be spoilt."""
    return Path(shutil.copytree(made, tmp_path / "models" / "made"))


def test_a_foreign_model_becomes_a_folder_that_holds(added: Path) -> None:
    model = load_model(added)
    assert (model.words, model.spec.decode.decoder) == (("gun",), "yolov8")
    (golden,) = model.spec.golden
    assert [(item.label, item.score) for item in golden.expect] == [("gun", 0.8)]
    assert golden.expect[0].box == pytest.approx((10.0, 8.0, 50.0, 44.0))
    assert set(model.spec.gate.measures) == {"sharpness", "colour", "warmth", "dense", "ground", "black"}
    ran = typed("verify", added)
    assert (ran.exit_code, "holds" in ran.output) == (0, True)


def test_what_lies_there_already_is_left_alone(added: Path, foreign: Path) -> None:
    before = (added / "model.yaml").read_bytes()
    ran = typed("add", foreign, "--out", added)
    assert ran.exit_code == 2
    assert "there already" in ran.stderr
    assert (added / "model.yaml").read_bytes() == before


def test_a_file_that_is_no_model_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "page.onnx").write_bytes(b"<html>")
    ran = typed("add", tmp_path / "page.onnx", "--out", tmp_path / "made")
    assert (ran.exit_code, (tmp_path / "made").exists()) == (2, False)
    assert "is not an ONNX model" in " ".join(ran.stderr.split())


def test_list_and_show_tell_what_it_is(added: Path) -> None:
    ran = typed("list", added.parent)
    assert ran.exit_code == 0
    assert "gun" in ran.output
    shown = typed("show", added)
    assert "Pistol = gun: from 0.25 on" in shown.output
    assert "Person: no hazard, left out" in shown.output


def test_list_names_what_cannot_be_used(added: Path) -> None:
    (added / "model.onnx").write_bytes(b"cut")
    ran = typed("list", added.parent)
    assert (ran.exit_code, "is not the model that model.yaml describes" in " ".join(ran.output.split())) == (1, True)
    assert typed("verify", added).exit_code == 1


def test_more_golden_pictures_are_added(added: Path, pictures: Path) -> None:
    ran = typed("golden", added, pictures / "images" / "1.png")
    assert (ran.exit_code, "gun 0.80" in ran.output) == (0, True)
    assert [item.file for item in load_model(added).spec.golden] == ["0.png", "1.png"]


def test_evaluate_counts_by_class_in_the_stations_words(added: Path, pictures: Path) -> None:
    """It finds the same in all three, and rightly so in the last: precision is a third."""
    ran = typed("evaluate", added, pictures)
    assert ran.exit_code == 0, ran.output
    cells = [line.replace("│", " ").split() for line in ran.output.splitlines() if "gun" in line]
    assert cells[0] == ["gun", "1", "1", "1", "2", "2", "1", "1"]
    assert cells[1] == ["gun", "0.333", "0.333", "0.333"]


def test_thresholds_are_chosen_and_written_only_when_asked(added: Path, pictures: Path) -> None:
    """The same score everywhere: to flag no clean picture, nothing may be flagged."""
    before = (added / "model.yaml").read_bytes()
    ran = typed("thresholds", added, pictures, "--false-alarms", "0%")
    assert (ran.exit_code, "0.0% of 1 with something in them" in ran.output) == (0, True)
    assert (added / "model.yaml").read_bytes() == before


def test_thresholds_that_no_golden_picture_would_reach_are_not_written(added: Path, pictures: Path) -> None:
    before = (added / "model.yaml").read_bytes()
    ran = typed("thresholds", added, pictures, "--false-alarms", "0%", "--write")
    assert (ran.exit_code, "choose a picture" in " ".join(ran.stderr.split())) == (2, True)
    assert (added / "model.yaml").read_bytes() == before


def test_thresholds_are_written_with_what_the_golden_pictures_show_by_them(added: Path, pictures: Path) -> None:
    """One of the two clean pictures may be flagged, and the other cannot be read."""
    (pictures / "images" / "1.png").write_bytes(b"\x89PNG")
    assert typed("thresholds", added, pictures, "--false-alarms", "50%", "--write").exit_code == 0
    assert yaml.safe_load((added / "model.yaml").read_text("utf-8"))["thresholds"]["gun"] < 0.8
    assert load_model(added).words == ("gun",)


@pytest.mark.parametrize("share", ["five", "100%", "-1%", "1.5"])
def test_a_share_that_is_none_is_refused(added: Path, pictures: Path, share: str) -> None:
    ran = typed("thresholds", added, pictures, f"--false-alarms={share}")
    assert (ran.exit_code, "is no share" in ran.stderr) == (2, True)


def test_a_folder_without_labels_is_refused(added: Path, tmp_path: Path) -> None:
    ran = typed("evaluate", added, tmp_path)
    assert (ran.exit_code, "holds no labelled pictures" in " ".join(ran.stderr.split())) == (2, True)


def test_bench_tells_both_ways_and_their_ratio(added: Path) -> None:
    ran = typed("bench", added, "--rounds", "10")
    assert ran.exit_code == 0
    assert float(ran.output.split()[-1]) > 0

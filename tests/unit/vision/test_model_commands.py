"""`station model ...` as a technician types it, on somebody else's model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import resource
import shutil
import weakref
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from station import cli_measure
from station.cli import app
from station.core.events import Finding
from station.vision import DetectorFault, ModelError, load_model, read_picture
from station.vision.seen import Seen
from station.vision.store import gate_of
from tests.unit.vision.onnx_bytes import filling, network
from tests.unit.vision.terminal import wide

CELLS = 8 * 8 + 4 * 4 + 2 * 2
GUN = (10.0, 8.0, 50.0, 44.0)
BOX = [30.0, 26.0, 40.0, 36.0]


def typed(*words: object) -> Any:
    with wide(cli_measure):
        return CliRunner().invoke(app, ["model", *map(str, words)], catch_exceptions=False)


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


def test_a_file_that_asks_for_all_memory_is_refused_and_the_command_goes_on_to_say_so(tmp_path: Path) -> None:
    bomb, out = tmp_path / "bomb.onnx", tmp_path / "bomb"
    bomb.write_bytes(filling((1, 3, 64, 64), (1, 100_000, 100_000), (1, "cells", 5)))
    before = resource.getrlimit(resource.RLIMIT_AS)
    ran = typed("add", bomb, "--out", out, "--decoder", "boxes_then_scores", "--class", "gun")
    assert ran.exit_code == 2
    wanted = f"{bomb} wants more memory than a model may have here"
    assert "".join(wanted.split()) in "".join(ran.output.split()), "however the terminal breaks it"
    assert not out.exists()
    assert resource.getrlimit(resource.RLIMIT_AS) == before


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


def test_one_whose_golden_pictures_show_nothing_is_told_to_need_some(added: Path) -> None:
    tree = yaml.safe_load((added / "model.yaml").read_text("utf-8"))
    tree["golden"] = []
    (added / "model.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    ran = typed("verify", added)
    said = " ".join((ran.output + ran.stderr).split())
    assert (ran.exit_code, "no golden picture shows that it still sees: give it some" in said) == (1, True)
    assert "no golden picture shows that it still sees" in typed("show", added).output


def test_one_whose_gate_measures_nothing_is_told_to_need_one_and_gets_it(added: Path, pictures: Path) -> None:
    whole = yaml.safe_load((added / "model.yaml").read_text("utf-8"))
    (added / "model.yaml").write_text(yaml.safe_dump(whole | {"gate": {}}), "utf-8")
    ran = typed("verify", added)
    assert (ran.exit_code, "NO its gate measures nothing" in ran.output, "model gate" in ran.output) == (1, True, True)
    assert typed("gate", added, pictures / "labels.json").exit_code == 2
    ran = typed("gate", added, pictures / "images")
    assert (ran.exit_code, "sharpness" in ran.output) == (0, True)
    assert yaml.safe_load((added / "model.yaml").read_text("utf-8")) == whole
    assert typed("verify", added).exit_code == 0


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
    told = " ".join(ran.output.split())
    assert "0 of 2 pictures without any are flagged, and of 1 with one 0 have it found in its place" in told


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


def test_thresholds_are_written_with_what_the_golden_pictures_show_by_them(
    added: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is found in the clean pictures."""
    pistol = Seen((("gun", GUN),), (Finding("gun", 0.8, GUN),), inference_ms=1.0)
    monkeypatch.setattr("station.cli_measure.see_dataset", lambda *_: [Seen((), ()), Seen((), ()), pistol])
    assert typed("thresholds", added, pictures, "--write").exit_code == 0
    assert yaml.safe_load((added / "model.yaml").read_text("utf-8"))["thresholds"]["gun"] < 0.8
    assert load_model(added).words == ("gun",)


def test_pictures_that_cannot_be_read_are_named_and_count_for_nothing(added: Path, pictures: Path) -> None:
    (pictures / "images" / "1.png").write_bytes(b"\x89PNG")
    for command in ("evaluate", "thresholds"):
        ran = typed(command, added, pictures)
        assert ran.exit_code == 0, ran.output
        assert "Pictures without an answer: 1" in ran.output
        assert "images/1.png: " in "".join(ran.output.split("\n"))
    assert "of 1 clean" in ran.output


def test_of_many_pictures_that_cannot_be_read_ten_are_named(added: Path, pictures: Path) -> None:
    tree = json.loads((pictures / "labels.json").read_text("utf-8"))
    tree["images"] = [{"id": number, "file_name": f"{number}.png"} for number in range(15)]
    (pictures / "labels.json").write_text(json.dumps(tree), "utf-8")
    for number in range(3, 15):
        (pictures / "images" / f"{number}.png").write_bytes(b"no picture")
    ran = typed("evaluate", added, pictures)
    assert (ran.exit_code, ran.output.count("no picture"), "and 2 more" in ran.output) == (0, 0, True)
    assert ran.output.count("set/images/") == 10


def test_classes_that_the_model_does_not_have_are_named_with_those_that_it_has(added: Path, pictures: Path) -> None:
    tree = json.loads((pictures / "labels.json").read_text("utf-8"))
    tree["categories"][0]["name"] = "scissors"
    (pictures / "labels.json").write_text(json.dumps(tree), "utf-8")
    for command in ("evaluate", "thresholds"):
        ran = typed(command, added, pictures)
        said = " ".join(ran.stderr.split())
        assert (ran.exit_code, "has scissors labelled, and the model finds gun" in said) == (2, True)


def changed(network_bytes: bytes, folder: Path) -> dict[str, bytes]:
    """Put another network into a folder, as it should be put; what lies in the folder then."""
    tree = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    tree["model_sha256"] = hashlib.sha256(network_bytes).hexdigest()
    (folder / "model.onnx").write_bytes(network_bytes)
    (folder / "model.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    return lying(folder)


def lying(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_change_that_does_not_hold_leaves_the_folder_as_it_was(
    added: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lying(added)

    def fails(folder: Path) -> None:
        assert "1.png" in (folder / "model.yaml").read_text("utf-8")
        raise ModelError(f"{folder}: it sees nothing")

    monkeypatch.setattr("station.vision.store.try_out", fails)
    ran = typed("golden", added, pictures / "images" / "1.png")
    assert (ran.exit_code, f"{added}: it sees nothing" in "".join(ran.stderr.split("\n"))) == (2, True)
    assert lying(added) == before
    assert [path.name for path in added.parent.iterdir()] == ["made"]


def test_what_fails_at_its_trial_leaves_no_folder(
    foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(folder: Path) -> None:
        raise ModelError(f"{folder}: it crashes")

    monkeypatch.setattr("station.vision.store.try_out", fails)
    ran = typed("add", foreign, "--out", tmp_path / "made")
    assert (ran.exit_code, list(tmp_path.iterdir())) == (2, [])


def test_a_golden_picture_replaces_no_other_of_its_name(added: Path, pictures: Path, tmp_path: Path) -> None:
    before = (added / "golden" / "0.png").read_bytes()
    other = tmp_path / "other" / "0.png"
    other.parent.mkdir()
    shutil.copy(pictures / "images" / "2.png", other)
    for _ in range(2):
        assert typed("golden", added, pictures / "images" / "0.png", other, other).exit_code == 0
        names = [item.file for item in load_model(added).spec.golden]
        assert names == ["0.png", f"0-{hashlib.sha256(other.read_bytes()).hexdigest()[:8]}.png"]
        assert (added / "golden" / "0.png").read_bytes() == before
        assert (added / "golden" / names[1]).read_bytes() == other.read_bytes()


def test_a_golden_finding_without_area_is_refused(added: Path, pictures: Path) -> None:
    rows = np.zeros((1, 6, CELLS), np.float32)
    rows[0, :4, 5], rows[0, 4, 5] = [30.0, 26.0, 0.01, 36.0], 0.8
    tree = yaml.safe_load((added / "model.yaml").read_text("utf-8")) | {"golden": []}
    (added / "model.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    before = changed(network({"images": ((1, 3, 64, 64), np.float32)}, {"output0": rows}), added)
    ran = typed("golden", added, pictures / "images" / "1.png")
    assert (ran.exit_code, "has no area: choose another picture" in " ".join(ran.stderr.split())) == (2, True)
    assert lying(added) == before


def test_what_looks_like_markup_is_printed_as_it_is(foreign: Path, pictures: Path, tmp_path: Path) -> None:
    """A class, a group, a folder with brackets: rich would leave them out, or end with an error at a closing one."""
    out = tmp_path / "[bold]models" / "a_b"
    ran = typed(
        "add", foreign, "--class", "Gun[/red]", "--class", "[dim]", "--word", "Gun[/red]=gun", "--word", "[dim]=",
        "--out", out,
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "[bold]models" in ran.output
    shown = typed("show", out).output
    assert "Gun[/red] = gun" in shown
    assert "[dim]: no hazard" in shown
    tree = json.loads((pictures / "labels.json").read_text("utf-8"))
    tree["images"][0]["group"] = "[/old]"
    tree["categories"][0]["name"] = "Gun[/red]"
    (pictures / "labels.json").write_text(json.dumps(tree), "utf-8")
    ran = typed("evaluate", out, pictures)
    assert (ran.exit_code, "[/old]" in ran.output) == (0, True)
    (out / "model.yaml").write_text("[/red]", "utf-8")
    assert "[bold]models" in "".join(typed("list", out.parent).output.split("\n"))


def test_bench_on_a_model_without_an_answer_says_so(
    added: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise DetectorFault("more than 300 findings")

    monkeypatch.setattr("station.vision.bench.Detector.detect", fails)
    ran = typed("bench", added, "--rounds", "10", "--picture", pictures / "images" / "1.png")
    assert (ran.exit_code, "gives no answer to time (more than 300 findings)" in " ".join(ran.stderr.split())) == (
        2,
        True,
    )


def test_a_name_that_the_station_cannot_use_is_made_one(foreign: Path, tmp_path: Path) -> None:
    file = tmp_path / "größe²-8.onnx"
    shutil.copy(foreign, file)
    with contextlib.chdir(tmp_path):
        ran = typed("add", file)
    assert ran.exit_code == 0, ran.output
    assert load_model(tmp_path / "models" / "gr__e__8").spec.name == "gr__e__8"


def test_the_gate_is_measured_without_all_pictures_in_memory(
    added: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[np.ndarray]] = []
    most = 0

    def read(data: bytes, depth: int) -> np.ndarray:
        nonlocal most
        pixels = read_picture(data, depth=depth)
        held.append(weakref.ref(pixels))
        most = max(most, sum(item() is not None for item in held))
        return pixels

    monkeypatch.setattr("station.vision.store.read_picture", read)
    assert gate_of(load_model(added), [pictures / "images" / "0.png"] * 10).tree["sides_px"] == [32, 128]
    assert (len(held), most) == (10, 2)


def test_a_picture_in_place_of_a_folder_of_them_is_refused(foreign: Path, pictures: Path, tmp_path: Path) -> None:
    ran = typed("add", foreign, "--out", tmp_path / "made", "--pictures", pictures / "images" / "0.png")
    assert (ran.exit_code, "is not a folder: name the folder" in " ".join(ran.stderr.split())) == (2, True)


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


def test_pictures_of_16_bits_are_read_where_that_is_said(added: Path, pictures: Path, tmp_path: Path) -> None:
    """The tools had said to set `depth`, which was set; a golden picture is kept with 8 bits."""
    deep = Path(shutil.copytree(pictures, tmp_path / "deep"))
    for path in (deep / "images").glob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path)).astype(np.uint16) << 8)
    one = deep / "images" / "1.png"
    assert typed("golden", added, one).exit_code == 2
    ran = typed("golden", added, one, "--depth", 16)
    assert (ran.exit_code, "gun 0.80" in ran.output) == (0, True)
    kept = cv2.imread(str(added / "golden" / "1.png"), cv2.IMREAD_UNCHANGED)
    assert kept.dtype == np.uint8
    assert typed("gate", added, deep / "images", "--depth", 16).exit_code == 0
    assert "Pictures without an answer: 3" in typed("evaluate", added, deep).output
    assert "Pictures without an answer" not in typed("evaluate", added, deep, "--depth", 16).output
    assert typed("bench", added, "--picture", one, "--rounds", 10, "--depth", 16).exit_code == 0
    assert typed("gate", added, deep / "images", "--depth", 10).exit_code == 2


def test_a_gate_says_what_it_was_measured_on(added: Path, pictures: Path) -> None:
    cv2.imwrite(str(pictures / "images" / "black.png"), np.zeros((64, 64, 3), np.uint8))
    ran = typed("gate", added, pictures / "images")
    said = " ".join(ran.output.split())
    assert ran.exit_code == 0
    assert "black.png: picture is black" in said
    assert "different picture(s): too few to know the machine by" in said
    for path in (pictures / "images").glob("[0-9].png"):
        path.unlink()
    assert typed("gate", added, pictures / "images").exit_code == 2

"""Another image model for a running station: copied whole, tried in a process of its own, and known after a start."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from station.releases import FOLDER, MOST_STAGED, Releases, check_thresholds, release_of, stage_model, take_up
from station.vision import ModelError
from station.vision.load import read_model

SHIPPED = Path(__file__).parents[3] / "models" / "xray18"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder in which the shipped model lies, and its release."""
    data = tmp_path_factory.mktemp("data")
    return data, stage_model(data, SHIPPED)


@pytest.fixture
def data(staged: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(staged[0], tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def release(staged: tuple[Path, str]) -> str:
    return staged[1]


def releases(
    data: Path, thresholds: Mapping[str, float] | None = None, running: str = ""
) -> tuple[Releases, list[str]]:
    starts: list[str] = []
    return Releases(data, "configured", running, thresholds or {}, lambda: starts.append("again")), starts


def test_a_copy_holds_what_the_model_needs_and_nothing_else(data: Path, release: str) -> None:
    names = {str(path.relative_to(data / FOLDER / release)) for path in (data / FOLDER / release).rglob("*.*")}
    golden = {f"golden/{path.name}" for path in (SHIPPED / "golden").iterdir()}
    assert names == {"model.yaml", "model.onnx", *golden}
    assert stage_model(data, SHIPPED) == release == release_of(SHIPPED)
    assert [path.name for path in (data / FOLDER).iterdir()] == [release]


def test_what_cannot_be_used_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a folder"):
        stage_model(tmp_path, tmp_path / "none")
    assert not (tmp_path / FOLDER).exists()


def without_proof(folder: Path) -> str:
    """Let its golden pictures expect nothing; its release."""
    tree = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    blank = cv2.imencode(".png", np.full((300, 400, 3), 255, np.uint8))[1].tobytes()
    (folder / "golden" / "blank.png").write_bytes(blank)
    tree["golden"] = [{"file": "blank.png", "sha256": hashlib.sha256(blank).hexdigest(), "expect": []}]
    (folder / "model.yaml").write_text(yaml.safe_dump(tree), "utf-8")
    return release_of(folder)


def test_one_whose_golden_pictures_show_nothing_is_given_to_no_running_station(data: Path, tmp_path: Path) -> None:
    """Not copied by the command, nor accepted by the station where it lies there all the same."""
    other = Path(shutil.copytree(SHIPPED, tmp_path / "other"))
    release = without_proof(other)
    with pytest.raises(ModelError, match="no golden picture shows that it still sees: give it some"):
        stage_model(data, other)
    shutil.copytree(other, data / FOLDER / release)
    with pytest.raises(ModelError, match="no golden picture shows that it still sees: give it some"):
        releases(data)[0].tried(release)


def test_models_that_lie_there_have_an_end(tmp_path: Path) -> None:
    for number in range(MOST_STAGED):
        (tmp_path / FOLDER / str(number)).mkdir(parents=True)
    (tmp_path / FOLDER / "cut.part").mkdir()
    with pytest.raises(ModelError, match="remove one"):
        stage_model(tmp_path, SHIPPED)


def test_the_one_that_was_commanded_is_taken_up(data: Path, release: str) -> None:
    detector, fault = take_up(SHIPPED, data, release)
    assert (detector.model.path, fault) == (data / FOLDER / release, "")
    assert take_up(SHIPPED, data, "")[0].model.path == SHIPPED


SPOILT: dict[str, Callable[[Path], object]] = {
    "gone": shutil.rmtree,
    "another model.yaml": lambda folder: (folder / "model.yaml").write_text("format: 1\n"),
    "cut model": lambda folder: (folder / "model.onnx").write_bytes(b"\x08"),
    "no picture": lambda folder: (folder / "golden" / "gun-knife-battery.png").unlink(),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_one_that_is_spoilt_is_not_used_and_the_configured_one_is(
    data: Path, release: str, spoil: Callable[[Path], object]
) -> None:
    spoil(data / FOLDER / release)
    detector, fault = take_up(SHIPPED, data, release)
    assert detector.model.path == SHIPPED
    assert "give the model again with `station model use`" in fault
    with pytest.raises(ModelError, match=release[:12]):
        releases(data)[0].tried(release)


def test_one_that_is_spoilt_is_mended_by_giving_it_again(data: Path, release: str) -> None:
    (data / FOLDER / release / "model.onnx").write_bytes(b"cut")
    assert stage_model(data, SHIPPED) == release
    assert take_up(SHIPPED, data, release)[1] == ""


def test_what_lies_in_the_place_of_the_note_on_trials_stops_no_start(data: Path) -> None:
    (data / FOLDER).mkdir(exist_ok=True)
    (data / FOLDER / "tried.txt").write_bytes(b"\xff\xfe")
    assert take_up(SHIPPED, data, "")[0].model.path == SHIPPED


def test_one_that_passes_its_test_and_knows_what_the_policy_names_can_be_given(data: Path, release: str) -> None:
    model = releases(data, {"gun": 0.4, "knife": 0.5})[0].tried(release)
    assert (model.release, model.over) == (release, "configured")
    assert model.model_sha256 == take_up(SHIPPED, data, "")[0].model.sha256
    with pytest.raises(ModelError, match=r"policy\.thresholds names bomb; the model knows gun"):
        releases(data, {"bomb": 0.4, "gun": 0.4})[0].tried(release)


@pytest.mark.parametrize("score", [0.001, 1.0])
def test_one_by_which_a_threshold_of_the_policy_would_mean_nothing_is_refused(
    data: Path, release: str, score: float
) -> None:
    said = rf"policy\.thresholds: knife {score:g}: the model reports nothing below 0\.02"
    with pytest.raises(ModelError, match=said):
        releases(data, {"gun": 0.4, "knife": score})[0].tried(release)
    with pytest.raises(ModelError, match=said):
        check_thresholds({"knife": score}, read_model(SHIPPED))
    check_thresholds({"knife": 0.02, "gun": 0.999}, read_model(SHIPPED))


def test_a_trial_that_is_ended_is_no_result(data: Path, release: str) -> None:
    known, _ = releases(data)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(known.tried, release)
        while not result.done():
            known.end()
    with pytest.raises(ModelError, match="ended without a word"):
        result.result()


def test_a_start_follows_unless_it_runs_already(data: Path) -> None:
    known, starts = releases(data, running="a")
    known.take("a")
    assert starts == []
    known.take("b")
    assert starts == ["again"]

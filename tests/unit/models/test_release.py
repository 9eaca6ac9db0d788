"""A new release takes the place of the one before only once it is proved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.release import put
from station.vision import ModelError, load_model

SHIPPED = Path(__file__).parents[3] / "models" / "xray18"


@pytest.fixture
def before(tmp_path: Path) -> Path:
    folder = tmp_path / "xray18"
    shutil.copytree(SHIPPED, folder)
    return folder


def release(folder: Path) -> tuple[dict[str, Any], bytes, dict[str, bytes]]:
    tree = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    first, *_ = tree["golden"]
    tree["golden"] = [first]
    tree["thresholds"]["gun"] = 0.5
    return tree, (folder / "model.onnx").read_bytes(), {first["file"]: (folder / "golden" / first["file"]).read_bytes()}


def test_card_and_figures_stay_and_golden_pictures_of_before_go(before: Path) -> None:
    tree, onnx, golden = release(before)
    put(before, tree, onnx, golden)
    model = load_model(before)
    assert model.thresholds["gun"] == 0.5
    assert [path.name for path in (before / "golden").iterdir()] == list(golden)
    for kept in ("card.md", "figures/classes.md"):
        assert (before / kept).read_bytes() == (SHIPPED / kept).read_bytes()
    assert [path.name for path in before.parent.iterdir()] == ["xray18"]


def test_what_does_not_hold_leaves_the_one_before_as_it_was(before: Path) -> None:
    tree, onnx, golden = release(before)
    with pytest.raises(ModelError):
        put(before, tree, onnx[:-1000], golden)
    assert {path.name: path.read_bytes() for path in before.iterdir() if path.is_file()} == {
        path.name: path.read_bytes() for path in SHIPPED.iterdir() if path.is_file()
    }
    assert [path.name for path in before.parent.iterdir()] == ["xray18"]


def test_a_first_release_needs_no_folder_before(before: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    put(first, *release(before))
    assert load_model(first).thresholds["gun"] == 0.5

"""A model folder that is not what it says is refused, with one sentence that names the file and what to do."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from station.vision import Detector, DetectorFault, ModelError, load_model

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 3600000\n"


def _refusal(folder, match: str) -> str:
    with pytest.raises(ModelError, match=match) as caught:
        load_model(folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(folder) in sentence
    return sentence


def test_a_whole_folder_loads(tiny):
    model = load_model(tiny.path)
    assert model.words == ("can", "blade")
    assert model.thresholds == {"can": 0.5, "blade": 0.6}
    assert model.sha256 == hashlib.sha256(tiny.onnx).hexdigest()


def test_no_folder(tmp_path):
    _refusal(tmp_path / "nowhere", "is not a folder")


@pytest.mark.parametrize("name", ["model.yaml", "model.onnx", "golden/any.png"])
def test_a_missing_file(tiny, name):
    (tiny.path / name).unlink()
    assert name in _refusal(tiny.path, "cannot be read")


@pytest.mark.parametrize("name", ["model.yaml", "model.onnx", "golden/any.png"])
def test_an_empty_file(tiny, name):
    (tiny.path / name).write_bytes(b"")
    assert name in _refusal(tiny.path, "is empty")


@pytest.mark.parametrize("name", ["model.yaml", "model.onnx", "golden/any.png"])
def test_a_git_lfs_pointer(tiny, name):
    (tiny.path / name).write_bytes(POINTER)
    assert name in _refusal(tiny.path, "git lfs pull")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_model_cut_short(shipped, kept):
    (shipped.path / "model.onnx").write_bytes(shipped.onnx[: int(len(shipped.onnx) * kept)])
    _refusal(shipped.path, "model.onnx is not the model that model.yaml describes")


def test_a_cut_model_described_as_such(shipped):
    shipped.onnx = shipped.onnx[: len(shipped.onnx) // 2]
    _refusal(shipped.write(), "only a part of one")


@pytest.mark.parametrize("onnx", [b"hello, this is not a model", bytes(1000), b"\x89PNG\r\n\x1a\n" * 9])
def test_not_onnx(tiny, onnx):
    tiny.onnx = onnx
    _refusal(tiny.write(), "is not an ONNX model")


def test_another_model(tiny, make_onnx, make_rows):
    tiny.onnx = make_onnx(make_rows([0, 0, 1, 1, 0.0, 0.0]))
    _refusal(tiny.write(rehash=False), "SHA-256")


@pytest.mark.parametrize("newer", [{"ir": 99}, {"opset": 99}])
def test_a_newer_onnx_version(tiny, make_onnx, make_rows, newer):
    tiny.onnx = make_onnx(make_rows([16, 8, 48, 40, 0.0, 0.8]), **newer)
    _refusal(tiny.write(), "newer ONNX version")


@pytest.mark.parametrize("present", [False, True])
def test_weights_in_another_file(tiny, make_onnx, make_rows, present, monkeypatch):
    """Present or not, it is refused: the hash of model.onnx would not cover that file."""
    tiny.onnx = make_onnx(make_rows([16, 8, 48, 40, 0.0, 0.8]), external=True)
    monkeypatch.chdir(tiny.path)
    if present:
        (tiny.path / "weights.bin").write_bytes(np.array([16, 8, 48, 40, 0.0, 0.8], "<f4").tobytes())
    _refusal(tiny.write(), "one file")


def test_a_class_dropped_added_or_reordered(shipped):
    whole = list(shipped.tree["classes"])
    for classes in (whole[:-1], [*whole, "rabbit"], [whole[1], whole[0], *whole[2:]]):
        shipped.tree["classes"] = classes
        _refusal(shipped.write(), "classes_sha256")


@pytest.mark.parametrize("change", [-1, 1])
def test_a_class_dropped_or_added_with_its_hash(shipped, change):
    classes = shipped.tree["classes"][:change] if change < 0 else [*shipped.tree["classes"], "rabbit"]
    shipped.tree["classes"] = classes
    shipped.tree["classes_sha256"] = hashlib.sha256("\n".join(classes).encode()).hexdigest()
    shipped.tree["thresholds"] = dict.fromkeys(classes, 0.5)
    shipped.tree["golden"] = [g for g in shipped.tree["golden"] if all(e["label"] in classes for e in g["expect"])]
    _refusal(shipped.write(), "do not fit")


def test_classes_reordered_with_their_hash_fail_on_the_golden_pictures(shipped):
    classes = shipped.tree["classes"][::-1]
    shipped.tree["classes"] = classes
    shipped.tree["classes_sha256"] = hashlib.sha256("\n".join(classes).encode()).hexdigest()
    _refusal(shipped.write(), "golden picture")


def test_colours_exchanged_in_the_yaml_fail_on_the_golden_pictures(shipped):
    shipped.tree["input"]["colour"] = "bgr"
    _refusal(shipped.write(), "golden picture")


@pytest.mark.parametrize(("key", "value"), [("width", 384), ("height", 416), ("name", "images")])
def test_an_input_of_another_shape_or_name(shipped, key, value):
    shipped.tree["input"][key] = value
    _refusal(shipped.write(), "model.onnx takes pixels.*model.yaml says")


def test_an_output_of_another_shape(tiny, make_onnx):
    tiny.onnx = make_onnx(np.zeros((1, 6), np.float32))
    _refusal(tiny.write(), "do not fit the 2 classes")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_output_that_is_not_a_number(tiny, make_onnx, make_rows, bad):
    """The golden pictures are looked at before the line starts, so this is found there."""
    tiny.onnx = make_onnx(make_rows([16, 8, 48, 40, 0.0, bad]))
    with pytest.raises((ModelError, DetectorFault), match="not a number"):
        load_model(tiny.write())


def test_a_golden_picture_exchanged(shipped):
    first, second = (item["file"] for item in shipped.tree["golden"][:2])
    (shipped.path / "golden" / first).write_bytes((shipped.path / "golden" / second).read_bytes())
    _refusal(shipped.path, "is not the picture that model.yaml means")


@pytest.mark.parametrize("where", [(), ("input",), ("decode",), ("gate",), ("training",), ("golden", 0)])
def test_an_unknown_key(tiny, where):
    part = tiny.tree
    for step in where:
        part = part[step]
    part["colour_order"] = "rgb"
    _refusal(tiny.write(), "colour_order: there is no such key")


@pytest.mark.parametrize("key", ["format", "classes", "thresholds", "input", "decode"])
def test_a_missing_key(tiny, key):
    del tiny.tree[key]
    assert key in _refusal(tiny.write(), "model.yaml")


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"can": 0.5}, "exactly one for each of blade, can"),
        ({"can": 0.5, "blade": 0.6, "gun": 0.5}, "exactly one for each of blade, can"),
        ({"can": 0.5, "blade": 0.01}, "under decode.floor"),
        ({"can": 0.5, "blade": 1.5}, "less than 1"),
        ({"can": 0.5, "blade": "0.6"}, "valid number"),
    ],
)
def test_thresholds_that_do_not_fit(tiny, thresholds, said):
    tiny.tree["thresholds"] = thresholds
    _refusal(tiny.write(), said)


def test_an_unknown_decoder(tiny):
    tiny.tree["decode"]["decoder"] = "anchors"
    _refusal(tiny.write(), "this station knows boxes_then_scores")


@pytest.mark.parametrize("text", ["a: [1, 2", "\t- x", "just words", "when: 2024-01-01\n", ""])
def test_a_yaml_that_is_none_or_another(tiny, text):
    (tiny.path / "model.yaml").write_text(text, "utf-8")
    _refusal(tiny.path, "model.yaml")


def test_bytes_that_are_no_text(tiny):
    (tiny.path / "model.yaml").write_bytes(b"\xff\xfe\x00\x01")
    _refusal(tiny.path, "model.yaml")


def test_a_folder_changed_while_it_runs_changes_nothing(tiny, make_onnx, make_rows):
    model = load_model(tiny.path)
    tiny.onnx = make_onnx(make_rows([0, 0, 1, 1, 0.9, 0.9]))
    tiny.write()
    Detector(model).self_test()


@pytest.mark.parametrize("text", ["name: 2026-13-45", "format: " + "9" * 5000, "[" * 20_000])
def test_a_yaml_that_cannot_be_made_sense_of(tiny, text):
    (tiny.path / "model.yaml").write_text(text, "utf-8")
    _refusal(tiny.path, "model.yaml")


def test_a_key_that_is_there_twice(tiny):
    with (tiny.path / "model.yaml").open("a", encoding="utf-8") as file:
        file.write("thresholds: {can: 0.9, blade: 0.9}\n")
    _refusal(tiny.path, r"model\.yaml:\d+: thresholds: stands here a second time")

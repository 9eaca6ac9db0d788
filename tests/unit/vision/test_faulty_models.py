"""Faulty model folders of each kind: refused at the start, in one sentence that says what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from station.vision import ModelError, load_model
from station.vision.trial import try_out
from tests.unit.vision.onnx_bytes import filling, network

TAKEN = {"pixels": ((1, 3, 64, 64), np.float32)}
ROWS = np.array([[[16, 8, 48, 40, 0.0, 0.8]]], np.float32)
Spoil = Callable[[Any], None]


def onnx(data: bytes) -> Spoil:
    return lambda folder: setattr(folder, "onnx", data)


def given(outputs: dict[str, np.ndarray], **more: Any) -> Spoil:
    return onnx(network(more.pop("inputs", TAKEN), outputs, **more))


def described(part: str, **changes: Any) -> Spoil:
    return lambda folder: folder.tree[part].update(changes) if part else folder.tree.update(changes)


def one_class_less(folder: Any) -> None:
    digest = hashlib.sha256(b"blade").hexdigest()
    folder.tree.update(classes=["blade"], classes_sha256=digest, thresholds={"blade": 0.6})


FAULTS: dict[str, tuple[Spoil, str]] = {
    "a class too few": (one_class_less, "use the model.yaml that was released with this model.onnx"),
    "classes of another training": (described("", classes=["can", "axe"]), "copy the model folder again"),
    "another layout": (described("input", layout="nhwc"), "use the model.yaml that was released"),
    "another type": (described("input", dtype="float16"), "use the model.yaml that was released"),
    "another size": (described("input", width=96), "use the model.yaml that was released"),
    "a size left open": (
        given({"boxes": ROWS}, inputs={"pixels": ((1, 3, "h", "w"), np.float32)}),
        "export it with a fixed size",
    ),
    "operators too new": (given({"boxes": ROWS}, opset=250), "export it for this one, or update the station"),
    "a format too new": (given({"boxes": ROWS}, ir=250), "export it for this one, or update the station"),
    "cut short": (onnx(network(TAKEN, {"boxes": ROWS})[:-40]), "copy the model folder again"),
    "text, not a model": (onnx(b"<html>404 Not Found</html>"), "copy the model folder again"),
    "weights in another file": (given({"boxes": ROWS}, external="weights.bin"), "export it as one file"),
    "weights in a file far away": (
        given({"boxes": ROWS}, external="../" * 60 + "weights.bin"),
        "export it as one file",
    ),
    "weights that are no numbers": (given({"boxes": ROWS * np.nan}), "not a number"),
    "the output of another family": (given({"output": np.zeros((1, 7, 84), np.float32)}), "do not fit"),
    "outputs of another family": (
        given({"logits": np.zeros((1, 9, 2), np.float32), "boxes": np.zeros((1, 9, 4), np.float32)}),
        "do not fit",
    ),
    "a family that the station does not know": (described("decode", decoder="ssd"), "this station knows"),
    "a second input": (given({"boxes": ROWS}, inputs=TAKEN | {"prompt": ((1, 4), np.int64)}), "cannot give"),
    "scores that are none": (given({"boxes": ROWS * 2}), "outside 0 to 1"),
    "boxes that are inside out": (given({"boxes": ROWS[..., [2, 3, 0, 1, 4, 5]]}), "inside out"),
    "a golden picture that is not found": (given({"boxes": ROWS * 0}), "is not found as before"),
    "a threshold below the floor": (described("", thresholds={"can": 0.5, "blade": 0.01}), "under decode.floor"),
    "a scale that blinds it": (described("input", scale=[0.0, 0.0, 0.0]), "would see nothing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_model_is_refused_with_what_to_do(tiny: Any, fault: str) -> None:
    spoil, said = FAULTS[fault]
    spoil(tiny)
    with pytest.raises(ModelError) as caught:
        load_model(tiny.write())
    sentence = str(caught.value)
    assert said in sentence
    assert "\n" not in sentence
    assert str(tiny.path) in sentence


def test_a_model_of_other_bytes_than_described_is_refused(tiny: Any) -> None:
    tiny.onnx = network(TAKEN, {"boxes": ROWS * np.float32(1.1)})
    with pytest.raises(ModelError, match=r"is not the model that model.yaml describes"):
        load_model(tiny.write(rehash=False))


def test_a_few_bytes_that_ask_for_all_memory_harm_no_other_process(tiny: Any) -> None:
    """Of 300 bytes, 40 GB of zeros: the trial's own process is refused them."""
    tiny.onnx = filling((1, 3, 64, 64), (1, 100_000, 100_000))
    assert len(tiny.onnx) < 400
    with pytest.raises(ModelError) as caught:
        try_out(tiny.write())
    assert str(tiny.path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_holds_is_told_by_what_it_finds(tiny: Any) -> None:
    assert try_out(tiny.path) == ("can", "blade")

"""The detector answers with findings in the picture's own pixels, or with a fault; never with half an answer."""

from __future__ import annotations

import numpy as np
import pytest

from station.vision import Detector, DetectorFault, load_model
from station.vision.prepare import Fit, prepare

BLANK = np.full((64, 64, 3), 200, np.uint8)


def _answering(tiny, onnx: bytes) -> Detector:
    """A detector of the tiny folder whose model is exchanged after the folder's check."""
    model = load_model(tiny.path)
    return Detector(type(model)(model.path, model.spec, onnx, model.golden))


def test_doubles_go_and_the_floor_holds(tiny, make_onnx, make_rows):
    output = make_rows(
        [16, 8, 48, 40, 0.0, 0.8],
        [17, 8, 48, 40, 0.0, 0.7],
        [17, 8, 48, 40, 0.3, 0.0],
        [0, 0, 10, 10, 0.0, 0.04],
    )
    findings = _answering(tiny, make_onnx(output)).detect(BLANK).findings
    assert [(item.label, round(item.score, 3), item.box) for item in findings] == [
        ("blade", 0.8, (16.0, 8.0, 48.0, 40.0)),
        ("can", 0.3, (17.0, 8.0, 48.0, 40.0)),
    ]


def test_boxes_are_in_the_pictures_own_pixels(tiny):
    """A picture of twice the size, and one of half the width: the input's 64 x 64 hold it whole, top left."""
    detector = Detector(load_model(tiny.path))
    (finding,) = detector.detect(np.full((128, 128, 3), 200, np.uint8)).findings
    assert finding.box == (32.0, 16.0, 96.0, 80.0)
    (finding,) = detector.detect(np.full((64, 32, 3), 200, np.uint8)).findings
    assert finding.box == (16.0, 8.0, 32.0, 40.0)


def test_the_input_is_filled_and_normalised(tiny):
    spec = load_model(tiny.path).spec.input.model_copy(update={"mean": (10.0, 20.0, 30.0), "scale": (2.0, 1.0, 0.5)})
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:] = (11, 22, 34)
    values, fit = prepare(picture, spec)
    assert fit == Fit((1.0, 1.0), (0, 0))
    assert values.shape == (1, 3, 64, 64)
    assert values[0, :, 0, 0].tolist() == [2.0, 2.0, 2.0]
    assert values[0, :, 63, 63].tolist() == [490.0, 235.0, 112.5]
    swapped, _ = prepare(picture, spec.model_copy(update={"colour": "bgr"}))
    assert swapped[0, :, 0, 0].tolist() == [48.0, 2.0, -9.5]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 4])
def test_what_is_not_a_number_is_a_fault(tiny, make_onnx, make_rows, bad, where):
    cell = [16.0, 8.0, 48.0, 40.0, 0.1, 0.8]
    cell[where] = bad
    with pytest.raises(DetectorFault, match="not a number"):
        _answering(tiny, make_onnx(make_rows(cell))).detect(BLANK)


@pytest.mark.parametrize("score", [-0.01, 1.01])
def test_a_score_out_of_range_is_a_fault(tiny, make_onnx, make_rows, score):
    with pytest.raises(DetectorFault, match="outside 0 to 1"):
        _answering(tiny, make_onnx(make_rows([16, 8, 48, 40, 0.1, score]))).detect(BLANK)


def test_a_box_inside_out_is_a_fault(tiny, make_onnx, make_rows):
    with pytest.raises(DetectorFault, match="inside out"):
        _answering(tiny, make_onnx(make_rows([48, 8, 16, 40, 0.1, 0.8]))).detect(BLANK)


def test_too_many_findings_are_a_fault(tiny, make_onnx, make_rows):
    """The tiny folder allows five."""
    cells = [[9.0 * n, 0.0, 9.0 * n + 8, 8.0, 0.9, 0.0] for n in range(6)]
    assert len(_answering(tiny, make_onnx(make_rows(*cells[:5]))).detect(BLANK).findings) == 5
    with pytest.raises(DetectorFault, match="more than 5"):
        _answering(tiny, make_onnx(make_rows(*cells))).detect(BLANK)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8),
    ],
)
def test_pixels_of_another_kind_are_a_fault(tiny, pixels):
    with pytest.raises(DetectorFault, match="not uint8"):
        Detector(load_model(tiny.path)).detect(pixels)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([[16, 8, 48, 40, 0.0, 0.59]], "the blade in it is not found"),
        ([[16, 8, 48, 40, 0.0, 0.69]], "the blade in it is not found"),
        ([[40, 8, 60, 40, 0.0, 0.8]], "the blade in it is not found"),
        ([[16, 8, 48, 40, 0.8, 0.0]], "the blade in it is not found"),
        ([[16, 8, 48, 40, 0.0, 0.8], [0, 0, 9, 9, 0.6, 0.0]], "a can is found that is not there"),
    ],
)
def test_the_self_test_tells_what_is_otherwise(tiny, make_onnx, make_rows, cells, said):
    """The golden picture holds a blade, found with 0.8; it must be found again within a tenth, and nothing else."""
    with pytest.raises(DetectorFault, match=said):
        _answering(tiny, make_onnx(make_rows(*cells))).self_test()


def test_the_time_is_told(tiny):
    assert 0.0 < Detector(load_model(tiny.path)).detect(BLANK).inference_ms < 1000.0

"""How a picture lies in the network's input, and how boxes come back from there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.vision.folder import InputSpec
from station.vision.prepare import fit_of, prepare

SPEC = InputSpec(
    name="pixels", width=64, height=32, colour="rgb", layout="nchw", mean=(0, 0, 0), scale=(1, 1, 1), fill=9
)
FITS = ("corner", "centre", "stretch")


def spec(**changes: object) -> InputSpec:
    return SPEC.model_copy(update=changes)


def test_in_the_middle_what_is_left_is_filled_on_both_sides() -> None:
    values, _ = prepare(np.full((32, 32, 3), 200, np.uint8), spec(fit="centre"))
    assert values.shape == (1, 3, 32, 64)
    assert (values[0, :, :, 16:48] == 200).all()
    assert (values[0, :, :, :16] == 9).all()
    assert (values[0, :, :, 48:] == 9).all()


def test_in_the_corner_what_is_left_is_filled_behind() -> None:
    values, _ = prepare(np.full((32, 32, 3), 200, np.uint8), SPEC)
    assert (values[0, :, :, :32] == 200).all()
    assert (values[0, :, :, 32:] == 9).all()


def test_stretched_nothing_is_filled() -> None:
    values, _ = prepare(np.full((100, 10, 3), 200, np.uint8), spec(fit="stretch"))
    assert (values == 200).all()


def test_the_layout_and_the_type_are_the_networks() -> None:
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[..., 0] = 7
    channels_last, _ = prepare(picture, spec(layout="nhwc"))
    assert channels_last.shape == (1, 32, 64, 3)
    assert channels_last[0, 5, 5].tolist() == [7, 0, 0]
    assert channels_last.flags.c_contiguous
    half, _ = prepare(picture, spec(dtype="float16", scale=(0.5, 1, 1)))
    assert (half.dtype, half[0, 0, 0, 0]) == (np.float16, 3.5)
    whole, _ = prepare(picture, spec(dtype="uint8", colour="bgr"))
    assert (whole.dtype, whole[0, :, 0, 0].tolist()) == (np.uint8, [0, 0, 7])


def test_pixels_as_they_are_take_no_scale() -> None:
    with pytest.raises(ValueError, match="mean must be 0, scale 1"):
        InputSpec.model_validate(SPEC.model_dump() | {"dtype": "uint8", "scale": (0.5, 1.0, 1.0)})
    with pytest.raises(ValueError, match="would see nothing"):
        InputSpec.model_validate(SPEC.model_dump() | {"scale": (0.0, 1.0, 1.0)})


@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    fit=st.sampled_from(FITS),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_a_box_there_and_back_is_the_same_box(
    width: int, height: int, fit: str, corners: tuple[float, float, float, float]
) -> None:
    lies, size = fit_of(width, height, spec(fit=fit))
    assert 1 <= size[0] <= 64
    assert 1 <= size[1] <= 32
    box = np.array(corners) * (width, height, width, height)
    there = (box * (lies.zoom * 2) + np.array(lies.offset * 2)).astype(np.float32)
    (back,) = lies.back(there[None], width, height)
    assert back == pytest.approx(box, abs=0.01 * max(width, height))


def test_a_box_beyond_the_picture_is_clipped_to_it() -> None:
    lies, _ = fit_of(32, 32, spec(fit="centre"))
    (back,) = lies.back(np.array([[-5, -5, 100, 100]], np.float32), 32, 32)
    assert back.tolist() == [0, 0, 32, 32]

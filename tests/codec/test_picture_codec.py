"""Field case C37: a picture is whole by its own format or not at all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.picture_codec import content, proves_itself, what_lacks, without_filling

PIXELS = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
PNG = cv2.imencode(".png", PIXELS)[1].tobytes()
JPEG = cv2.imencode(".jpg", PIXELS)[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", PIXELS, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


@pytest.mark.parametrize("data", [PNG, JPEG, PROGRESSIVE])
def test_whole_is_whole_and_each_part_is_not(data: bytes) -> None:
    assert what_lacks(data) == ""
    assert all(what_lacks(data[:n]) for n in range(len(data)))


@pytest.mark.parametrize("data", [PNG, JPEG])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_zero_filled_rest_is_not_whole(data: bytes, share: float) -> None:
    kept = int(len(data) * share)
    assert what_lacks(data[:kept] + bytes(len(data) - kept))


@settings(deadline=None)
@given(at=st.integers(8, len(PNG) - 1), flip=st.integers(1, 255))
def test_no_changed_byte_of_a_png_goes_unseen(at: int, flip: int) -> None:
    assert what_lacks(PNG[:at] + bytes([PNG[at] ^ flip]) + PNG[at + 1 :])


def test_what_follows_the_end_is_not_the_picture() -> None:
    assert "follow IEND" in what_lacks(PNG + b"\0")
    assert what_lacks(JPEG + b"\0")
    assert what_lacks(b"GIF89a") == "a PNG or JPEG beginning"
    assert what_lacks(b"\xff\xd8\xff\xd9")


def test_only_a_png_proves_itself() -> None:
    assert proves_itself(PNG)
    assert not proves_itself(JPEG)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]))
def test_any_bytes_raise_nothing(data: bytes, start: bytes) -> None:
    assert isinstance(what_lacks(start + data), str)


@pytest.mark.parametrize("behind", [b"", b"\xff\xd9", b"\0", b"\xff\xd9\0\0\0", b"\xff\xd9\xff\xd9"])
def test_what_transport_puts_behind_a_jpeg_is_taken_off_and_nothing_is_made_whole_by_it(behind: bytes) -> None:
    assert without_filling(JPEG + behind) == JPEG
    assert what_lacks(without_filling(JPEG[:-2] + bytes(len(behind)))) == "its end mark (EOI)"


def test_what_shows_the_scene_is_the_same_whatever_the_header_says() -> None:
    assert content(JPEG[:2] + b"\xff\xfe\0\x0612:3" + JPEG[2:]) == content(JPEG)
    assert content(JPEG[:-3] + b"\x01" + JPEG[-2:]) != content(JPEG)
    assert content(PNG) == PNG

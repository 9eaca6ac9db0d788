"""A picture counts whole or not at all."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.vision import PictureFault, read_picture


def _colours() -> np.ndarray:
    """Red, green, blue and grey quarters of 64 x 48 pixels, RGB."""
    pixels = np.full((48, 64, 3), 90, np.uint8)
    pixels[:24, :32] = (200, 10, 20)
    pixels[:24, 32:] = (10, 200, 20)
    pixels[24:, :32] = (10, 20, 200)
    return pixels


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def test_a_png_is_read_as_rgb():
    assert np.array_equal(read_picture(_png(_colours())), _colours())


def test_what_only_describes_a_png_changes_and_says_nothing(make_chunk, capfd):
    """Libpng writes a line for each profile that it does not like; a machine may add one to every picture."""
    data = _png(_colours())
    for kind, body in [
        (b"iCCP", b"x\0\0" + zlib.compress(bytes(132))),
        (b"gAMA", struct.pack(">I", 10_000)),
        (b"sRGB", b"\x09"),
        (b"tEXt", b"no end mark"),
        (b"eXIf", b"nonsense"),
    ]:
        described = data[:33] + make_chunk(kind, body) + data[33:]
        assert np.array_equal(read_picture(described), _colours())
    assert capfd.readouterr().err == ""


def test_a_part_of_a_png_that_no_decoder_may_leave_out_and_that_is_unknown_is_a_fault(make_chunk):
    data = _png(_colours())
    with pytest.raises(PictureFault):
        read_picture(data[:33] + make_chunk(b"NEWS", b"") + data[33:])


def test_a_jpeg_is_read_as_rgb():
    data = cv2.imencode(".jpg", _colours()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    pixels = read_picture(data)
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels[5, 5].astype(int) - (200, 10, 20)).max() < 12
    assert np.abs(pixels[40, 5].astype(int) - (10, 20, 200)).max() < 12


@pytest.mark.parametrize("kept", [0, 1, 2, 7, 8, 30, 100])
def test_a_cut_png_is_refused(kept):
    with pytest.raises(PictureFault):
        read_picture(_png(_colours())[:kept])


def test_every_cut_of_a_png_is_refused():
    data = _png(_colours())
    for kept in range(len(data)):
        with pytest.raises(PictureFault):
            read_picture(data[:kept])


def test_every_cut_of_a_jpeg_is_refused(parcel_jpeg):
    for kept in range(len(parcel_jpeg)):
        with pytest.raises(PictureFault):
            read_picture(parcel_jpeg[:kept])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_jpeg_cut_and_then_ended_is_refused(parcel_jpeg, share):
    """A repair tool, or a writer that was killed in an orderly way, puts the end mark after half the data.

    What lacks within the very last block cannot be told, and hides no more than that block.
    """
    start = parcel_jpeg.index(b"\xff\xda") + 14
    kept = start + int((len(parcel_jpeg) - start) * share)
    with pytest.raises(PictureFault):
        read_picture(parcel_jpeg[:kept].rstrip(b"\xff") + b"\xff\xd9")


def _refused(damaged: bytes) -> bool:
    try:
        read_picture(damaged)
    except PictureFault:
        return True
    return False


def test_a_jpeg_with_a_sector_twice_is_seen_in_most_cases(parcel_jpeg):
    """libjpeg goes on with a warning, and the rest may show another picture; the format has no checksum."""
    start, end = parcel_jpeg.index(b"\xff\xda") + 14, len(parcel_jpeg) - 600
    refused = []
    for at in np.linspace(start + 512, end, 60).astype(int):
        damaged = bytearray(parcel_jpeg)
        damaged[at : at + 512] = damaged[at - 512 : at]
        refused.append(_refused(bytes(damaged)))
    assert sum(refused) >= 48


def test_a_sector_of_zeros_in_a_jpeg_is_always_seen(parcel_jpeg):
    """A disk's sector that was never written; the blocks in it may number what those that are gone did."""
    start, end = parcel_jpeg.index(b"\xff\xda") + 14, len(parcel_jpeg) - 600
    for at in np.linspace(start, end, 120).astype(int):
        assert _refused(parcel_jpeg[:at] + bytes(512) + parcel_jpeg[at + 512 :])


@pytest.mark.parametrize("quality", [5, 30, 75, 95, 100])
def test_with_the_usual_tables_no_picture_has_many_zeros_in_a_row(quality):
    """So that a run of them is damage: flat ones, ramps, chequers and noise."""
    ramp = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1))
    chequer = (np.indices((240, 320)).sum(axis=0) % 2 * 255).astype(np.uint8)
    grey = [
        ramp,
        chequer,
        chequer.repeat(8, 0).repeat(8, 1)[:240, :320],
        *(np.full_like(ramp, v) for v in (0, 200, 255)),
    ]
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    for pixels in (noise, *(np.repeat(one[..., None], 3, axis=2) for one in grey)):
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        assert bytes(5) not in data[data.index(b"\xff\xda") + 14 :]
        assert read_picture(data).shape == (240, 320, 3)


def _with_white_around(pixels: np.ndarray) -> bytes:
    """A JPEG with tables of its own, in which a white block is four bits of zero."""
    around = np.full((1200, 1600, 3), 255, np.uint8)
    around[600 : 600 + pixels.shape[0], 700 : 700 + pixels.shape[1]] = pixels
    return cv2.imencode(".jpg", around, [cv2.IMWRITE_JPEG_OPTIMIZE, 1])[1].tobytes()


def test_a_small_parcel_on_a_large_white_ground_is_no_damage():
    data = _with_white_around(_colours())
    assert bytes(4000) in data
    assert read_picture(data).shape == (1200, 1600, 3)


def test_zeros_over_a_parcel_on_a_white_ground_are_seen():
    data = _with_white_around(np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8))
    parcel = len(data) // 2
    assert bytes(512) not in data[parcel : parcel + 4096]
    for length in (512, 4096):
        assert _refused(data[:parcel] + bytes(length) + data[parcel + length :])


def test_a_jpeg_that_is_grey_in_its_last_corner_is_whole():
    """Grey 128 is what libjpeg makes of a block without data."""
    pixels = _colours()
    pixels[24:, 32:] = 128
    data = cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()
    assert read_picture(data).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_zero_filled_rest_is_refused(parcel_jpeg, kind, share):
    data = parcel_jpeg if kind == "jpeg" else _png(_colours())
    kept = int(len(data) * share)
    with pytest.raises(PictureFault):
        read_picture(data[:kept] + bytes(len(data) - kept))


def test_a_zero_filled_middle_of_a_jpeg_is_refused():
    pixels = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    data = cv2.imencode(".jpg", pixels)[1].tobytes()
    half = len(data) // 2
    with pytest.raises(PictureFault):
        read_picture(data[:half] + bytes(4096) + data[half + 4096 :])


def test_bytes_after_the_end_are_refused(parcel_jpeg):
    for data in (parcel_jpeg, _png(_colours())):
        with pytest.raises(PictureFault, match="follow the end"):
            read_picture(data + b"\0\0")


def test_any_flipped_bit_of_a_png_is_refused():
    data = bytearray(_png(_colours()))
    for at in range(8, len(data), 3):
        data[at] ^= 0x10
        with pytest.raises(PictureFault):
            read_picture(bytes(data))
        data[at] ^= 0x10


@pytest.mark.parametrize(
    ("colour", "bits", "word"),
    [
        (0, 8, "grey"),
        (3, 8, "palette"),
        (4, 8, "grey with alpha"),
        (6, 8, "RGB with alpha"),
        (2, 16, "16 bits"),
        (0, 16, "grey"),
    ],
)
def test_other_kinds_of_png_are_refused_by_name(make_png, colour, bits, word):
    with pytest.raises(PictureFault, match=word):
        read_picture(make_png(40, 30, bits=bits, colour=colour))


def test_a_transparent_colour_is_refused(make_png, make_chunk):
    with pytest.raises(PictureFault, match="transparent"):
        read_picture(make_png(40, 30, extra=make_chunk(b"tRNS", bytes(6))))


def test_a_grey_jpeg_is_refused():
    data = cv2.imencode(".jpg", np.random.default_rng(2).integers(0, 256, (48, 64), np.uint8))[1].tobytes()
    with pytest.raises(PictureFault, match="1 channels"):
        read_picture(data)


def test_a_progressive_jpeg_is_refused():
    data = cv2.imencode(".jpg", _colours(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    with pytest.raises(PictureFault, match="baseline"):
        read_picture(data)


def _deep(value: int) -> bytes:
    """A 16-bit RGB PNG of 32 x 32 whose every value is `value`."""
    return cv2.imencode(".png", np.full((32, 32, 3), value, np.uint16))[1].tobytes()


def test_sixteen_bits_need_to_be_configured():
    with pytest.raises(PictureFault, match="16 bits a channel, not 8"):
        read_picture(_deep(40_000))
    assert np.all(read_picture(_deep(0x9C40), depth=16) == 0x9C)


def test_twelve_bits_in_sixteen_are_not_read_as_black():
    with pytest.raises(PictureFault, match="set to 12"):
        read_picture(_deep(4095), depth=16)
    assert np.all(read_picture(_deep(4095), depth=12) == 255)
    with pytest.raises(PictureFault, match="set to 16"):
        read_picture(_deep(4096), depth=12)


def test_an_eight_bit_file_of_a_sixteen_bit_source_is_refused(parcel_jpeg):
    for data in (_png(_colours()), parcel_jpeg):
        with pytest.raises(PictureFault, match=r"not 16|configured"):
            read_picture(data, depth=16)


def test_an_unknown_depth_is_the_callers_error():
    with pytest.raises(ValueError, match="depth 10"):
        read_picture(b"", depth=10)


def test_a_bomb_is_refused_by_its_header(make_png):
    with pytest.raises(PictureFault, match="50000 x 50000"):
        read_picture(make_png(50_000, 50_000, rows=b"\0"))


def test_a_jpeg_bomb_is_refused_by_its_header(parcel_jpeg):
    at = parcel_jpeg.index(b"\xff\xc0") + 5
    with pytest.raises(PictureFault, match="65000 x 65000"):
        read_picture(parcel_jpeg[:at] + struct.pack(">HH", 65_000, 65_000) + parcel_jpeg[at + 4 :])


@pytest.mark.parametrize("rows", [b"\0" * 10, b"\0" * (31 * 30 * 3 + 30 + 1)])
def test_a_png_with_too_few_or_too_many_data_is_refused(make_png, rows):
    with pytest.raises(PictureFault, match="exactly one picture"):
        read_picture(make_png(30, 30, rows=rows))


def test_an_orientation_in_the_file_turns_nothing(parcel_jpeg):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = parcel_jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + parcel_jpeg[2:]
    assert np.array_equal(read_picture(turned), read_picture(parcel_jpeg))


@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff\xda\0\x02"]),
    rest=st.binary(max_size=300),
    depth=st.sampled_from([8, 12, 16]),
)
def test_any_bytes_are_a_fault_or_a_picture(head, rest, depth):
    _fault_or_picture(head + rest, depth)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_damage_is_a_fault_or_a_picture(parcel_jpeg, data):
    whole = data.draw(st.sampled_from([parcel_jpeg, _png(_colours())]))
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(len(whole), at + 40)))
    _fault_or_picture(whole[:at] + data.draw(st.binary(max_size=40)) + whole[end:], 8)


def _fault_or_picture(data: bytes, depth: int) -> None:
    try:
        pixels = read_picture(data, depth=depth)
    except PictureFault:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3

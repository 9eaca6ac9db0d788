"""The camera from video files, whose frames carry their number as brightness. Field case C39."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from drivers import opencv_camera
from drivers.opencv_camera import CameraSettings, OpenCvCamera
from drivers.picture_codec import what_lacks
from station.core.events import DeviceState
from station.ports import Device, Picture
from station.vision import PictureFault, read_picture
from tests.drivers import rtsp_camera
from tests.drivers.conftest import Caught, eventually
from tests.drivers.rtsp_camera import RtspCamera

Start = Callable[[Device], Device]
FPS = 50


def video(path: Path, frames: int, *, frozen: bool = False) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    for n in range(frames):
        writer.write(np.full((48, 64, 3), 100 if frozen else 4 * n % 250, np.uint8))
    writer.release()
    return path


def camera(source: Path | str, **more: object) -> OpenCvCamera:
    settings = CameraSettings.model_validate({"source": str(source), "every_ms": 40, **more})
    return OpenCvCamera("camera-1", settings, time.monotonic_ns)


def number(picture: Picture) -> int:
    return round(float(cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR).mean()) / 4)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_the_newest_frame_wins_and_drops_are_counted(tmp_path: Path, caught: Caught, started: Start, kind: str) -> None:
    one = started(camera(video(tmp_path / "v.avi", 50), format=kind))
    pictures: list[Picture] = caught.wait_for(Picture, 10)  # type: ignore[assignment]
    assert all(what_lacks(p.data) == "" and p.fault == "" and p.trigger is None for p in pictures)
    numbers = [number(p) for p in pictures]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] >= 15
    assert one.health().counters["dropped"] > 0
    for picture in pictures:
        assert 0 < picture.arrived.before_ns - picture.arrived.after_ns < 200_000_000
    assert [s.connected for s in caught.of(DeviceState)] == [True]  # type: ignore[attr-defined]


def test_a_stalled_consumer_never_gets_an_old_frame(tmp_path: Path, caught: Caught, started: Start) -> None:
    one = camera(video(tmp_path / "v.avi", 60), max_late_ms=60)
    begun: list[float] = []

    def stall(picture: Picture) -> None:
        begun.append(time.monotonic())
        if len(begun) == 3:
            time.sleep(0.4)
        caught(picture)

    deliver = one._deliver
    one._deliver = lambda event: (stall(event), deliver)[0]  # type: ignore[assignment,method-assign,arg-type]
    started(one)
    caught.wait(lambda items: sum(isinstance(item, Picture) for item in items) >= 8)
    eventually(lambda: one.health().counters.get("late", 0) > 3)
    numbers = [number(p) for p in caught.of(Picture)]  # type: ignore[arg-type]
    shown = [(at - begun[0]) * FPS for at in begun]
    for n, due in zip(numbers[3:], shown[3:], strict=False):
        assert n - numbers[0] > due - 0.12 * FPS


@pytest.fixture
def rtsp() -> Iterator[RtspCamera]:
    made = RtspCamera()
    yield made
    made.close()


def test_a_network_cameras_pictures_are_of_now(rtsp: RtspCamera, caught: Caught, started: Start) -> None:
    one = camera(rtsp.url, frozen_after=0)
    ages: list[float] = []

    def age(picture: Picture) -> None:
        sent = (number(picture) - 2) / rtsp_camera.FPS
        lived = (time.monotonic() - rtsp.begun) % (60 / rtsp_camera.FPS)
        ages.append((lived - sent) % (60 / rtsp_camera.FPS))
        if len(ages) == 10:
            time.sleep(1.0)

    deliver = one._deliver
    one._deliver = lambda event: (age(event), deliver(event))[1]  # type: ignore[method-assign,arg-type]
    started(one)
    caught.wait(lambda items: sum(isinstance(item, Picture) for item in items) >= 20, 10)
    assert max(ages) < 0.25
    assert one.health().counters["unproven"] > 10
    assert one.health().counters["late"] > 10


def test_a_network_camera_that_is_cut_off_comes_back(rtsp: RtspCamera, caught: Caught, started: Start) -> None:
    started(camera(rtsp.url))
    caught.wait_for(Picture)
    rtsp.unplug()
    states = caught.wait_for(DeviceState, 3, timeout_s=10)
    assert [s.connected for s in states] == [True, False, True]  # type: ignore[attr-defined]


def seen(picture: Picture) -> tuple[int, ...]:
    """Shape of what the station reads in a picture; (0,) if it refuses it."""
    try:
        return read_picture(picture.data).shape
    except PictureFault:
        return (0,)


def test_a_cut_jpeg_of_a_stream_is_never_taken_for_whole(rtsp: RtspCamera, caught: Caught, started: Start) -> None:
    """FFmpeg decodes it, with the lower part of an earlier picture under the cut."""
    one = started(camera(rtsp.url))
    assert {seen(p) for p in caught.wait_for(Picture, 3)} == {(48, 64, 3)}  # type: ignore[arg-type]
    rtsp.share = 0.6
    caught.wait(lambda items: sum(isinstance(item, Picture) and seen(item) == (0,) for item in items) >= 3)
    pictures: list[Picture] = caught.of(Picture)  # type: ignore[assignment]
    first = next(n for n, picture in enumerate(pictures) if seen(picture) == (0,))
    assert {seen(picture) for picture in pictures[first:]} == {(0,)}
    rtsp.share = 1.0
    caught.wait(lambda items: isinstance(items[-1], Picture) and seen(items[-1]) == (48, 64, 3))
    assert one.health().connected


def jpeg(n: int, width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.random.default_rng(n).integers(0, 255, (height, width, 3), np.uint8))[1].tobytes()


def test_a_stream_that_changes_its_size_is_not_scaled_to_the_first(
    tmp_path: Path, caught: Caught, started: Start
) -> None:
    frames = [jpeg(n, 64, 48) if n < 20 else jpeg(n, 128, 96) for n in range(60)]
    (tmp_path / "v.mjpeg").write_bytes(b"".join(frames))
    started(camera(tmp_path / "v.mjpeg"))
    caught.wait(lambda items: any(isinstance(item, Picture) and seen(item) == (96, 128, 3) for item in items))
    assert {seen(p) for p in caught.of(Picture)} == {(48, 64, 3), (96, 128, 3)}  # type: ignore[arg-type]


def test_a_frozen_camera_that_writes_the_time_into_each_jpeg_is_a_fault(
    tmp_path: Path, caught: Caught, started: Start
) -> None:
    data = jpeg(1, 64, 48)
    frames = [data[:2] + b"\xff\xfe\0\x06%04d" % n + data[2:] for n in range(60)]
    (tmp_path / "v.mjpeg").write_bytes(b"".join(frames))
    started(camera(tmp_path / "v.mjpeg", frozen_after=3))
    pictures: list[Picture] = caught.wait_for(Picture, 4)  # type: ignore[assignment]
    assert [p.fault for p in pictures[1:3]] == ["", "frozen: 3 equal pictures in a row"]
    assert len({p.data for p in pictures}) == len(pictures)


def test_a_frozen_camera_is_a_fault(tmp_path: Path, caught: Caught, started: Start) -> None:
    started(camera(video(tmp_path / "v.avi", 60, frozen=True), frozen_after=3))
    faults = [p.fault for p in caught.wait_for(Picture, 4)]  # type: ignore[attr-defined]
    assert faults[:4] == ["", "", "frozen: 3 equal pictures in a row", "frozen: 4 equal pictures in a row"]


def test_a_file_ends_for_good_or_begins_again(tmp_path: Path, caught: Caught, started: Start) -> None:
    path = video(tmp_path / "v.avi", 30)
    one = started(camera(path, repeat=True, every_ms=10))
    assert len(caught.wait_for(Picture, 40)) >= 40
    assert [s.connected for s in caught.of(DeviceState)] == [True]  # type: ignore[attr-defined]
    one.stop()
    caught.items.clear()
    two = started(camera(path))
    assert "v.avi is at its end; set `repeat`" in caught.wait_for(DeviceState, 2)[1].detail  # type: ignore[attr-defined]
    pictures = len(caught.of(Picture))
    eventually(lambda: two.health().counters.get("losses", 0) >= 3)
    assert len(caught.of(Picture)) == pictures
    assert "is at its end" in two.health().detail


def test_a_source_that_is_not_there_is_said_with_what_to_do(tmp_path: Path, caught: Caught, started: Start) -> None:
    missing = camera(tmp_path / "none.avi")
    assert "does not exist; correct `source`" in missing.probe()
    started(missing)
    assert caught.wait_for(DeviceState)[0].connected is False  # type: ignore[attr-defined]
    (tmp_path / "text.avi").write_text("no video")
    assert "does not open" in camera(tmp_path / "text.avi").probe()
    assert "USB cameras here" in OpenCvCamera("c", CameraSettings(source=97), time.monotonic_ns).probe()
    assert camera(video(tmp_path / "v.avi", 3)).probe() == ""


@pytest.mark.parametrize("source", ["97", "/dev/video97", "/dev/v4l/by-id/usb-none-video-index0", "/dev/null"])
def test_a_camera_of_this_pc_is_no_video_file_however_it_is_written(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    capture = cv2.VideoCapture

    def open_by(which: int | str, by: int) -> cv2.VideoCapture:
        opened.append(by)
        return capture(which, by)

    monkeypatch.setattr("cv2.VideoCapture", open_by)
    assert "does not open; USB cameras here" in camera(source).probe()
    assert opened == [cv2.CAP_V4L2]


def test_the_example_is_valid() -> None:
    keys = yaml.safe_load(opencv_camera.DRIVER.example)
    keys.pop("kind")
    assert CameraSettings.model_validate(keys)

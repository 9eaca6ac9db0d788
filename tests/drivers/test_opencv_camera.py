"""The camera from video files, whose frames carry their number as brightness. Field case C39."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
import yaml

from drivers import opencv_camera
from drivers.camera_source import told
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


@pytest.mark.parametrize("share", [0.0, 2.0])
def test_a_network_camera_whose_stamps_stand_or_run_unevenly_is_never_believed(
    rtsp: RtspCamera, caught: Caught, started: Start, share: float
) -> None:
    rtsp.tick = round(share * rtsp.tick)
    assert "gives frames whose age is unproven" in camera(rtsp.url).probe()
    one = started(camera(rtsp.url))
    eventually(lambda: "whose age is unproven" in one.health().detail, 10)
    assert caught.of(Picture) == []


def test_a_network_camera_is_tried_by_the_age_of_its_frames(rtsp: RtspCamera) -> None:
    assert camera(rtsp.url).probe() == ""


SECRET = "p@ss/w#rd:?%1"


def test_a_password_comes_from_its_file_and_stands_in_no_text(
    rtsp: RtspCamera,
    caught: Caught,
    started: Start,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    rtsp.login = f"viewer:{SECRET}"
    (tmp_path / "password").write_text(SECRET + "\n")
    one = started(camera(rtsp.url, username="viewer", password_file=tmp_path / "password"))
    caught.wait_for(Picture)
    rtsp.login = "viewer:another"
    rtsp.unplug()
    eventually(lambda: "does not open" in one.health().detail, 10)
    texts = [one.probe(), one.health().detail, *capfd.readouterr(), caplog.text]
    texts += map(repr, caught.of(DeviceState))
    assert "rtsp://127.0.0.1" in texts[0]
    assert [text for text in texts if SECRET in text or quote(SECRET, safe="") in text or "p@ss" in text] == []


@pytest.mark.parametrize(
    "source", ["rtsp://viewer:geheim@h/a", "rtsp://viewer@h/a", "rtsp://v:gehe#im@h/a", "viewer:geheim@h/a"]
)
def test_a_password_in_the_address_is_refused_without_being_told(source: str) -> None:
    with pytest.raises(ValueError, match="write rtsp://HOST") as refused:
        camera(source)
    assert "gehe" not in str(refused.value)


def test_what_follows_the_host_of_an_address_stands_in_no_text() -> None:
    assert told("rtsp://10.0.0.31:554/user=admin&password=geheim&channel=1?pwd=geheim") == "rtsp://10.0.0.31:554"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"source": "rtsp://h/a", "password_file": "p"}, "give username: a password without a name is not sent"),
        ({"source": "0", "username": "viewer"}, "leave username out"),
        ({"source": "belt.avi", "username": "viewer"}, "leave username out"),
    ],
)
def test_a_name_and_a_password_that_do_not_fit(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CameraSettings.model_validate(keys)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"\xffgeheim", "it is no text in UTF-8"), (b"\n", "is empty; write")]
)
def test_a_password_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    found = camera("rtsp://127.0.0.1:9/a", username="viewer", password_file=path).probe()
    assert str(path) in found
    assert said in found
    assert "geheim" not in found


def test_a_camera_that_is_off_floods_no_log(tmp_path: Path) -> None:
    """In a process of its own: FFmpeg asks only once how much it may say."""
    script = (
        "import time\n"
        "from drivers.opencv_camera import CameraSettings, OpenCvCamera\n"
        "for source in ('rtsp://127.0.0.1:9/a', 97, 'text.avi'):\n"
        "    print(OpenCvCamera('c', CameraSettings(source=source), time.monotonic_ns).probe())\n"
    )
    (tmp_path / "text.avi").write_text("no video")
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert found.stdout.count("does not open") == 3
    assert found.stderr == ""


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

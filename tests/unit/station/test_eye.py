"""No parcel is closed while a picture of its time still waits for the detector."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.clock import now_ns
from station.core.events import Arrived, Condition, Detection, Event, Frame
from station.eye import QUEUE, Eye
from station.journal import PictureStore
from station.ports import Picture
from station.vision import DetectionResult, Detector, DetectorFault
from tests.unit.vision.test_session import VIEWS, echo_model


class SlowStore(PictureStore):
    """Keeps a picture only once it may."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may = threading.Semaphore(0)

    def put(self, data: bytes) -> str:
        self.may.acquire()
        return super().put(data)


def test_a_port_is_not_empty_while_its_pictures_are_not_told(tmp_path: Path) -> None:
    told: list[Event] = []
    store = SlowStore(tmp_path)
    eye = Eye(None, store, told.append)
    for number in range(3):
        eye.put(Picture("camera", b"picture %d" % number, Arrived(1000 + 100 * number, 1050 + 100 * number)))
    assert eye.seen_empty("camera", 5000) == 999
    assert eye.seen_empty("other", 5000) == 5000
    eye.start()
    for after in (1099, 1199, 5000):
        store.may.release()
        deadline = time.monotonic() + 2
        while eye.seen_empty("camera", 5000) != after and time.monotonic() < deadline:
            time.sleep(0.002)
        assert eye.seen_empty("camera", 5000) == after
    assert sum(isinstance(event, Frame) for event in told) == 3
    eye.stop()


def test_a_folder_that_cannot_be_written_is_told_as_the_disks_fault(tmp_path: Path) -> None:
    told: list[Event] = []
    folder = tmp_path / "pictures"
    folder.write_text("a file in its place")
    eye = Eye(None, PictureStore(folder), told.append)
    eye.start()

    def give(number: int) -> list[Event]:
        before = len(told)
        eye.put(Picture("camera", b"picture %d" % number, Arrived(1, 2)))
        eye_told(told, before)
        return told[before:]

    for number in (1, 2):
        condition, frame = give(number)
        assert isinstance(condition, Condition)
        assert (condition.alarm, condition.subject, condition.standing) == ("pictures", "fault", True)
        assert str(folder) in condition.text
        assert isinstance(frame, Frame)
        assert frame.fault.startswith("the picture could not be kept")
    folder.unlink()
    assert give(3)[0] == Condition("pictures", "fault", standing=False)
    assert not any(isinstance(event, Condition) for event in give(4))
    eye.stop()


def eye_told(told: list[Event], before: int) -> None:
    """Wait until the core was told of a picture, and of what the detector said of it."""
    deadline = time.monotonic() + 5
    while not any(
        isinstance(event, Detection) or (isinstance(event, Frame) and event.fault) for event in told[before:]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_for_want_of_room_a_picture_is_looked_at_named_and_not_kept(tmp_path: Path) -> None:
    told: list[Event] = []
    heard = threading.Condition()

    def out(event: Event) -> None:
        with heard:
            told.append(event)
            heard.notify()

    refuses = threading.Event()
    refuses.set()
    eye = Eye(None, PictureStore(tmp_path), out, refuses.is_set)
    eye.start()
    for data, kept in ((b"refused", False), (b"kept", True)):
        told.clear()
        eye.put(Picture("camera", data, Arrived(1000, 1050)))
        with heard:
            assert heard.wait_for(lambda: len(told) == 2, 5)
        frame, detection = told
        assert isinstance(frame, Frame)
        assert isinstance(detection, Detection)
        assert frame.frame_id == detection.frame_id == hashlib.sha256(data).hexdigest()
        assert (frame.kept, detection.kept, frame.fault) == (kept, kept, "")
        assert [path.read_bytes() for path in tmp_path.glob("??/*")] == ([data] if kept else [])
        refuses.clear()
    eye.stop()


class Told(list[Event]):
    """What the eye says, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._more = threading.Condition()

    def hear(self, event: Event) -> None:
        with self._more:
            self.append(event)
            self._more.notify()

    def detections(self, count: int) -> list[Detection]:
        """So many, once they are there."""
        with self._more:
            assert self._more.wait_for(lambda: len(self._found()) >= count, 10)
        return self._found()

    def _found(self) -> list[Detection]:
        return [event for event in self if isinstance(event, Detection)]


class Counting(Detector):
    """Says how many pictures it was given each time."""

    def __init__(self, batch: int | str) -> None:
        super().__init__(echo_model(batch, gate={"sides_px": [32, 1000], "aspect": [0.5, 2.0], "measures": {}}))
        self.self_test()
        self.looks: list[int] = []

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[DetectionResult | DetectorFault]:
        self.looks.append(len(pictures))
        return super().detect_all(pictures)


@pytest.mark.parametrize(("batch", "looks"), [("batch", [2, 1]), (1, [1, 1, 1])])
def test_views_that_wait_together_are_looked_at_together(tmp_path: Path, batch: int | str, looks: list[int]) -> None:
    """Of two devices at once, where the network can; the next picture of one of them is the next parcel's."""
    told = Told()
    detector = Counting(batch)
    eye = Eye(detector, PictureStore(tmp_path), told.hear)
    files = [cv2.imencode(".png", view[..., ::-1])[1].tobytes() for view in VIEWS]
    for number, (device, data) in enumerate(zip(("above", "beside", "above"), files, strict=True)):
        eye.put(Picture(device, data, Arrived(1000 + number, 1050)))
    eye.start()
    found = told.detections(len(VIEWS))
    eye.stop()
    assert detector.looks == looks
    names = [hashlib.sha256(data).hexdigest() for data in files]
    assert [(one.device, one.frame_id) for one in found] == list(zip(("above", "beside", "above"), names, strict=True))
    assert [[finding.box for finding in one.findings] for one in found] == [[(10, 4, 50, 44)], [(5, 6, 25, 36)], []]
    for name in names:
        order = [type(event) for event in told if getattr(event, "frame_id", "") == name]
        assert order == [Frame, Detection], "a picture is on disk before it is looked at"


def test_a_picture_that_cannot_be_judged_takes_no_answer_from_the_one_beside_it(tmp_path: Path) -> None:
    told = Told()
    eye = Eye(Counting("batch"), PictureStore(tmp_path), told.hear)
    eye.put(Picture("above", b"no picture", Arrived(1000, 1050)))
    eye.put(Picture("beside", cv2.imencode(".png", VIEWS[0][..., ::-1])[1].tobytes(), Arrived(1001, 1050)))
    eye.start()
    above, beside = told.detections(2)
    eye.stop()
    assert above.findings == ()
    assert above.fault
    assert [finding.box for finding in beside.findings] == [(10, 4, 50, 44)]
    assert not beside.fault


def test_a_frozen_source_that_writes_each_file_otherwise_is_seen(tmp_path: Path) -> None:
    """Another compression here, another time in the file elsewhere: what is shown is the very same."""
    told = Told()
    eye = Eye(Counting(1), PictureStore(tmp_path), told.hear)
    files = [
        cv2.imencode(".png", view[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, level])[1].tobytes()
        for view, level in ((VIEWS[0], 1), (VIEWS[0], 9), (VIEWS[1], 1), (VIEWS[0], 1), (VIEWS[0], 5))
    ]
    assert len(set(files)) == 4
    eye.start()
    for number, data in enumerate([*files, files[0]]):
        eye.put(Picture("beside" if number == len(files) else "above", data, Arrived(1000 + number, 1050)))
        told.detections(number + 1)
    eye.stop()
    *one_device, other_device = told.detections(len(files) + 1)
    frozen = ["frozen" in one.fault for one in one_device]
    assert frozen == [False, True, False, False, True], "the very same file is the core's business"
    assert [bool(one.findings) for one in one_device] == [not fault for fault in frozen]
    assert other_device.fault == "it shows the very same as a picture of above: is that one's wired to both?"


def test_a_device_that_has_lost_its_contrast_is_seen(tmp_path: Path) -> None:
    """Thin mailers come now and then; where nothing else comes any more, the device shows too little."""
    eye = Eye(None, PictureStore(tmp_path), lambda _event: None)
    assert "contrast" in eye._washed_out("above", faint=True), "nothing was seen yet that shows what it can"
    assert eye._washed_out("above", faint=False) == ""
    assert [eye._washed_out("above", faint=True) for _ in range(20)] == [""] * 20
    assert all("contrast" in eye._washed_out("above", faint=True) for _ in range(5))
    assert eye._washed_out("above", faint=False) == ""
    assert eye._washed_out("above", faint=True) == ""
    assert "contrast" in eye._washed_out("beside", faint=True)


def test_a_picture_of_12_bits_is_read_where_its_device_says_so(tmp_path: Path) -> None:
    told = Told()
    eye = Eye(Counting(1), PictureStore(tmp_path), told.hear, depths={"deep": 12})
    deep = cv2.imencode(".png", VIEWS[0][..., ::-1].astype(np.uint16) << 4)[1].tobytes()
    eye.start()
    for number, device in enumerate(("deep", "flat")):
        eye.put(Picture(device, deep, Arrived(1000 + number, 1050)))
        told.detections(number + 1)
    eye.stop()
    as_set, not_set = told.detections(2)
    assert [finding.box for finding in as_set.findings] == [(10, 4, 50, 44)]
    assert not_set.fault == "the PNG has 16 bits a channel, not 8: set `depth` of its device, or its source"


class Hanging(Counting):
    """Looks at one picture only once it may."""

    def __init__(self) -> None:
        super().__init__(1)
        self.may = threading.Event()
        self.hangs = threading.Event()

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[DetectionResult | DetectorFault]:
        self.hangs.set()
        assert self.may.wait(10)
        return super().detect_all(pictures)


def test_c55_while_the_detector_hangs_nobody_waits_and_behind_it_all_are_answered(tmp_path: Path) -> None:
    """Fregata#79: after a detector's restart all cameras crawled until somebody restarted everything."""
    told = Told()
    detector = Hanging()
    eye = Eye(detector, PictureStore(tmp_path), told.hear)
    data = cv2.imencode(".png", VIEWS[0][..., ::-1])[1].tobytes()
    eye.start()
    eye.put(Picture("above", data, Arrived(1000, 1050)))
    assert detector.hangs.wait(5)
    for number in range(1, QUEUE + 3):
        eye.put(Picture("above", data, Arrived(1000 + number, 1050)))
    refused = [event for event in told if isinstance(event, Frame) and event.fault]
    assert [event.fault for event in refused] == [f"the detector is busy: {QUEUE} pictures waiting"] * 2
    assert eye.seen_empty("above", 5000) == 1000, "the port is not empty while a picture waits"
    detector.may.set()
    found = told.detections(1 + QUEUE)
    eye.stop()
    assert [event.fault for event in found] == [""] * (1 + QUEUE)
    assert eye.seen_empty("above", 5000) == 5000


def test_a_look_that_hangs_is_told_and_logged_once_and_so_is_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told = Told()
    detector = Hanging()
    eye = Eye(detector, PictureStore(tmp_path), told.hear)
    data = cv2.imencode(".png", VIEWS[0][..., ::-1])[1].tobytes()
    eye.start()
    for number in range(1 + QUEUE):
        eye.put(Picture("above", data, Arrived(1000 + number, 1050)))
        assert detector.hangs.wait(5)
    for after_ms in (900, 1100, 60_000):
        eye.watch(now_ns() + after_ms * 1_000_000, 150.0)
    eye.put(Picture("above", data, Arrived(2000, 2050)))
    assert [event.fault for event in told if isinstance(event, Frame) and event.fault] == [
        f"the detector hangs: {QUEUE} pictures waiting"
    ]
    detector.may.set()
    told.detections(1 + QUEUE)
    eye.stop()
    for _ in range(2):
        eye.watch(now_ns() + 60_000_000_000, 150.0)
    hangs = [event for event in told if isinstance(event, Condition) and event.subject == "hangs"]
    assert [(event.alarm, event.standing) for event in hangs] == [("detector", True), ("detector", False)]
    assert "longer than 1000 ms" in hangs[0].text
    assert caplog.messages == [f"eye: {hangs[0].text}", "eye: the detector answers again"]


def test_a_slow_detector_has_five_times_its_bound(tmp_path: Path) -> None:
    told = Told()
    detector = Hanging()
    eye = Eye(detector, PictureStore(tmp_path), told.hear)
    eye.start()
    eye.put(Picture("above", cv2.imencode(".png", VIEWS[0][..., ::-1])[1].tobytes(), Arrived(1000, 1050)))
    assert detector.hangs.wait(5)
    eye.watch(now_ns() + 1_900_000_000, 400.0)
    assert not any(isinstance(event, Condition) for event in told)
    eye.watch(now_ns() + 2_100_000_000, 400.0)
    assert any(isinstance(event, Condition) for event in told)
    detector.may.set()
    eye.stop()

"""No parcel is closed while a picture of its time still waits for the detector."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

from station.core.events import Arrived, Detection, Event, Frame
from station.eye import Eye
from station.journal import PictureStore
from station.ports import Picture


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

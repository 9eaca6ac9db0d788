"""A camera through OpenCV: USB device, RTSP address or video file: kind `opencv-camera`. The only cv2 capture.

Every frame is taken from the source at once, so that none waits in a buffer; every `every_ms` the newest is delivered
and the others count as dropped. A belt wants `every_ms` at most the time that the shortest parcel is in the zone. A
frame that is late by its source's stamps, or whose stamps do not advance, is never delivered. A video file plays at
its own speed, as a camera would.

Of a stream of JPEGs (MJPEG) each is delivered as it came. OpenCV would decode one that is cut, with what an earlier
picture left in memory below the cut, and would scale all to the size of the first; so it does with other codecs, see
docs/faults.md.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import cv2
from cv2.typing import MatLike

from drivers.camera_source import CameraSettings, address, is_file, is_usb, told
from drivers.frame_clock import FrameClock, Unchanged
from drivers.picture_codec import content, what_lacks, without_filling
from drivers.wire import Wire, WireError
from station.core.events import Arrived
from station.ports import Driver, NowNs, Picture, Role

EXAMPLE = """\
kind: opencv-camera
source: rtsp://192.168.10.31/stream1   # or 0 for the first USB camera, or the path of a video file
username: viewer                       # if the stream asks for it; the password stands in a file of its own
password_file: /etc/inspection-station/camera-password
every_ms: 200                          # a picture so often; at most the time that a parcel is in the zone
"""
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg's AV_LOG_QUIET, read at the first opening
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
MS = 1_000_000
OPEN_MS = 3000
READ_MS = 800
OPENS_WITHIN_NS = 10_000 * MS
OUTDATED_NS = 2_000 * MS
TRIED_NS = 5_000 * MS
AGELESS = "whose age is unproven: their time stamps stand or run unevenly; use another stream of it, or another camera"
JPEGS = {b"MJPG", b"JPEG"}
"""Codes of codecs (in capitals) whose every frame is a JPEG file."""


class OpenCvCamera(Wire):
    """Delivers `Picture`, the newest frame each time; a frozen camera's with a fault."""

    opens_within_ns = OPENS_WITHIN_NS
    proved = "it gives frames, and their age shows"

    def __init__(self, name: str, settings: CameraSettings, now_ns: NowNs) -> None:
        super().__init__(name, now_ns)
        self._settings = settings
        self._file = is_file(settings.source)
        self._told = told(settings.source)
        self._capture: cv2.VideoCapture | None = None
        self._jpegs = self._ended = False
        self._clock = FrameClock()
        self._unchanged = Unchanged()
        self._begun_ns = self._taken_ns = self._due_ns = self._fresh_ns = 0
        self._played_ms = 0.0

    def probe(self) -> str:
        """Open it and take frames until the age of one is proven; of a file one is enough."""
        try:
            capture = self._opened()
        except WireError as error:
            return str(error)
        found = self._tried(capture)
        capture.release()
        return found

    def _tried(self, capture: cv2.VideoCapture) -> str:
        clock, until_ns = FrameClock(), self._now_ns() + TRIED_NS
        while capture.grab():
            now_ns = self._now_ns()
            if self._file or clock.late_ms(float(capture.get(cv2.CAP_PROP_POS_MSEC)), now_ns) is not None:
                return ""
            if now_ns > until_ns:
                return f"camera {self._told} gives frames {AGELESS}"
        return f"camera {self._told} opens but gives no frame; does another program use it?"

    def _open(self) -> None:
        if self._ended:
            raise WireError(self._over())
        self._capture = self._opened()
        self._jpegs = _gives_jpegs(self._capture)
        self._clock, self._unchanged = FrameClock(), Unchanged()
        self._begun_ns = self._taken_ns = self._fresh_ns = self._now_ns()
        self._due_ns, self._played_ms = 0, 0.0

    def _turn(self) -> None:
        capture = self._capture
        if capture is None:
            raise WireError("not open")
        asked_ns = self._now_ns()
        if not capture.grab() and not self._again(capture):
            raise WireError(self._over())
        pos_ms = self._played_ms + float(capture.get(cv2.CAP_PROP_POS_MSEC))
        if self._file:
            self._pace(pos_ms)
        taken_ns = self._now_ns()
        self._counters["frames"] += 1
        late_ms = self._clock.late_ms(pos_ms, taken_ns)
        if late_ms is None or late_ms > self._settings.max_late_ms:
            self._not_fresh(late_ms, taken_ns)
        else:
            self._fresh_ns = taken_ns
            after_ns = min(asked_ns, self._taken_ns) - round(late_ms * MS)
            self._perhaps_deliver(capture, Arrived(after_ns, taken_ns))
            self._seen_empty_ns = after_ns
        self._taken_ns = taken_ns

    def _perhaps_deliver(self, capture: cv2.VideoCapture, arrived: Arrived) -> None:
        if arrived.before_ns < self._due_ns:
            self._counters["dropped"] += 1
            return
        whole, pixels = capture.retrieve()
        if not whole:
            self._counters["undecoded"] += 1
            return
        self._due_ns = arrived.before_ns + self._settings.every_ms * MS
        data = without_filling(pixels.tobytes()) if self._jpegs else _encode(pixels, self._settings.format)
        self._deliver(Picture(self.name, data, arrived, None, self._fault(data)))

    def _fault(self, data: bytes) -> str:
        times = self._unchanged.times(hashlib.blake2b(content(data), digest_size=16).digest())
        frozen, lacks = 0 < self._settings.frozen_after <= times, what_lacks(data)
        self._counters["frozen"] += frozen
        self._counters["damaged"] += lacks != ""
        return f"a frame lacks {lacks}" if lacks else f"frozen: {times} equal pictures in a row" if frozen else ""

    def _not_fresh(self, late_ms: float | None, taken_ns: int) -> None:
        self._counters["unproven" if late_ms is None else "late"] += 1
        if taken_ns - self._fresh_ns > OUTDATED_NS:
            why = f"{late_ms:.0f} ms late; lower resolution or frame rate" if late_ms is not None else AGELESS
            raise WireError(f"camera {self._told} gives frames {why}")

    def _pace(self, pos_ms: float) -> None:
        """Wait until a file's frame is due; one that is overdue is taken at once."""
        self._wait(max(0.0, (self._begun_ns + pos_ms * MS - self._now_ns()) / 1e9))

    def _again(self, capture: cv2.VideoCapture) -> bool:
        if not (self._file and self._settings.repeat and capture.set(cv2.CAP_PROP_POS_FRAMES, 0)):
            return False
        self._played_ms += 1000.0 * capture.get(cv2.CAP_PROP_FRAME_COUNT) / max(capture.get(cv2.CAP_PROP_FPS), 1.0)
        return capture.grab()

    def _over(self) -> str:
        """No more frames come; a file that was played stays at its end."""
        self._ended = self._file and not self._settings.repeat
        if self._ended:
            return f"video file {self._told} is at its end; set `repeat`, or start the station to play it again"
        return f"camera {self._told} gives no more frames; check cable, network and its power"

    def _opened(self) -> cv2.VideoCapture:
        source = self._settings.source
        if is_usb(source):
            capture = cv2.VideoCapture(source, cv2.CAP_V4L2)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        elif self._file:
            if not Path(str(source)).is_file():
                raise WireError(f"video file {source} does not exist; correct `source`")
            capture = cv2.VideoCapture(str(source))
        else:
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
            capture = cv2.VideoCapture(address(self._settings), cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise WireError(f"camera {self._told} does not open; {_present()}")
        return capture

    def _close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _sound(self) -> bool:
        return self._fresh_ns > self._begun_ns


def _present() -> str:
    cameras = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "none"
    return f"USB cameras here: {cameras}; check address, password and that this user is in the group video"


def _gives_jpegs(capture: cv2.VideoCapture) -> bool:
    """Whether each of its frames is a JPEG; then they are no longer decoded, `retrieve` gives the file's bytes."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    if code.to_bytes(4, "little").upper() not in JPEGS:
        return False
    if capture.getBackendName() == "V4L2":
        return capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    return capture.set(cv2.CAP_PROP_FORMAT, -1)


def _encode(pixels: MatLike, kind: str) -> bytes:
    """Pixels (height, width, 3) or (height, width), uint8, BGR, as a file's bytes."""
    options: list[Any] = [cv2.IMWRITE_JPEG_QUALITY, 95] if kind == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    encoded, data = cv2.imencode(f".{kind}", pixels, options)
    if not encoded:
        raise WireError("a frame could not be encoded")
    return data.tobytes()


DRIVER = Driver(Role.FRAMES, CameraSettings, OpenCvCamera, EXAMPLE)

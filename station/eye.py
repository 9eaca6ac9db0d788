"""Pictures to findings, beside the line: one thread of lowered priority, a short queue, no picture ever dropped unsaid.

A picture is on disk before the core hears of it. What cannot be read, judged or inspected is said as a fault, so the
core sends its parcel to inspection.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from station.clock import now_ns
from station.core.events import Condition, Detection, Event, Frame
from station.journal import JournalError, PictureStore
from station.ports import Picture
from station.vision import Detector, DetectorFault, PictureFault, quality_fault, read_picture

log = logging.getLogger(__name__)
QUEUE = 4
_NICE = 10
_IDLE_S = 0.5
_TEST_EVERY_NS = 30_000_000_000
_TEST_AGAIN_NS = 2_000_000_000


class Eye:
    """The detector's thread. `put` never blocks; `out` is called from the thread.

    While it `refuses`, for want of room, pictures are looked at and not kept, and what is said of them says so.
    """

    def __init__(
        self,
        detector: Detector | None,
        store: PictureStore,
        out: Callable[[Event], None],
        refuses: Callable[[], bool] = lambda: False,
    ) -> None:
        self._detector = detector
        self._golden: Iterator[None] = iter(())
        self._test_due_ns = 0
        self._testing = False
        self.tested_ns: int | None = None
        self._store = store
        self._out = out
        self._refuses = refuses
        self._queue: queue.Queue[Picture | None] = queue.Queue(QUEUE)
        self._untold: deque[Picture] = deque()
        self._thread = threading.Thread(target=self._run, name="eye", daemon=True)

    def start(self) -> None:
        """Begin to take pictures, with a detector that has just passed its test."""
        if self._detector is not None:
            self.tested_ns = now_ns()
            self._test_due_ns = self.tested_ns + _TEST_EVERY_NS
        self._thread.start()

    def stop(self) -> None:
        """End after the picture in hand."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(timeout=1.0)

    def put(self, picture: Picture) -> None:
        """Take a picture; with the queue full it is said to be unusable at once."""
        if picture.fault:
            self._out(Frame(picture.device, "", picture.arrived, picture.trigger, picture.fault))
            return
        self._untold.append(picture)
        try:
            self._queue.put_nowait(picture)
        except queue.Full:
            self._untold.remove(picture)
            fault = f"the detector is busy: {QUEUE} pictures waiting"
            self._out(Frame(picture.device, "", picture.arrived, picture.trigger, fault))

    def seen_empty(self, device: str, port_ns: int) -> int:
        """The port was seen empty at that moment; less, where a picture of before is not yet told to the core."""
        return min([port_ns, *(p.arrived.after_ns - 1 for p in self._untold.copy() if p.device == device)])

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while (picture := self._next()) is not None:
            kept = not self._refuses()
            frame_id = self._keep(picture) if kept else self._name(picture)
            self._untold.remove(picture)
            if frame_id:
                self._out(replace(self._detect(picture, frame_id), kept=kept))

    def _next(self) -> Picture | None:
        """The next picture; while none comes, and between two, the detector looks at golden ones now and then."""
        while True:
            self._test_step()
            try:
                return self._queue.get(timeout=_IDLE_S)
            except queue.Empty:
                continue

    def _test_step(self) -> None:
        """One golden picture, if a test is due: never more between two real ones."""
        if self._detector is None or now_ns() < self._test_due_ns:
            return
        try:
            next(self._golden)
        except StopIteration:
            if self._testing:
                self.tested_ns = now_ns()
                self._test_due_ns = self.tested_ns + _TEST_EVERY_NS
                self._out(Condition("detector", "golden", standing=False))
            else:
                self._golden = self._detector.golden_test()
            self._testing = not self._testing
        except Exception as error:  # noqa: BLE001 - whatever it is, this thread must go on, and all be inspected
            log.error("eye: %s", error)  # noqa: TRY400 - one line is enough for a technician
            self._testing, self._test_due_ns = False, now_ns() + _TEST_AGAIN_NS
            self.tested_ns = None
            text = f"{error}; without a test that passes, all is inspected: restart the station, or put the model back"
            self._out(Condition("detector", "golden", standing=True, text=text))

    def _keep(self, picture: Picture) -> str:
        """Bring it to disk and tell the core of it; "" where the disk refused."""
        try:
            frame_id = self._store.put(picture.data)
        except (OSError, JournalError) as error:
            fault = f"the picture could not be kept: {error}"
            self._out(Frame(picture.device, "", picture.arrived, picture.trigger, fault))
            return ""
        self._out(Frame(picture.device, frame_id, picture.arrived, picture.trigger))
        return frame_id

    def _name(self, picture: Picture) -> str:
        """Tell the core of it by the name that its file would have."""
        frame_id = hashlib.sha256(picture.data).hexdigest()
        self._out(Frame(picture.device, frame_id, picture.arrived, picture.trigger, kept=False))
        return frame_id

    def _detect(self, picture: Picture, frame_id: str) -> Detection:
        if self._detector is None:
            return Detection(picture.device, frame_id, (), "", 0.0, "no image model is configured")
        model = self._detector.model
        try:
            pixels = read_picture(picture.data)
            fault = quality_fault(pixels, model)
            if not fault:
                result = self._detector.detect(pixels)
                return Detection(picture.device, frame_id, result.findings, model.sha256, result.inference_ms)
        except (PictureFault, DetectorFault) as error:
            fault = str(error)
        except Exception as error:  # whatever it is, this thread must go on, and the parcel be inspected
            log.exception("eye: the detector failed on picture %s", frame_id)
            fault = f"the detector failed: {error!r}"
        return Detection(picture.device, frame_id, (), model.sha256, 0.0, fault)

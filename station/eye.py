"""Pictures to findings, beside the line: one thread of lowered priority, a short queue, no picture ever dropped unsaid.

A picture is on disk before the core hears of it. What cannot be read, judged or inspected is said as a fault, so the
core sends its parcel to inspection. Pictures that wait together, as the views of a parcel do, are looked at together.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from station.clock import now_ns
from station.core.events import Condition, Detection, Event, Frame
from station.habits import Habits
from station.journal import JournalError, PictureStore
from station.looking import Looking
from station.ports import Picture
from station.vision import (
    NOT_SHOWN,
    DetectionResult,
    Detector,
    DetectorFault,
    PictureFault,
    quality,
    read_picture,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)
QUEUE = 4
_SHOWN = 100
"""Pictures of a device that are known again by what they show."""
_FAINT_IN_A_ROW = 20
"""So many pictures may hardly show anything before the device is thought to have lost its contrast."""
_NICE = 10
_IDLE_S = 0.5
_TEST_EVERY_NS = 30_000_000_000
_TEST_AGAIN_NS = 2_000_000_000


class Eye:
    """The detector's thread. `put` never blocks; `out` is called from the thread.

    While it `refuses`, for want of room, pictures are looked at and not kept, and what is said of them says so.
    `depths` are the bits of the pictures' channels, by device, where they are not 8.

    Attributes:
        watch: to be called now and then, with the time and the detector's bound: it tells of a look that hangs.
        tested_ns: when a golden test last passed that shows that the detector sees; None for never, or failed since.
    """

    def __init__(
        self,
        detector: Detector | None,
        store: PictureStore,
        out: Callable[[Event], None],
        refuses: Callable[[], bool] = lambda: False,
        depths: Mapping[str, int] | None = None,
    ) -> None:
        self._detector = detector
        self._depths = depths or {}
        self._golden: Iterator[None] = iter(())
        self._test_due_ns = 0
        self._testing = False
        self.tested_ns: int | None = None
        self._store = store
        self._out = out
        self._looking = Looking(out)
        self.watch = self._looking.watch
        self._refuses = refuses
        self._come = threading.Condition()
        self._waiting: deque[Picture] = deque()
        self._ends = False
        self._untold: deque[Picture] = deque()
        self._shown: dict[str, OrderedDict[bytes, str]] = {}
        self._habits: dict[str, Habits] = {}
        self._faint: dict[str, int] = {}
        self._unwritten = False
        self._thread = threading.Thread(target=self._run, name="eye", daemon=True)

    def start(self) -> None:
        """Begin to take pictures, with a detector that has just passed its test; say so if that proves nothing."""
        if self._detector is not None and not self._detector.proves:
            log.error("eye: %s", NOT_SHOWN)
            text = f"{NOT_SHOWN}, then start again; without them all is inspected"
            self._out(Condition("detector", "golden", standing=True, text=text))
        elif self._detector is not None:
            self.tested_ns = now_ns()
            self._test_due_ns = self.tested_ns + _TEST_EVERY_NS
        self._thread.start()

    def stop(self) -> None:
        """End after the pictures that wait, or after a second."""
        with self._come:
            self._ends = True
            self._come.notify()
        self._thread.join(timeout=1.0)

    def put(self, picture: Picture) -> None:
        """Take a picture; with the queue full it is said to be unusable at once."""
        if picture.fault:
            self._out(Frame(picture.device, "", picture.arrived, picture.trigger, picture.fault))
            return
        with self._come:
            if len(self._waiting) < QUEUE:
                self._untold.append(picture)
                self._waiting.append(picture)
                self._come.notify()
                return
        fault = f"the detector {'hangs' if self._looking.hangs else 'is busy'}: {QUEUE} pictures waiting"
        self._out(Frame(picture.device, "", picture.arrived, picture.trigger, fault))

    def seen_empty(self, device: str, port_ns: int) -> int:
        """The port was seen empty at that moment; less, where a picture of before is not yet told to the core."""
        return min([port_ns, *(p.arrived.after_ns - 1 for p in self._untold.copy() if p.device == device)])

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while pictures := self._next():
            told = []
            for picture in pictures:
                kept = not self._refuses()
                frame_id = self._keep(picture) if kept else self._name(picture)
                self._untold.remove(picture)
                if frame_id:
                    told.append((picture, frame_id, kept))
            for detection in self._detected(told):
                self._out(detection)

    def _next(self) -> list[Picture]:
        """A picture, with what waits behind it of other devices if the detector looks at several at once; or the end.

        One device's next picture is another parcel's: it waits, so that the first parcel's answer does not. While
        none comes, and before each look, the detector looks at a golden one now and then.
        """
        while True:
            self._test_step()
            with self._come:
                if not self._come.wait_for(lambda: self._waiting or self._ends, _IDLE_S):
                    continue
                together: list[Picture] = []
                several = self._detector is not None and self._detector.batches
                while self._waiting and (several or not together):
                    if any(self._waiting[0].device == one.device for one in together):
                        break
                    together.append(self._waiting.popleft())
                return together

    def _test_step(self) -> None:
        """One golden picture, if a test is due: never more between two real ones."""
        if self._detector is None or not self._detector.proves or now_ns() < self._test_due_ns:
            return
        try:
            with self._looking.once():
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
            text = (
                f"no picture can be written to {self._store.folder}: {error}; make room, and let this user write there"
            )
            self._out(Condition("pictures", "fault", standing=True, text=text))
            self._unwritten = True
            self._out(Frame(picture.device, "", picture.arrived, picture.trigger, fault))
            return ""
        if self._unwritten:
            self._out(Condition("pictures", "fault", standing=False))
            self._unwritten = False
        self._out(Frame(picture.device, frame_id, picture.arrived, picture.trigger))
        return frame_id

    def _name(self, picture: Picture) -> str:
        """Tell the core of it by the name that its file would have."""
        frame_id = hashlib.sha256(picture.data).hexdigest()
        self._out(Frame(picture.device, frame_id, picture.arrived, picture.trigger, kept=False))
        return frame_id

    def _detected(self, told: Sequence[tuple[Picture, str, bool]]) -> Iterator[Detection]:
        """What is found in pictures, each with the name of its file and whether it was kept."""
        read = [self._readable(picture, frame_id) for picture, frame_id, _ in told]
        results = iter(self._looked([pixels for pixels, _ in read if pixels is not None]))
        model = self._detector.model.sha256 if self._detector is not None else ""
        for (picture, frame_id, kept), (pixels, fault) in zip(told, read, strict=True):
            result = DetectorFault(fault) if pixels is None else next(results)
            if isinstance(result, DetectorFault):
                yield Detection(picture.device, frame_id, (), model, 0.0, str(result), kept=kept)
            else:
                yield Detection(picture.device, frame_id, result.findings, model, result.inference_ms, kept=kept)

    def _readable(self, picture: Picture, frame_id: str) -> tuple[NDArray[np.uint8] | None, str]:
        """The picture's pixels; or none, and why it cannot be judged."""
        if self._detector is None:
            return None, "no image model is configured"
        try:
            pixels = read_picture(picture.data, depth=self._depths.get(picture.device, 8))
            fault, faint = quality(pixels, self._detector.model)
            fault = fault or self._repeated(picture.device, frame_id, pixels)
            fault = fault or self._habits.setdefault(picture.device, Habits()).take(pixels)
            fault = fault or self._washed_out(picture.device, faint=faint)
        except PictureFault as error:
            return None, str(error)
        except Exception as error:  # whatever it is, this thread must go on, and the parcel be inspected
            log.exception("eye: a picture of %s could not be judged", picture.device)
            return None, f"the picture could not be judged: {error!r}"
        return (None, fault) if fault else (pixels, "")

    def _repeated(self, device: str, frame_id: str, pixels: NDArray[np.uint8]) -> str:
        """Why it is no new picture: a frozen source may write another time into each file. The same file is known.

        No two devices see the very same: one of two views stands for the other then.
        """
        shown = self._shown.setdefault(device, OrderedDict())
        digest = hashlib.sha256(pixels.tobytes()).digest()
        first = shown.setdefault(digest, frame_id)
        while len(shown) > _SHOWN:
            shown.popitem(last=False)
        if first != frame_id:
            return "it shows the very same as an earlier picture, in another file: frozen?"
        others = [other for other, known in self._shown.items() if other != device and digest in known]
        return f"it shows the very same as a picture of {others[0]}: is that one's wired to both?" if others else ""

    def _washed_out(self, device: str, *, faint: bool) -> str:
        """A faint picture is a thin mailer's while others of the device have their contrast; one is looked back for."""
        since = self._faint.get(device, _FAINT_IN_A_ROW) + 1 if faint else 0
        self._faint[device] = min(since, _FAINT_IN_A_ROW + 1)
        if since <= _FAINT_IN_A_ROW:
            return ""
        return "it hardly shows anything, nor did those before: is the contrast of the device right?"

    def _looked(self, pictures: Sequence[NDArray[np.uint8]]) -> Sequence[DetectionResult | DetectorFault]:
        if self._detector is None or not pictures:
            return []
        try:
            with self._looking.once():
                return self._detector.detect_all(pictures)
        except Exception as error:  # whatever it is, this thread must go on, and the parcels be inspected
            log.exception("eye: the detector failed on %d pictures", len(pictures))
            return [DetectorFault(f"the detector failed: {error!r}")] * len(pictures)

"""The daemon's log: written by a thread of its own, so that a terminal or a pipe that nobody reads stops no turn."""

from __future__ import annotations

import atexit
import contextlib
import logging
import queue
import threading
import time
from typing import TextIO

MOST_WAITING = 1000
_END_S = 1.0
_FORM = logging.Formatter("%(asctime)s %(levelname).1s %(message)s")
_FORM.converter = time.gmtime  # as events and screens: no hour comes twice
_FORM.default_msec_format = "%s.%03dZ"


class LogWriter(logging.Handler):
    """Puts lines behind each other, the newest dropped while too many wait; how many is said once there is room."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self.setFormatter(_FORM)
        self._out = out
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never blocks."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """What waits is written, if that takes no more than a second."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=_END_S)
        self._thread.join(_END_S)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self._dropped = self._dropped, 0
            try:
                self._out.write(f"{line}\n" + (f"{dropped} lines of the log were dropped\n" if dropped else ""))
                self._out.flush()
            except (OSError, ValueError):  # nobody is there to read it any more
                continue


def log_to(out: TextIO) -> None:
    """Have all that is logged from INFO on written there."""
    writer = LogWriter(out)
    logging.basicConfig(level=logging.INFO, handlers=[writer])
    atexit.register(writer.close)

"""What came that is no reading: told one by one, and of a flood ten a second, each for all that came since the last."""

from __future__ import annotations

from collections.abc import Callable

from station.core.events import Arrived

EACH_NS = 100_000_000
AT_ONCE = 10


class Unread:
    """None is left out: each may have been the label of another parcel.

    Args:
        tell: takes what to say, and when that came.
    """

    def __init__(self, tell: Callable[[str, Arrived], None]) -> None:
        self._tell = tell
        self._free_ns = 0
        self._held: tuple[str, Arrived, int] | None = None

    @property
    def held(self) -> bool:
        """Whether something waits to be told."""
        return self._held is not None

    def take(self, text: str, arrived: Arrived) -> None:
        """Tell it, now or with what follows; in the order in which things arrive."""
        if self._held is None:
            self._held = text, arrived, 0
        else:
            first, since, more = self._held
            self._held = first, Arrived(since.after_ns, arrived.before_ns), more + 1
        self.release(arrived.before_ns)

    def release(self, now_ns: int | None = None) -> None:
        """Tell what waits, if it is time by then; without a time, it is."""
        if self._held is None or (now_ns is not None and self._free_ns - now_ns > (AT_ONCE - 1) * EACH_NS):
            return
        text, arrived, more = self._held
        self._held = None
        self._free_ns = max(self._free_ns, arrived.before_ns if now_ns is None else now_ns) + EACH_NS
        self._tell(f"{text}, and {more} more" if more else text, arrived)

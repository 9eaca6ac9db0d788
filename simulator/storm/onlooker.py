"""What really happens at the belt, told to the truth and to the promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.config import PlantConfig
from simulator.plant.world import Plant
from simulator.storm.clock import VirtualClock
from simulator.storm.plc_port import Cabinet
from simulator.storm.promises import Promises
from simulator.storm.truth import Body, Truth

After = Callable[[float, Callable[[], None]], None]
"""Does something so many ms later."""


class Onlooker:
    """Sees every parcel, whatever the station makes of it.

    `left` is called with who left the belt, if it had a number, and in which lane.
    """

    def __init__(
        self,
        config: PlantConfig,
        plant: Plant,
        truth: Truth,
        promises: Promises,
        cabinet: Cabinet,
        clock: VirtualClock,
        after: After,
    ) -> None:
        self._config = config
        self._plant = plant
        self._truth = truth
        self._promises = promises
        self._cabinet = cabinet
        self._clock = clock
        self._after = after
        self.left: Callable[[Body | None, str], None] = lambda _body, _lane: None

    def take(self, kind: str, fields: dict[str, Any]) -> None:
        """Something happened, as the plant tells it."""
        item = fields.get("item", 0)
        match kind:
            case "fed" | "added" | "swapped":
                self._truth.fed(next(one for one in reversed(self._plant.items) if one.identity == item))
                if kind != "fed" and (body := self._truth.of_item(item)) is not None:
                    body.hands = True
            case "infeed":
                self._truth.infeed(item, fields["count"], self._clock.ns)
            case "misseen":
                self._misseen(self._truth.of_item(item), fields["eye"], fields["edges"])
            case "seen-late":
                self._seen_late(self._truth.of_item(item), fields["eye"])
            case "decision-eye":
                self._at_decision_eye(self._truth.of_item(item))
            case "left":
                body = self._truth.left(item, fields["lane"])
                self._promises.left(body, fields["lane"])
                self.left(body, fields["lane"])
            case "removed":
                if (body := self._truth.of_item(item)) is not None:
                    body.hands = True

    def left_ms(self, body: Body) -> float:
        """Until its leading edge is at the decision eye, at full speed."""
        plc = self._config.plc
        return self._plant.left_mm(body.items[0], plc.eyes_mm[plc.decision_eye]) / self._config.belt.speed_mm_s * 1000

    def _misseen(self, body: Body | None, eye: int, edges: int) -> None:
        if body is None or eye >= self._config.plc.decision_eye:
            return
        if edges:
            body.misseen.append((eye, f"eye {eye} saw {edges} edges in place of one as it came"))
        else:
            self._after(2 * self._config.plc.scan_ms[1], lambda: self._unseen(body, eye))

    def _unseen(self, body: Body, eye: int) -> None:
        """No edge as it came; but the eye may have told by itself just before, and the PLC took that for it."""
        row = self._cabinet.program.rows.get(body.key[1]) if body.key else None
        if row is None or eye not in row.seen:
            body.misseen.append((eye, f"eye {eye} did not see it as it came"))

    def _seen_late(self, body: Body | None, eye: int) -> None:
        """The eye tells of it while it lies there: for the PLC that is an edge, in its window or not."""
        if body is not None:
            body.misseen = [(missed, text) for missed, text in body.misseen if missed != eye]

    def _at_decision_eye(self, body: Body | None) -> None:
        """The plant comes ahead of the scan: what the PLC holds now, it held before the edge."""
        if body is not None and body.key is not None and body.at_decision_ns is None:
            body.at_decision_ns = self._clock.ns
            held = self._cabinet.program.orders.held(body.key[1])
            self._promises.at_decision_eye(body, ordered=held)

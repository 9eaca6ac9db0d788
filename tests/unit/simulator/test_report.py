"""The demo's report finds what it is there to find: each promise broken on purpose is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.demo.report import ORDER_LATE_MS, PLANT_LATE_MS, Truth, make_report, too_busy
from simulator.wires.xray_folder import PictureLibrary
from tests.unit.core.test_whole_line import busy
from tests.unit.core.virtual_line import VirtualLine

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def healthy() -> tuple[Truth, Events]:
    line = VirtualLine(busy(31))
    line.run(40)
    truth = Truth()
    truth.take(json.dumps(fact) for fact in line.truth_lines)
    return truth, [{"type": f"v1.{r.type}", "data": r.model_dump(mode="json")} for r in line.records]


def test_a_healthy_line_breaks_nothing(healthy: tuple[Truth, Events]) -> None:
    truth, events = healthy
    report = make_report(truth, events, len(events))
    assert report["broken"] == []
    assert report["passed"] > 30


def completed(events: Events, route: str) -> dict[str, Any]:
    return next(e["data"] for e in events if e["type"] == "v1.parcel-completed" and e["data"]["route"] == route)


def other_barcode(events: Events) -> None:
    completed(events, "pass").update(barcodes=["another"], barcode="another")


def other_weight(events: Events) -> None:
    completed(events, "pass")["weight_g"] += 500


def other_picture(events: Events) -> None:
    completed(events, "pass")["frames"] = ["picture-of-another"]


def no_picture(events: Events) -> None:
    completed(events, "pass")["frames"] = []


def not_acknowledged(events: Events) -> None:
    completed(events, "inspect")["acknowledged"] = False


def never_decided(events: Events) -> None:
    completed(events, "pass").update(route="inspect")


@pytest.mark.parametrize(
    ("lie", "named"),
    [
        (other_barcode, "evidence_of_another_parcel"),
        (other_weight, "evidence_of_another_parcel"),
        (other_picture, "evidence_of_another_parcel"),
        (no_picture, "passed_without_own_clean_evidence"),
        (not_acknowledged, "orders_late_or_never_sent"),
        (never_decided, "in_the_wrong_lane"),
    ],
)
def test_a_broken_promise_is_named(healthy: tuple[Truth, Events], lie: Callable[[Events], None], named: str) -> None:
    truth, events = healthy[0], copy.deepcopy(healthy[1])
    lie(events)
    assert named in make_report(truth, events, len(events))["broken"]


def killed_before_the_echo(events: Events) -> dict[str, Any]:
    """The run that decided a released parcel was killed with the order on its way; the next one adopted the parcel."""
    done = completed(events, "pass")
    nothing = {"barcode": None, "barcodes": [], "weight_g": None, "frames": [], "findings": [], "route": None}
    done.update(nothing, ordered=False, acknowledged=False, adopted=True)
    events[:] = [e for e in events if e["type"] != "v1.acknowledged" or e["data"]["parcel"] != done["parcel"]]
    return done


def test_a_pass_whose_echo_was_never_journaled_is_judged_by_its_decision(healthy: tuple[Truth, Events]) -> None:
    truth, events = healthy[0], copy.deepcopy(healthy[1])
    done = killed_before_the_echo(events)
    assert make_report(truth, events, len(events))["broken"] == []
    undecided = [e for e in events if e["type"] != "v1.decided" or e["data"]["parcel"] != done["parcel"]]
    assert "passed_without_own_clean_evidence" in make_report(truth, undecided, len(undecided))["broken"]


def test_a_pass_that_left_unseen_is_judged_by_what_the_plc_did(healthy: tuple[Truth, Events]) -> None:
    truth, events = copy.deepcopy(healthy[0]), copy.deepcopy(healthy[1])
    done = killed_before_the_echo(events)
    done.update(outcome="unobserved", plc_why="")
    said = {"kind": "outcome", **done["parcel"], "place": "pass", "why": "released"}
    truth.take([json.dumps(said | {"why": "bypass"})])
    assert "passed_without_own_clean_evidence" in make_report(truth, events, len(events))["broken"]
    truth.take([json.dumps(said)])
    assert make_report(truth, events, len(events))["broken"] == []
    undecided = [e for e in events if e["type"] != "v1.decided" or e["data"]["parcel"] != done["parcel"]]
    assert "passed_without_own_clean_evidence" in make_report(truth, undecided, len(undecided))["broken"]


def test_a_pass_that_left_unseen_of_a_plc_that_tells_the_plant_nothing_is_judged_by_its_lane(
    healthy: tuple[Truth, Events],
) -> None:
    truth, events = copy.deepcopy(healthy[0]), copy.deepcopy(healthy[1])
    truth.whys.clear()
    done = killed_before_the_echo(events)
    done.update(outcome="unobserved", plc_why="")
    assert make_report(truth, events, len(events))["broken"] == []
    undecided = [e for e in events if e["type"] != "v1.decided" or e["data"]["parcel"] != done["parcel"]]
    assert "passed_without_own_clean_evidence" in make_report(truth, undecided, len(undecided))["broken"]


def test_a_decision_of_the_next_run_changes_nothing_of_a_release(healthy: tuple[Truth, Events]) -> None:
    truth, events = healthy[0], copy.deepcopy(healthy[1])
    done = killed_before_the_echo(events)
    reason = {"code": "inspect-only", "text": "entered before this session", "device": ""}
    done.update(route="inspect", reasons=[reason], ordered=True)
    late = {"parcel": done["parcel"], "route": "inspect", "reasons": [reason], "after": ""}
    assert make_report(truth, [*events, {"type": "v1.decided", "data": late}], len(events) + 1)["broken"] == []
    undecided = [e for e in events if e["type"] != "v1.decided" or e["data"]["parcel"] != done["parcel"]]
    assert "passed_without_own_clean_evidence" in make_report(truth, undecided, len(undecided))["broken"]


def test_a_missing_event_is_named(healthy: tuple[Truth, Events]) -> None:
    truth, events = healthy
    assert make_report(truth, events[:-1], len(events))["broken"] == ["events_received"]
    assert make_report(truth, events, len(events), again=len(events) // 2)["broken"] == ["events_read_again"]


def test_a_machine_that_was_too_busy_is_told_from_either_side() -> None:
    quiet = {"simulator_late_ms": PLANT_LATE_MS, "order_latency_ms": {"p50": 45.0, "max": ORDER_LATE_MS}}
    assert too_busy(quiet) == ""
    assert "plant ran up to 40 ms late" in too_busy(quiet | {"simulator_late_ms": 40.0})
    assert "took up to 900 ms" in too_busy(quiet | {"order_latency_ms": {"p50": 45.0, "max": 900.0}})
    assert too_busy({"simulator_late_ms": None, "order_latency_ms": None}) == "", "a line that never ran"


def test_pictures_with_coco_labels(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.jpg"):
        (tmp_path / "images" / name).write_bytes(b"picture")
    coco = {
        "categories": [{"id": 3, "name": "knife"}],
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "images/b.jpg"}],
        "annotations": [{"image_id": 1, "category_id": 3}, {"image_id": 1, "category_id": 3}],
    }
    (tmp_path / "labels.json").write_text(json.dumps(coco))
    pictures = PictureLibrary.load(tmp_path).pictures
    assert [(path.name, hazards) for path, hazards in pictures] == [("a.png", ("knife",)), ("b.jpg", ())]


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no PNG or JPEG"):
        PictureLibrary.load(tmp_path)

"""When evidence is closed: its place passed, latency elapsed, and all that came before has been read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.closing import Ports, _left_ms, closed_ns, detected, next_close_ns, passed
from station.core.events import BarcodeReading, Detection, Lane, ParcelKey
from station.core.parcel import FrameEvidence, Parcel
from station.core.records import Decided
from station.core.setup import LineSetup
from tests.unit.core.parts.bench import (
    BEHIND,
    DECISION,
    GEOMETRY,
    MS,
    SCALE,
    SCANNER,
    SETUP,
    TRIGGER,
    XRAY,
    Bench,
    clock_and_belt,
    codes,
)

# Of a parcel that entered at 2000 with 300 mm: its tail leaves the zones at 2630, 3010 and 3520 (10 counts included); a
# PLC millisecond n is over at n + 1 and one ms of clock; then latency and measuring time.
SCANNER_END, SCALE_END, XRAY_END = (2632 + 20) * MS, (3012 + 30 + 60) * MS, (3522 + 100) * MS
ALL = {"scanner": XRAY_END, "scale": XRAY_END, "xray": XRAY_END}
POLLED = clock_and_belt(*range(1000, 5000, 10))


def riding() -> Parcel:
    it = Parcel(ParcelKey(5, 1), 0, {0: 2000}, {0: 2300})
    it.led(1, 3000)
    it.led(BEHIND, 3500)
    return it


def closed(it: Parcel, seen_ns: dict[str, int], *, setup: LineSetup = SETUP, **ports: object) -> float | None:
    known = {"connected": set(ALL), "waiting_ns": {}} | ports
    now_ns = int(str(known.pop("now_ns", 0)))
    return closed_ns(it, setup, *POLLED, Ports(seen_ns, **known), now_ns)  # type: ignore[arg-type]


def test_evidence_closes_with_the_last_window() -> None:
    assert closed(riding(), ALL) == XRAY_END


def test_evidence_closes_not_before_an_eye_behind_the_last_zone_has_seen_it() -> None:
    """That eye is the one that confirms that it was alone under way: 3700 mm on the belt are over at 3702 ms."""
    it = riding()
    it.leads[BEHIND] = 3700
    assert closed(it, ALL) == 3702 * MS
    it.leads[BEHIND] = 4991  # not sampled yet
    assert closed(it, ALL) is None


def test_while_that_eye_may_still_see_it_the_windows_stay_open() -> None:
    it = riding()
    del it.leads[BEHIND]
    assert closed(it, ALL) is None
    it.doubts["unknown"] = "another doubt"
    assert closed(it, ALL) is None
    it.doubts["missed"] = "not seen at eye 2"
    assert closed(it, ALL) == XRAY_END


def test_a_stranger_seen_first_behind_the_zones_waits_for_no_eye() -> None:
    for origin, waits in ((1, True), (BEHIND, False), (DECISION, False)):
        it = Parcel(None, origin, {origin: 2000 + int(GEOMETRY.eyes_mm[origin])})
        it.trailed(origin, it.leads[origin] + 300)
        if origin == BEHIND:
            it.leads = {DECISION: 4500}
        assert (closed(it, ALL) is None) is waits


def test_where_the_decision_eye_is_the_first_behind_the_zones_it_is_not_waited_for() -> None:
    """Waiting for the eye at which the order is carried out would be waiting too long."""
    far = replace(SETUP, devices=(SCANNER, replace(SCALE, zone_mm=(1520.0, 1530.0))))
    it = riding()
    assert closed(it, {"scanner": 10**12, "scale": 10**12}, setup=far) == (2300 + 1530 + 10 + 2 + 90) * MS


def test_a_zone_that_ends_at_an_eye_is_confirmed_by_that_eye() -> None:
    at_eye = replace(SETUP, devices=(replace(XRAY, zone_mm=(1400.0, 1500.0)),))
    it = riding()
    del it.leads[BEHIND]
    assert closed(it, {"xray": 10**12}, setup=at_eye) is None


def test_a_zone_behind_all_eyes_is_confirmed_by_none() -> None:
    behind = replace(SETUP, devices=(replace(SCANNER, zone_mm=(2600.0, 2610.0)),))
    it = riding()
    it.leads = {0: 2000}
    assert closed(it, {"scanner": 10**12}, setup=behind) == (2300 + 2610 + 10 + 2 + 20) * MS


def test_a_line_without_devices_is_closed_by_its_first_eye() -> None:
    bare = replace(SETUP, devices=())
    assert closed(riding(), {}, setup=bare) == 2002 * MS
    assert next_close_ns(riding(), bare, *POLLED) is None
    assert closed(Parcel(None, TRIGGER, {TRIGGER: 3000}), {}, setup=bare) == 0.0  # that eye is behind it: no wait


@pytest.mark.parametrize(
    ("device", "end"), [("scanner", SCANNER_END), ("scale", SCALE_END), ("xray", XRAY_END)], ids=["1", "2", "3"]
)
def test_each_port_must_have_been_read_up_to_the_end_of_its_window(device: str, end: int) -> None:
    assert closed(riding(), ALL | {device: end}) == XRAY_END
    assert closed(riding(), ALL | {device: end - 1}) is None
    unheard = {name: ns for name, ns in ALL.items() if name != device}
    assert closed(riding(), unheard) is None


def test_a_port_that_is_gone_is_waited_for_as_long_as_a_byte_could_be_under_way() -> None:
    gone = {"scanner", "scale"}
    settled = XRAY_END + 10 * MS
    assert closed(riding(), ALL, connected=gone, now_ns=settled - 1) is None
    assert closed(riding(), ALL, connected=gone, now_ns=settled) == XRAY_END


def test_a_reading_that_waits_holds_the_window_of_its_own_device_open() -> None:
    assert closed(riding(), ALL, waiting_ns={"scanner": SCANNER_END}) is None
    assert closed(riding(), ALL, waiting_ns={"scanner": SCANNER_END + 1000}) == XRAY_END
    assert closed(riding(), ALL, waiting_ns={"camera": 2400 * MS}) == XRAY_END


def test_a_window_is_open_until_the_samples_are_past_its_place() -> None:
    behind = (*clock_and_belt(*range(1000, 3520, 10)),)
    ports = Ports(ALL, set(ALL), {})
    it = riding()
    assert closed_ns(it, SETUP, *behind, ports, 0) is None
    assert next_close_ns(it, SETUP, *behind) is None
    assert next_close_ns(it, SETUP, *POLLED) == XRAY_END + 10 * MS


def test_a_parcel_has_passed_when_its_tail_is_out_of_the_last_zone_for_certain() -> None:
    _, belt = clock_and_belt(1000, 3519)
    assert not passed(riding(), SETUP, belt)
    assert not passed(riding(), SETUP, clock_and_belt()[1])
    belt.add(3520, 3520)
    assert passed(riding(), SETUP, belt)
    with pytest.raises(ValueError, match=r"^the belt has not carried it out of the zone yet$"):
        _left_ms(riding(), XRAY, SETUP, clock_and_belt(1000, 3519)[1])


def test_a_parcel_under_an_eye_has_no_end_yet() -> None:
    it = riding()
    it.trails = {}
    assert closed(it, ALL) is None
    assert next_close_ns(it, SETUP, *POLLED) is None


def test_the_detector_must_have_answered_for_every_picture() -> None:
    answer = Detection("xray", "f", (), "model", 1.0)
    it = riding()
    assert detected(it)
    it.evidence.frames = [FrameEvidence("xray", "f", answer), FrameEvidence("xray", "g")]
    assert not detected(it)
    it.evidence.frames[1].fault = "too dark"
    assert detected(it)


# --- the same through the one door


def test_a_clean_parcel_is_decided_at_the_first_poll_after_its_windows() -> None:
    """They close at 3622; 3640 is the first watermark past that, and the deadline is far (4490 - 80)."""
    bench = Bench().started()
    bench.clean(1, 2000)
    bench.go(3620)
    assert not bench.orders
    bench.go(3640)
    assert bench.last(Decided).count == 3640
    assert bench.orders[-1].lane is Lane.PASS
    assert bench.parcel(1).ready_ns == XRAY_END


@pytest.mark.parametrize("name", ["closing", "deadline", "due", "first look"])
def test_what_a_device_is_called_changes_nothing(name: str) -> None:
    """Numbers are kept by name: none of a device's is taken for another."""
    called = replace(SCANNER, name=name)
    bench = Bench(replace(SETUP, devices=(called, SCALE, XRAY))).started()
    bench.clean(1, 2000)
    bench._coming = [
        (at, i, replace(event, device=name) if isinstance(event, BarcodeReading) else event)
        for at, i, event in bench._coming
    ]
    bench.go(3620)
    assert not bench.orders
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS
    assert bench.parcel(1).ready_ns == XRAY_END


def test_the_core_says_when_it_wants_to_be_woken() -> None:
    bench = Bench().started()
    assert bench.line.next_deadline() is None
    bench.clean(1, 2000)
    bench.go(3500)
    assert bench.line.next_deadline() is None  # not yet out of the last zone
    bench.go(3520)
    assert bench.line.next_deadline() == XRAY_END + 10 * MS
    bench.go(3640)
    assert bench.line.next_deadline() is None  # decided


def test_the_first_of_several_parcels_wakes_the_core() -> None:
    bench = Bench(replace(SETUP, devices=(SCANNER,))).started()
    for number, count in ((1, 2000), (2, 2310)):
        bench.ride(number, count, 100)
    bench.go(2760)
    assert bench.line.next_deadline() == (2440 + 2 + 20 + 10) * MS  # gone at 2430, sampled at 2440


def test_a_stranger_wakes_nobody() -> None:
    bench = Bench(replace(SETUP, devices=(SCANNER,))).started()
    bench.ride(0, 2000, 100, eyes=(0,))
    bench.go(2600)
    assert bench.line.next_deadline() is None


def test_what_cannot_wait_is_inspected_with_that_as_a_reason() -> None:
    """The scanner's port is not read on: at 4490 - 80 the order must be under way."""
    bench = Bench().started()
    bench.clean(1, 2000)
    bench.go(2600)
    bench.unread.add("scanner")
    bench.go(4400)
    assert not bench.orders
    bench.go(4420)
    decided = bench.last(Decided)
    assert (decided.route, codes(decided.reasons), decided.count) == ("inspect", [("deadline", "")], 4420)
    assert bench.parcel(1).ready_ns == 4420 * MS


def test_a_missing_answer_of_the_detector_is_waited_for_until_the_deadline() -> None:
    bench = Bench().started()
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, 1)
    bench._coming = [entry for entry in bench._coming if not isinstance(entry[2], Detection)]
    bench.go(4400)
    assert not bench.orders
    bench.go(4420)
    assert codes(bench.last(Decided).reasons) == [("no-detection", "xray"), ("deadline", "")]
    assert bench.parcel(1).ready_ns == XRAY_END  # its windows had closed

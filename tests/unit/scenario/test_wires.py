"""What is said of the promises on real wires: a fault found too late excuses the parcels that it met, and no other."""

from __future__ import annotations

from simulator.demo.report import Truth, make_report
from simulator.scenario.account import Account, Body
from simulator.scenario.files import parse
from simulator.scenario.wires import _broken

LATE = "{teaches: a, seconds: 60, faults: [{at_s: 40, fault: 'diverter-slow=2', for_s: 0.5}]}"
CALM = "{teaches: a, seconds: 60}"
FIGURES = {"events_read_again": 0, "events_journaled": 100, "out_of_order": 0, "station_exit_code": 0}


def said(scenario: str, **items: list[int]) -> list[str]:
    """Of items that came to the infeed eye at as many seconds as their number."""
    account = Account(bodies={number: Body(number, clean=True, entered_s=float(number)) for number in range(60)})
    return list(_broken(parse(scenario), FIGURES | {"items": items}, account))


def test_what_such_a_fault_met_is_excused_and_nothing_else() -> None:
    """One of half a second switched off all three promises for the whole run."""
    assert said(LATE, in_the_wrong_lane=[38, 41, 44]) == []
    alone = "a parcel left by another lane than the station says: 2, the first is item 10"
    assert said(LATE, in_the_wrong_lane=[10, 38, 55]) == [alone]
    assert said(LATE, passed_without_a_number=[3]) == ["a parcel passed without a number: 1, the first is item 3"]


def test_without_one_nothing_is_excused_nor_what_never_came_to_the_infeed_eye() -> None:
    assert said(CALM) == []
    assert len(said(CALM, in_the_wrong_lane=[41], passed_without_own_clean_evidence=[38])) == 2
    assert len(said(LATE, in_the_wrong_lane=[1000])) == 1


def test_the_report_names_the_items() -> None:
    truth = Truth(lanes={1: "pass", 2: "inspect"})
    report = make_report(truth, [], 0)
    assert (report["passed_without_a_number"], report["items"]) == (1, {"passed_without_a_number": [1]})

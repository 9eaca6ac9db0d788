"""What commands do: resolutions, hold lists, policies, models."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from station.core.actions import Keep
from station.core.commands import (
    ChangeModel,
    ChangePolicy,
    HoldList,
)
from station.core.events import (
    CommandReceived,
    HeldCodes,
    Lane,
    ListsLoaded,
    ParcelKey,
    Place,
    StagedModel,
    Starting,
    StationMode,
)
from station.core.now import Now
from station.core.parcel import State
from station.core.records import (
    CommandResult,
    Decided,
    ListsChanged,
    Lookup,
    ModelChanged,
    ParcelResolved,
    PolicyChanged,
    StationStarted,
)
from station.core.setup import PolicySetup
from tests.unit.core.parts.bench import EPOCH, MS, SETUP, Bench, codes
from tests.unit.core.parts.wishes import FIRST, LIST, NOON, answer, give, hold, inspected, resolve, wish

# --- resolutions


def test_an_inspected_parcel_is_confirmed_with_what_was_found(bench: Bench) -> None:
    records = give(inspected(bench), resolve(1, "c-1", "knife", "lighter"))
    resolved = ParcelResolved(
        parcel=FIRST, resolution="confirmed", found=("knife", "lighter"), command="c-1", who="anna"
    )
    assert records[0] == resolved
    assert answer(records) == ("accepted", "", "parcel 5/1 is confirmed")
    assert bench.last(CommandResult).about == "5/1"


def test_a_resolution_stands(bench: Bench) -> None:
    assert answer(give(inspected(bench), resolve())) == ("accepted", "", "parcel 5/1 is cleared")
    again = answer(give(bench, resolve(1, "c-2", "knife")))
    assert again == ("refused", "not-now", "parcel 5/1 is resolved: a resolution stands")
    assert len(bench.kept(ParcelResolved)) == 1


def test_a_parcel_on_the_belt_is_not_resolved(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(3000)
    result = answer(give(bench, resolve()))
    assert result == ("refused", "not-now", "parcel 5/1 is entered: it is on the belt")


def test_a_parcel_that_passed_is_not_resolved(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.leaves(1, 5600, Place.PASS)
    bench.go(5620)
    result = answer(give(bench, resolve()))
    assert result == ("refused", "not-now", "parcel 5/1 is passed: only what was to be inspected is resolved")


def test_a_parcel_that_nobody_knows_is_not_resolved(bench: Bench) -> None:
    assert answer(give(bench, resolve())) == ("refused", "unknown-parcel", "the journal knows no parcel 5/1")


@pytest.mark.parametrize(
    ("standing", "result"), [("inspected", "accepted"), ("lost", "accepted"), ("passed", "refused")]
)
def test_of_older_parcels_the_journal_tells_how_they_ended(bench: Bench, standing: str, result: str) -> None:
    assert answer(give(bench, CommandReceived(resolve(), "station", standing=standing)))[0] == result


def test_what_the_core_knows_is_newer_than_what_the_journal_told(bench: Bench) -> None:
    """The journal was asked a moment before the core had the command."""
    assert answer(give(inspected(bench), CommandReceived(resolve(), "station", standing="entered")))[0] == "accepted"


def test_the_newest_200_ends_are_remembered(bench: Bench) -> None:
    desk = bench.line.desk
    for number in range(201):
        desk.end(ParcelKey(EPOCH, number), State.INSPECTED)
    assert len(desk.ended) == 200
    assert answer(give(bench, resolve(0)))[1] == "unknown-parcel"
    assert answer(give(bench, resolve(1, "c-2")))[0] == "accepted"


# --- hold lists


def test_a_hold_list_is_replaced_as_a_whole_and_told(bench: Bench) -> None:
    bench.give(ListsLoaded("file", frozenset({"F"}), (("A", 5000.0),)))
    bench.ride(1, 2000)
    bench.scan(2000, "A")
    bench.go(2500)
    records = give(bench, hold("A", "B"))
    assert records[0] == ListsChanged(
        lists_version=f"file+{LIST[:16]}",
        held=3,
        declared=1,
        on_belt=(Lookup(code="A", held=True, declared_g=5000.0),),
        count=2500,
    )
    assert answer(records) == ("accepted", "", "the hold list of 2 codes is in force")
    assert bench.last(CommandResult).about == LIST
    give(bench, hold("C", identity="c-2", sha256="0b" * 32))
    assert [bench.line.desk.lookup(code).held for code in "ABCF"] == [False, False, True, True]


def test_a_pass_of_what_is_held_now_is_taken_back(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    give(bench, hold("A"))
    assert bench.orders[-1].lane is Lane.INSPECT
    assert codes(bench.last(Decided).reasons) == [("held", "")]


@pytest.mark.parametrize("held", [None, HeldCodes("0b" * 32, frozenset({"B"}))], ids=["none", "another"])
def test_a_hold_list_that_is_not_there_leaves_the_one_before(bench: Bench, held: HeldCodes | None) -> None:
    give(bench, hold("A"))
    command = wish(HoldList, "c-2", sha256="0c" * 32, codes=1)
    result = answer(give(bench, CommandReceived(command, "mqtt", held=held, fault="it is damaged")))
    assert result == ("refused", "hold-list", "it is damaged")
    missing = CommandReceived(wish(HoldList, "c-3", sha256="0c" * 32, codes=1), "mqtt")
    assert answer(give(bench, missing)) == ("refused", "hold-list", "it is not there")
    assert [bench.line.desk.lookup(code).held for code in "AB"] == [True, False]


def test_of_the_policy_what_is_named_changes_and_the_rest_stays(bench: Bench) -> None:
    command = wish(ChangePolicy, thresholds={"knife": 0.2}, declared_tolerance_percent=3.0, may_be_missing=("scale",))
    records = give(bench, command)
    policy = PolicySetup("rules+c-1", (100.0, 30_000.0), 50.0, 0.03, {"knife": 0.2}, frozenset({"scale"}))
    assert records[0] == PolicyChanged(policy=policy, command="c-1", who="anna", count=1000)
    assert answer(records) == ("accepted", "", "policy rules+c-1 is in force")
    more = wish(ChangePolicy, "c-2", weight_range_g=(1.0, 2.0), declared_tolerance_g=7.0)
    give(bench, more)
    changed = PolicySetup("rules+c-2", (1.0, 2.0), 7.0, 0.03, {"knife": 0.2}, frozenset({"scale"}))
    assert bench.last(PolicyChanged).policy == changed


def test_parcels_are_decided_by_the_policy_in_force(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS
    give(bench, wish(ChangePolicy, weight_range_g=(100.0, 4000.0)))
    decided = bench.last(Decided)
    assert (decided.after, codes(decided.reasons)) == ("pass", [("weight-range", "")])
    assert decided.policy_version == "rules+c-1"


def test_a_policy_taken_from_a_journal_takes_passes_back_as_the_command_did(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    actions = bench.line.change_policy(replace(SETUP.policy, weight_range_g=(1.0, 2.0)), Now(bench.ms * MS, NOON))
    assert any(isinstance(a, Keep) and isinstance(a.record, Decided) for a in actions)


def test_a_threshold_for_what_the_model_does_not_know_is_refused(bench: Bench) -> None:
    result = answer(give(bench, wish(ChangePolicy, thresholds={"knife": 0.2, "knive": 0.1, "axe": 0.3})))
    assert result == ("refused", "policy", "the model knows no axe, knive; it knows: knife")
    assert bench.line.desk.rules == SETUP.policy


@pytest.mark.parametrize(("score", "result"), [(0.049, "refused"), (1.0, "refused"), (0.05, "accepted")])
def test_a_threshold_below_what_the_model_reports_or_1_is_refused(score: float, result: str) -> None:
    bench = Bench(replace(SETUP, floor=0.05)).started()
    said = answer(give(bench, wish(ChangePolicy, thresholds={"knife": score})))
    assert said[0] == result
    if result == "refused":
        text = f"threshold knife {score:g}: the model reports nothing below 0.05, and hardly ever 1: name 0.05 to 0.999"
        assert said[1:] == ("policy", text)
        assert bench.line.desk.rules == SETUP.policy


def test_devices_that_there_are_not_cannot_be_missing(bench: Bench) -> None:
    result = answer(give(bench, wish(ChangePolicy, may_be_missing=("scale", "camera", "belt"))))
    text = "there is no device belt, camera; there are: scanner, scale, xray"
    assert result == ("refused", "policy", text)
    assert bench.line.desk.rules == SETUP.policy


def test_not_all_devices_may_be_missing(bench: Bench) -> None:
    """As the YAML refuses it: a parcel of which nothing is known would pass, over every start to come."""
    assert answer(give(bench, wish(ChangePolicy, may_be_missing=("scanner", "scale"))))[0] == "accepted"
    result = answer(give(bench, wish(ChangePolicy, "c-2", may_be_missing=("scanner", "scale", "xray"))))
    text = "not all devices may be missing: a parcel of which nothing is known would pass"
    assert result == ("refused", "policy", text)
    assert bench.line.desk.rules.may_be_missing == {"scanner", "scale"}


@pytest.mark.parametrize("percent", [100.1, 1e308])
def test_a_tolerance_of_more_than_the_weight_is_none(percent: float) -> None:
    with pytest.raises(ValidationError, match="less than or equal to 100"):
        wish(ChangePolicy, declared_tolerance_percent=percent)


def test_a_start_tells_how_the_station_was_left() -> None:
    bench = Bench()
    bench.give(Starting("0.1", "config", "model", trigger_offsets=(("xray", 3),), mode=StationMode(dry_run=True)))
    started = bench.last(StationStarted)
    assert (started.paused, started.dry_run, started.trigger_offsets) == (False, True, (("xray", 3),))


def test_a_model_that_lies_ready_is_told_and_counts_behind_a_start(bench: Bench) -> None:
    command = wish(ChangeModel, release="0d" * 32)
    records = give(bench, CommandReceived(command, "mqtt", model=StagedModel("0d" * 32, "0e" * 32, "0f" * 32)))
    told = ModelChanged(release="0d" * 32, model_sha256="0e" * 32, over="0f" * 32, command="c-1", who="anna")
    assert records[0] == told
    assert [record.about for record in records if isinstance(record, CommandResult)] == ["0d" * 32]
    text = "model 0e0e0e0e0e0e counts from the start on that follows now, and the YAML's policy"
    assert answer(records) == ("accepted", "", text)


@pytest.mark.parametrize("model", [None, StagedModel("0c" * 32, "0e" * 32, "0f" * 32)], ids=["none", "another"])
def test_a_model_that_cannot_be_used_leaves_the_one_before(bench: Bench, model: StagedModel | None) -> None:
    command = wish(ChangeModel, release="0d" * 32)
    records = give(bench, CommandReceived(command, "mqtt", model=model, fault="it fails its test"))
    assert answer(records) == ("refused", "model", "it fails its test")
    missing = wish(ChangeModel, "c-2", release="0d" * 32)
    assert answer(give(bench, missing)) == ("refused", "model", "it is not there")


def test_a_start_goes_on_with_the_policy_that_was_commanded() -> None:
    bench = Bench()
    rules = replace(SETUP.policy, version="rules+c-1")
    bench.give(Starting("0.1", "config", "model", rules=rules))
    started = bench.last(StationStarted)
    assert (started.policy_version, started.setup.policy) == ("rules+c-1", rules)
    assert started.setup.line_setup() == replace(SETUP, policy=rules)


def test_the_list_of_an_earlier_run_counts_until_one_is_commanded(bench: Bench) -> None:
    bench.give(ListsLoaded("file", frozenset(), (), HeldCodes(LIST, frozenset({"A"}))))
    assert bench.last(ListsChanged).lists_version == f"file+{LIST[:16]}"
    assert [bench.line.desk.lookup(code).held for code in "AB"] == [True, False]
    give(bench, hold("B", sha256="0b" * 32))
    bench.give(ListsLoaded("file 2", frozenset(), (), HeldCodes(LIST, frozenset({"A"}))))
    assert [bench.line.desk.lookup(code).held for code in "AB"] == [False, True]

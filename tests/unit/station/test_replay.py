"""A journal is repeated to the same decisions, and one that was tampered with is found out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from simulator.plant.mishaps import hand_item
from station.cli import app
from station.core.commands import ChangePolicy, Command, DryRun, HoldList, Pause, Resume
from station.core.events import (
    BarcodeReading,
    CommandReceived,
    Detection,
    Edge,
    Event,
    Finding,
    HeldCodes,
    PlcSample,
    Tick,
)
from station.core.records import (
    RECORDS,
    CommandResult,
    Decided,
    EdgesRead,
    PlcJumped,
    StationStarted,
)
from station.journal import Reader, Stored
from station.replay import Replay, ReplayError
from tests.unit.core.test_any_order import Mischief
from tests.unit.station.journaled import TimedLine, VirtualLine, busy, differences, lists_changing, overwrite, stored

WORD = 1 << 32


def assert_repeated(line: VirtualLine, decisions: int) -> None:
    replay = Replay()
    found = [difference for event in stored(line.records) for difference in replay.take(event)]
    assert [*found, *replay.finish()] == []
    assert replay.decisions == sum(record.type == "decided" for record in line.records) >= decisions
    assert replay.skipped == 0


def withdrawn(line: VirtualLine) -> int:
    return sum(isinstance(record, Decided) and record.after == "pass" for record in line.records)


def test_a_healthy_line_is_repeated(healthy: VirtualLine) -> None:
    routes = {record.route for record in healthy.records if isinstance(record, Decided)}
    assert routes == {"pass", "inspect"}
    assert_repeated(healthy, 50)


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_readings_lost_doubled_late_and_devices_unplugged(share: float) -> None:
    line = VirtualLine(busy(4), filters=[Mischief(4, share)])
    line.run(25)
    assert_repeated(line, 40)


def test_a_station_started_again_in_mid_run() -> None:
    line = VirtualLine(busy(5))
    line.run(12)
    line.start_station()
    line.run(12)
    assert sum(isinstance(record, StationStarted) for record in line.records) == 2
    assert_repeated(line, 40)


def test_a_plc_that_restarted_with_parcels_on_the_belt() -> None:
    line = VirtualLine(busy(8))
    line.run(20)
    line.restart_plc()
    line.connect(resumed=False)
    line.run(20)
    assert len({record.parcel.epoch for record in line.records if isinstance(record, Decided)}) == 2
    assert_repeated(line, 60)


def test_modes_policies_and_hold_lists_by_command() -> None:
    """Each is given with passes on the belt, which it takes back."""
    line = VirtualLine(busy(13), utc="2026-11-25T12:00:00.000Z")
    line.run(8)
    signed = {"who": "anna", "issued_at": "2026-11-25T12:00:00Z", "expires_at": "2026-11-26T12:00:00Z"}
    wishes: list[tuple[type[Command], dict[str, Any]]] = [
        (Pause, {}),
        (Resume, {}),
        (ChangePolicy, {"weight_range_g": (1000.0, 1500.0)}),
        (ChangePolicy, {"weight_range_g": (100.0, 30_000.0)}),
        (DryRun, {}),
        (DryRun, {"on": False}),
    ]
    for number, (model, fields) in enumerate(wishes * 3):
        command = model.model_validate(signed | {"id": f"c-{number}"} | fields)
        line.give(CommandReceived(command, "station"))
        line.run(3.0)
        codes = frozenset(code for parcel in line.line.tracker.parcels for code in parcel.evidence.barcodes)
        held = HeldCodes("0a" * 32, codes if number % 2 else frozenset())
        hold = HoldList.model_validate(signed | {"id": f"h-{number}", "sha256": held.sha256, "codes": len(held.codes)})
        line.give(CommandReceived(hold, "mqtt", held=held))
        line.run(1.0)
    assert withdrawn(line) >= 5
    assert {record.result for record in line.records if isinstance(record, CommandResult)} == {"accepted"}
    assert_repeated(line, 40)


def test_passes_withdrawn_as_the_lists_change() -> None:
    line = lists_changing()
    assert withdrawn(line) >= 5
    assert_repeated(line, 40)


def test_strangers_by_hand_make_matched_readings_ambiguous() -> None:
    """Which one comes so close to another that a reading fits both is chance: on several lines some do."""
    taken_back = 0
    for seed in range(9, 13):
        line = VirtualLine(busy(seed))
        line.run(10)
        for turn in range(8):
            line.plant.remove(1500, 3000)
            line.run(2.1)
            line.plant.add(hand_item(1_000_000 + turn, line.plant.items[0]), 2600)
            line.run(2.3)
        taken_back += withdrawn(line)
        assert_repeated(line, 40)
    assert taken_back >= 3


def jumping(at: Sequence[int], by: int) -> Callable[[Event], list[Event]]:
    samples, moved = 0, 0

    def change(event: Event) -> list[Event]:
        nonlocal samples, moved
        if isinstance(event, PlcSample):
            samples += 1
            moved += by * (samples in at)
        if isinstance(event, PlcSample | Edge):
            return [replace(event, count=(event.count + moved) % WORD)]
        return [event]

    return change


@pytest.mark.parametrize("by", [3000, -900])
def test_an_encoder_that_jumps_twice_while_the_alarm_stands(by: int) -> None:
    line = VirtualLine(busy(20), filters=[jumping((600, 640, 900), by)])
    line.run(25)
    assert sum(record.type == "plc-jumped" for record in line.records) == 3
    assert_repeated(line, 40)


def test_turns_that_end_between_the_edges_of_a_poll() -> None:
    line = VirtualLine(busy(30), filters=[lambda event: [event, Tick()] if isinstance(event, Edge) else [event]])
    line.run(20)
    assert_repeated(line, 40)


def test_a_belt_that_runs_on_from_a_jump_to_the_very_count_of_before(healthy: VirtualLine) -> None:
    replay = Replay()
    begun = next(n for n, record in enumerate(healthy.records) if record.type == "edges-read")
    for record in (*healthy.records[:begun], EdgesRead(edges=(), count=100), PlcJumped(before=100, count=90)):
        replay.take(record)
    assert replay._belt.count == 90
    replay.take(EdgesRead(edges=(), count=100))
    assert replay._belt.count == 100


@pytest.mark.parametrize("times", [150, 5500])
def test_a_parcel_that_stands_under_the_scanner(times: int) -> None:
    seen = 0

    def flood(event: Event) -> list[Event]:
        nonlocal seen
        if not isinstance(event, BarcodeReading):
            return [event]
        seen += 1
        return [event] * (times if seen == 10 else 1)

    line = VirtualLine(busy(32), filters=[flood])
    line.run(15)
    assert any("more readings than can be held" in reason.text for record in line.records if isinstance(record, Decided)
               for reason in record.reasons)  # fmt: skip
    assert_repeated(line, 20)


def test_scores_that_are_no_numbers() -> None:
    def blind(event: Event) -> list[Event]:
        if not isinstance(event, Detection):
            return [event]
        return [replace(event, findings=(Finding("knife", float("nan"), (0.0, 0.0, 9.0, 9.0)),))]

    line = VirtualLine(busy(33), filters=[blind])
    line.run(12)
    assert any(b'"score":"nan"' in event.payload for event in stored(line.records))
    assert all(record.route == "inspect" for record in line.records if isinstance(record, Decided))
    assert_repeated(line, 10)


# --- journals that cannot be used -----------------------------------------------------------------------------------


def test_events_of_an_older_program_are_skipped_up_to_a_start_that_tells_a_setup(healthy: VirtualLine) -> None:
    new = stored(healthy.records)
    old = new[0]._replace(version=1, payload=b"{}")
    replay = Replay()
    assert [found for event in [old, *new[1:5], *new] for found in replay.take(event)] == []
    assert replay.skipped == 5
    assert replay.decisions > 50


def test_an_event_of_another_version_or_an_unknown_type_is_named(healthy: VirtualLine) -> None:
    events = stored(healthy.records)
    index = next(i for i, event in enumerate(events) if event.type == "decided")
    for wrong in (events[index]._replace(version=99), events[index]._replace(payload=b"{]")):
        replay = Replay()
        for event in events[:index]:
            replay.take(event)
        with pytest.raises(ReplayError, match=f"event {index + 1}, decided"):
            replay.take(wrong)


NUMBERS = st.one_of(st.integers(), st.floats(), st.just(0), st.booleans())
JSON = st.recursive(st.one_of(st.none(), st.text(max_size=8), NUMBERS), lambda s: st.lists(s, max_size=3), max_leaves=5)


def mutated(payload: bytes, path: Sequence[int], value: object) -> bytes:
    """The payload with something deep inside replaced."""
    tree = json.loads(payload)
    place = tree
    for step in path[:-1]:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys or not isinstance(place[keys[step % len(keys)]], dict | list):
            break
        place = place[keys[step % len(keys)]]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if keys:
        place[keys[path[-1] % len(keys)]] = value
    return json.dumps(tree).encode()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_payload_is_a_difference_or_a_clear_error(healthy: VirtualLine, data: st.DataObject) -> None:
    events = stored(healthy.records[:400])
    index = data.draw(st.one_of(st.just(0), st.integers(0, 399)))
    payload = data.draw(
        st.one_of(
            st.binary(max_size=40),
            st.builds(mutated, st.just(events[index].payload), st.lists(st.integers(0, 50), min_size=1, max_size=4),
                      JSON),
        )
    )  # fmt: skip
    kind = data.draw(st.one_of(st.just(events[index].type), st.sampled_from(sorted(RECORDS))))
    events[index] = events[index]._replace(payload=payload, type=kind)
    assert told(events)


def told(events: Sequence[Stored]) -> str:
    """What a person is told: of the differences, or of the event that cannot be replayed."""
    try:
        found = differences(events)
    except ReplayError as error:
        return str(error) if "event" in str(error) else ""
    return "; ".join(difference.what for difference in found) or "equal"


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journal")
    line = TimedLine(busy(3), folder=folder)
    line.run(12)
    assert line.journal is not None
    line.journal.close()
    return folder / "journal.db"


def test_the_command_says_equal_and_ends_with_0(journal: Path) -> None:
    ran = CliRunner().invoke(app, ["replay", str(journal)])
    assert ran.exit_code == 0, ran.output
    assert "all are equal" in ran.output


def test_the_command_names_the_parcel_that_differs_and_ends_with_1(journal: Path, tmp_path: Path) -> None:
    copy = tmp_path / "journal.db"
    copy.write_bytes(journal.read_bytes())
    event = next(e for e in Reader(copy).after(0, 5000) if e.type == "decided" and b'"inspect"' in e.payload)
    data = json.loads(event.payload)
    overwrite(copy, event.seq, payload=json.dumps(data | {"route": "pass", "reasons": []}).encode())
    ran = CliRunner().invoke(app, ["replay", str(copy)])
    assert ran.exit_code == 1
    assert f"{data['parcel']['epoch']}/{data['parcel']['number']}" in ran.output
    assert f"{event.seq} decided" in " ".join(ran.output.split())


def test_no_journal_a_foreign_file_and_a_damaged_event_end_with_2(journal: Path, tmp_path: Path) -> None:
    foreign, damaged = tmp_path / "foreign.db", tmp_path / "damaged.db"
    foreign.write_bytes(b"something else")
    damaged.write_bytes(journal.read_bytes())
    overwrite(damaged, 2, payload=b"\xff")
    for path in (tmp_path / "none.db", foreign, damaged):
        ran = CliRunner().invoke(app, ["replay", str(path)])
        assert ran.exit_code == 2, ran.output
        assert path.name in ran.output.replace("\n", "") or "event 2" in ran.output

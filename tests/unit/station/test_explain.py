"""One parcel's story: true to the plant, in words that name what went wrong, and never a traceback."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from simulator.plant.mishaps import hand_item
from station.cli import app
from station.core.events import Event, Frame, Why
from station.core.records import Decided, ParcelCompleted, ReadingMatched
from station.explain import ExplainError, Story, picture, svg, tell
from station.explain.words import PLC_WHY, headline, warning
from station.journal import Reader, Stored
from tests.unit.core.test_any_order import Mischief
from tests.unit.publisher.test_messages import NO_WEIGHT, PARCEL, completed
from tests.unit.station.journaled import TimedLine, busy, overwrite
from tests.unit.station.test_replay import mutated


def journal_of(line: TimedLine) -> Path:
    assert line.journal is not None
    line.journal.close()
    return line.journal.path


def misnumbered(every: int) -> Callable[[Event], list[Event]]:
    pictures = 0

    def change(event: Event) -> list[Event]:
        nonlocal pictures
        if not isinstance(event, Frame) or event.trigger is None:
            return [event]
        pictures += 1
        return [event if pictures % every else replace(event, trigger=event.trigger - 1)]

    return change


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> TimedLine:
    """Readings are lost and doubled, pictures bear the number of the parcel before, strangers come onto the belt."""
    folder = tmp_path_factory.mktemp("troubled")
    line = TimedLine(busy(9), folder=folder, filters=[misnumbered(9), Mischief(4, 0.1)])
    line.run(10)
    for turn in range(7):
        line.plant.add(hand_item(1_000_000 + turn, line.plant.items[0]), 2600)
        line.run(3)
    journal_of(line)
    return line


@pytest.fixture
def reader(troubled: TimedLine) -> Reader:
    return Reader(troubled.folder / "journal.db")


def shown(story: Story, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(picture(story))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def drawn(story: Story) -> str:
    """All text of the drawing, which must be well-formed."""
    return " | ".join(element.text or "" for element in ET.fromstring(svg(story)).iter())


def decisions(line: TimedLine) -> list[Decided]:
    return [record for record in line.records if isinstance(record, Decided)]


def test_the_eyes_are_told_when_the_belt_carried_the_parcel_there(troubled: TimedLine, reader: Reader) -> None:
    for number in (5, 17, 30):
        story = tell(reader, None, number)
        geometry = story.setup.geometry
        seen = {step.name: step.at_ms for step in story.steps}
        for eye, mm in enumerate(geometry.eyes_mm[1:-1], start=1):
            expected = mm / troubled.config.belt.speed_mm_s * 1000
            assert seen[f"eye {eye}"] == pytest.approx(expected, rel=2 * geometry.slip, abs=25)
        assert seen["entered"] == 0
        room = seen["decision eye"] - story.deadline_ms
        assert story.setup.order_room_ms <= room <= story.setup.order_room_ms + 40


def test_decided_later_than_the_deadline_only_for_that_reason(troubled: TimedLine, reader: Reader) -> None:
    late = set()
    for decided in decisions(troubled):
        story = tell(reader, decided.parcel.epoch, decided.parcel.number)
        first = next(step for step in story.steps if step.name.startswith("decided"))
        if first.at_ms > story.deadline_ms:
            late.add(decided.parcel.number)
            assert "deadline" in {reason.code for reason in story.decisions[0].reasons}
    assert late


def test_own_readings_meet_the_parcel_and_ambiguous_ones_name_the_other(troubled: TimedLine, reader: Reader) -> None:
    shared = next(r for r in troubled.records if isinstance(r, ReadingMatched) and len(r.candidates) == 2)
    one, other = shared.candidates
    assert f"could also be of parcel {other.number}" in shown(tell(reader, one.epoch, one.number))
    assert f"could also be of parcel {one.number}" in drawn(tell(reader, other.epoch, other.number))
    for decided in decisions(troubled)[:20]:
        story = tell(reader, None, decided.parcel.number)
        assert all(sensed.taken.meets(sensed.window) for sensed in story.readings if sensed.own)


def test_every_parcel_is_told_and_drawn_with_all_its_reasons(troubled: TimedLine, reader: Reader) -> None:
    for decided in decisions(troubled):
        story = tell(reader, decided.parcel.epoch, decided.parcel.number)
        text, drawing = shown(story, 200), drawn(story)
        for reason in decided.reasons:
            assert reason.text in text
        for reason in story.decisions[-1].reasons:
            assert f"{reason.code}: {reason.text}" in drawing
        assert f"Parcel {decided.parcel.number}" in drawing
        assert headline(story.decided, story.completed) in drawing


def test_a_pass_that_was_taken_back_is_told_so(troubled: TimedLine, reader: Reader) -> None:
    taken = next(decided for decided in decisions(troubled) if decided.after)
    story = tell(reader, None, taken.parcel.number)
    assert "the pass was taken back" in shown(story)
    assert [decided.route for decided in story.decisions] == ["pass", "inspect"]
    assert any("without a number" in text for text in drawn(story).split(" | "))


def test_a_parcel_that_a_new_life_of_the_station_took_over(tmp_path: Path) -> None:
    line = TimedLine(busy(5), folder=tmp_path)
    line.run(12)
    line.start_station()
    line.run(6)
    reader = Reader(journal_of(line))
    adopted = [r for r in line.records if isinstance(r, ParcelCompleted) and r.adopted]
    assert len(adopted) > 2
    for done in adopted:
        story = tell(reader, done.parcel.epoch, done.parcel.number)
        assert "started again while it was on the belt" in shown(story)
        assert f"Parcel {done.parcel.number}" in drawn(story)


def test_every_reason_of_the_plc_has_plain_words() -> None:
    assert set(PLC_WHY) == {""} | {why.name.lower().replace("_", "-") for why in Why}
    assert all(" " in text for text in PLC_WHY.values())


@pytest.mark.parametrize(
    ("route", "outcome", "why", "said"),
    [
        ("inspect", "pass", "diverter", "take it out"),
        (None, "pass", "no-order", "take it out"),
        ("pass", "inspect", "too-close", "followed too closely"),
        ("pass", "pass", "released", ""),
        ("inspect", "inspect", "inspect-order", ""),
        ("pass", "lost", "not-seen", ""),
    ],
)
def test_what_does_not_fit_is_said_first(route: str | None, outcome: str, why: str, said: str) -> None:
    reasons = (NO_WEIGHT,) if route == "inspect" else ()
    decided = Decided.model_validate(
        {"parcel": PARCEL, "route": route or "pass", "reasons": reasons, "policy_version": "1", "count": 1}
    )
    words = warning(decided if route else None, completed(outcome=outcome, plc_why=why))
    assert (said in words) if said else not words


def test_signs_that_xml_cannot_hold_are_replaced(troubled: TimedLine, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(troubled.folder / "journal.db", path)
    event = next(e for e in Reader(path).after(0, 9000) if e.type == "reading-matched" and b"barcode" in e.payload)
    data = json.loads(event.payload)
    number = data["candidates"][0]["number"]
    overwrite(path, event.seq, payload=json.dumps(data | {"value": "<&\x00\x1b[31m"}).encode())
    assert "<&" in drawn(tell(Reader(path), None, number))


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_takes_a_number_or_an_identity_and_draws(troubled: TimedLine, tmp_path: Path) -> None:
    journal, drawing = troubled.folder / "journal.db", tmp_path / "parcel.svg"
    epoch = decisions(troubled)[0].parcel.epoch
    for name in ("17", f"{epoch}/17"):
        ran = CliRunner().invoke(app, ["explain", str(journal), name, "--svg", str(drawing)])
        assert ran.exit_code == 0, ran.output
        assert f"parcel 17 (epoch {epoch})" in ran.output
    assert ET.parse(drawing).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "is no parcel"),
        (["/17"], 2, "is no parcel"),
        (["99999999999999999999"], 2, "is no parcel"),
        (["4000000000"], 1, "holds nothing of parcel 4000000000"),
        (["7/17"], 1, "holds nothing of parcel 7/17"),
        (["17", "--svg", "/no/such/folder/x.svg"], 2, "cannot be written"),
        (["17", "--svg", __file__], 2, "is there already and no drawing"),
    ],
)
def test_what_cannot_be_told_is_said(troubled: TimedLine, arguments: list[str], code: int, said: str) -> None:
    ran = CliRunner().invoke(app, ["explain", str(troubled.folder / "journal.db"), *arguments])
    assert ran.exit_code == code
    assert said in " ".join(ran.output.split())


def test_a_journal_without_a_setup_is_said_to_be_so(troubled: TimedLine, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(troubled.folder / "journal.db", path)
    overwrite(path, 2, version=1)
    with pytest.raises(ExplainError, match="station-started, is of version 1"):
        tell(Reader(path), None, 17)
    overwrite(path, 2, type="station-stopped")
    with pytest.raises(ExplainError, match="no station-started"):
        tell(Reader(path), None, 17)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Stored]]:
    line = TimedLine(busy(3), folder=tmp_path_factory.mktemp("rows"))
    line.run(9)
    path = journal_of(line)
    return path, Reader(path).after(0, 5000)


NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, -1, 2**32, 2**63, 10**400]))
VALUES = st.recursive(st.one_of(st.none(), st.text(max_size=8), NUMBERS), lambda s: st.lists(s, max_size=3))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_neither_command_ever_shows_a_traceback(rows: tuple[Path, list[Stored]], data: st.DataObject) -> None:
    path, events = rows
    own = [e for e in events if b'"number":3}' in e.payload or e.type in {"station-started", "edges-read"}]
    event = data.draw(st.one_of(st.sampled_from(own), st.just(own[0])))
    deep = st.builds(mutated, st.just(event.payload), st.lists(st.integers(0, 50), min_size=1, max_size=4), VALUES)
    overwrite(path, event.seq, payload=data.draw(st.one_of(st.binary(max_size=60), deep)))
    try:
        for command in (["replay", str(path)], ["explain", str(path), "3"]):
            ran = CliRunner().invoke(app, command)
            assert ran.exception is None or isinstance(ran.exception, SystemExit), (command, ran.exception)
            assert ran.exit_code in {0, 1, 2}
            assert ran.output.strip()
    finally:
        overwrite(path, event.seq, payload=event.payload)

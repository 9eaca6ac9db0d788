"""`station journal ...`: what it prints, its exit codes, and that nothing half made is left."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner, Result

from station import cli_journal
from station.cli import app
from station.journal import Journal, Reader
from station.journal.export import COLUMNS
from station.resources import examples
from tests.unit.journal.conftest import NOON
from tests.unit.journal.keep import fill

EVENTS = 41


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    name = "demo/line-1/inspection-1"
    journal = Journal(folder / "journal.db", station=name, now_utc=lambda: NOON, mono_ns=lambda: 7)
    fill(journal)
    journal.close()
    return folder


def journal(data: Path, command: str, *arguments: object) -> Result:
    words = ["journal", command, str(examples() / "demo.yaml"), *map(str, arguments), "--set", f"data={data}"]
    return CliRunner().invoke(app, words)


def tamper(data: Path, sql: str) -> None:
    db = apsw.Connection(str(data / "journal.db"))
    db.execute(sql)
    db.close()


def test_verify_prints_a_head_that_it_takes_again(data: Path) -> None:
    ran = journal(data, "verify")
    assert ran.exit_code == 0, ran.output
    assert f"{EVENTS} events looked at: no fault(s)." in ran.output
    head = re.findall(rf"head ({EVENTS}:[0-9a-f]{{64}})", ran.output)[0]
    assert journal(data, "verify", "--head", head).exit_code == 0
    assert journal(data, "verify", "--head", "41:99").exit_code == 2
    tamper(data, "DELETE FROM event WHERE seq = 41")
    assert journal(data, "verify").exit_code == 0
    ran = journal(data, "verify", "--head", head)
    assert ran.exit_code == 1
    assert "event 41, whose link was noted, is not here" in ran.output


def test_verify_says_where_and_looks_at_pictures_if_wanted(data: Path) -> None:
    ran = journal(data, "verify", "--pictures")
    assert ran.exit_code == 1
    assert "5 pictures looked at: 5 fault(s)" in ran.output
    tamper(data, "UPDATE event SET epoch = 3 WHERE seq = 7; DELETE FROM event WHERE seq BETWEEN 20 AND 22")
    ran = journal(data, "verify")
    assert ran.exit_code == 1
    assert "event 7 (" in ran.output
    assert "events 20 to 22 are missing" in ran.output


def test_json_lines_are_as_published_and_csv_has_every_field(data: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in journal(data, "export", "--after", 3, "--limit", 4).stdout.splitlines()]
    assert [line["sequence"] for line in lines] == [4, 5, 6, 7]
    out = tmp_path / "events.csv"
    assert journal(data, "export", "--format", "csv", "--all", "--out", out).exit_code == 0
    rows = list(csv.reader(io.StringIO(out.read_bytes().decode(), newline="")))
    assert rows[0] == list(COLUMNS)
    stored = Reader(data / "journal.db").after(0, 100)
    assert [(int(row[0]), row[1], row[8], row[9]) for row in rows[1:]] == [
        (e.seq, e.id, e.payload.decode(), e.chain.hex()) for e in stored
    ]
    assert "é ✓" in rows[2][8]
    ran = journal(data, "export", "--type", "parcel-completed", "--type", "decided", "--limit", 3)
    assert [json.loads(line)["type"].rpartition(".")[2] for line in ran.stdout.splitlines()] == [
        "decided", "parcel-completed", "decided",
    ]  # fmt: skip


def test_what_is_salvaged_is_as_published_and_what_is_lost_is_named(data: Path, tmp_path: Path) -> None:
    sound = journal(data, "export", "--all").output.splitlines()
    tamper(data, "UPDATE event SET session = 9 WHERE seq = 7")
    folder = tmp_path / "journal-aside"
    assert journal(data, "aside").exit_code == 0
    next(data.glob("journal-aside-*")).rename(folder)
    out = tmp_path / "salvaged.jsonl"
    ran = journal(data, "export", "--salvage", folder / "journal.db", "--all", "--out", out)
    assert ran.exit_code == 1
    assert "or altered and left out: events 7" in " ".join(ran.output.split())
    assert out.read_text().splitlines() == [*sound[:6], *sound[7:]]
    some = journal(data, "export", "--salvage", folder / "journal.db", "--after", 8, "--limit", 2)
    assert some.output.splitlines()[:2] == sound[8:10]


def test_export_writes_nothing_over_and_leaves_nothing_half_made(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "events.jsonl"
    assert journal(data, "export", "--format", "xml").exit_code == 2
    out.write_text("precious")
    assert journal(data, "export", "--out", out).exit_code == 1
    assert out.read_text() == "precious"
    out.unlink()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_journal, "csv_line", interrupted)
    ran = journal(data, "export", "--format", "csv", "--out", out)
    assert ran.exit_code == 130
    assert "nothing half made" in ran.output
    assert list(tmp_path.glob("events*")) == []
    assert journal(data, "export", "--out", tmp_path / "none" / "x").exit_code == 1


def test_backup_aside_and_restore_come_round(data: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.db"
    assert journal(data, "backup", kept).exit_code == 0
    ran = journal(data, "backup", kept)
    assert (ran.exit_code, "nothing is written over" in ran.output) == (1, True)
    ran = journal(data, "restore", kept)
    assert (ran.exit_code, "journal aside" in " ".join(ran.output.split())) == (1, True)
    assert journal(data, "aside").exit_code == 0
    assert journal(data, "aside").exit_code == 1
    ran = journal(data, "restore", kept)
    assert (ran.exit_code, f"up to event {EVENTS}" in ran.output) == (0, True)
    assert journal(data, "verify").exit_code == 0
    assert len(list(data.glob("journal-aside-*/journal.db"))) == 1


@pytest.mark.parametrize("command", ["verify", "export", "backup", "restore", "aside", "tail", "show"])
def test_help_shows_an_example(command: str) -> None:
    ran = CliRunner().invoke(app, ["journal", command, "--help"])
    assert ran.exit_code == 0
    assert "Example" in ran.output


@pytest.mark.parametrize("words", [("export", "--after"), ("export", "--limit"), ("tail", "-n")])
def test_a_number_that_is_too_large_ends_in_a_sentence(data: Path, words: tuple[str, str]) -> None:
    command, option = words
    ran = journal(data, command, option, 10**23)
    assert ran.exit_code == 2
    assert f"Invalid value for '{option}'" in ran.output
    assert journal(data, "export", "--after", 2**63 - 1, "--limit", 2**63 - 1).output == ""
    assert journal(data, "tail", "-n", 100_000).exit_code == 0


def test_a_backup_that_cannot_be_written_blames_the_target(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "none" / "b.db"
    ran = journal(data, "backup", target)
    assert ran.exit_code == 1
    told = "".join(ran.output.split())
    said = f"{target} cannot be written: No such file or directory: name a file in a folder"
    assert told.startswith("".join(said.split()))
    assert "thejournalwasonlyread" in told


def test_a_journal_is_exported_by_its_path_as_by_its_station(data: Path) -> None:
    ran = CliRunner().invoke(app, ["journal", "export", str(data / "journal.db"), "--all"])
    assert ran.exit_code == 0
    assert ran.stdout == journal(data, "export", "--all").stdout
    assert len(ran.stdout.splitlines()) == EVENTS


def test_a_journal_that_names_no_site_wants_its_configuration(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.db", station="s1", now_utc=lambda: NOON, mono_ns=lambda: 7).close()
    ran = CliRunner().invoke(app, ["journal", "export", str(tmp_path / "journal.db")])
    assert ran.exit_code == 2
    assert "give the YAML of its station" in " ".join(ran.output.split())


def test_a_type_that_no_event_has_is_refused_with_the_nearest(data: Path) -> None:
    ran = journal(data, "export", "--type", "decided", "--type", "parcel-complete")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "--type parcel-complete: there is no such event; did you mean 'parcel-completed'?" in " ".join(
        ran.output.split()
    )
    assert "there are: journal-opened" in " ".join(journal(data, "export", "--type", "?").output.split())


@pytest.mark.parametrize("name", ["pipe", "pipe.yaml"])
@pytest.mark.parametrize("command", ["export", "tail", "verify"])
def test_a_pipe_is_refused_and_nobody_waits(tmp_path: Path, command: str, name: str) -> None:
    os.mkfifo(tmp_path / name)
    ran = CliRunner().invoke(app, ["journal", command, str(tmp_path / name)])
    assert ran.exit_code == 2
    assert "is no plain file" in " ".join(ran.output.split())


def test_an_export_that_stops_ahead_of_the_end_says_so(data: Path) -> None:
    ran = journal(data, "export", "--limit", 10)
    assert len(ran.stdout.splitlines()) == 10
    assert f"10 events are written, up to 10 of {EVENTS}: go on with --after 10" in " ".join(ran.stderr.split())
    for whole in (["--all"], ["--limit", EVENTS], ["--after", EVENTS]):
        assert journal(data, "export", *whole).stderr == ""

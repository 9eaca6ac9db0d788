"""The control line: a line that is obeyed says what it did, any other what would be right; none harms the plant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.config import PlantConfig, PlcConfig, WiresConfig
from simulator.control import ControlError, answer, served, tell
from simulator.runner import Runner, Truth

REFUSED = [
    ("fault encoder-slip=nan 3", "no: encoder-slip has a size of 0.02 to 0.5 share, not nan"),
    ("fault encoder-jump=nan", "no: encoder-jump has a size of -2000 to 2000 mm, not nan"),
    ("fault plc-clock-drift=inf", "no: plc-clock-drift has a size of -150 to 150 ppm, not inf"),
    ("fault device-babbling:scale=1e7 3", "no: device-babbling has a size of 10 to 3000 times, not 1e7"),
    ("fault device-babbling:scale=0", "no: device-babbling has a size of 10 to 3000 times, not 0"),
    ("fault parcel-added=1000000", "no: parcel-added has a size of 1 to 4 parcels, not 1000000"),
    ("fault reading-lost:scale=7 3", "no: reading-lost has a size of 0.2 to 1 share, not 7"),
    ("fault reading-lost:scale=-1 3", "no: reading-lost has a size of 0.2 to 1 share, not -1"),
    ("fault reading-lost:scale= 3", "no: reading-lost: '' is no number (share)"),
    ("fault eye-blind:1=3", "no: eye-blind has no size: leave =3 out"),
    ("fault eye-blind:6", "no: eye-blind: this plant has the eyes 0 to 5, not 6"),
    ("fault no-read -5", "no: SECONDS must be a number above 0, and 36000 at most, not '-5'"),
    ("fault no-read nan", "no: SECONDS must be a number above 0, and 36000 at most, not 'nan'"),
    ("fault no-read soon", "no: SECONDS must be a number above 0, and 36000 at most, not 'soon'"),
    ("fault plc-restart 3", "no: plc-restart happens once: leave SECONDS out"),
    ("fault no-read 3 4", "no: fault is written `fault NAME[:TARGET][=SIZE] [SECONDS]`, not `fault no-read 3 4`"),
    ("fault", "no: fault is written `fault NAME[:TARGET][=SIZE] [SECONDS]`, not `fault`"),
    ("mend parcel-added", "no: parcel-added happens once: there is nothing to mend"),
    ("mend daemon-frozen", "no: daemon-frozen befalls the station; a running plant has no say in that"),
    ("mute -5", "no: MS must be a number above 0, and 36000000 at most, not '-5'"),
    ("mode 9", "no: mode takes 1 or 2 or 3, not '9'"),
    ("feed maybe", "no: feed takes on or off, not 'maybe'"),
    ("feed", "no: feed is written `feed on|off`, not `feed`"),
    ("ack now", "no: ack is written `ack`, not `ack now`"),
    ("unplug kettle", "no: unplug takes scanner or scale or xray or plc, not 'kettle'"),
    ("spoilt", "no: no such command: spoilt; did you mean 'spoil'?; `help` tells what they do"),
]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A plant of six eyes whose time stands."""
    wires = tmp_path_factory.mktemp("wires")
    ends = WiresConfig(scanner=wires / "scanner", scale=wires / "scale", xray=wires / "xray", control=wires / "control")
    plc = PlcConfig(eyes_mm=(0, 650, 1800, 4100, 6200, 6200), decision_eye=3)
    runner = Runner(PlantConfig(wires=ends, plc=plc), Truth())
    yield runner
    runner.xray.close()


def said(runner: Runner, *lines: str) -> list[str]:
    async def obeyed() -> list[str]:
        return [await answer(runner, line) for line in lines]

    return asyncio.run(obeyed())


@pytest.mark.parametrize(("line", "answered"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_makes_no_sense_is_refused_with_what_would_be_right(runner: Runner, line: str, answered: str) -> None:
    before = dict(runner.truth.counts)
    assert said(runner, line) == [answered]
    assert runner.truth.counts == before
    assert (runner.plant.mode, runner.plant.trouble.on) == (1, {})


def test_sizes_up_to_ten_times_those_of_a_storm_and_negative_ones_are_obeyed(runner: Runner) -> None:
    lines = ["fault plc-slow=2500", "mend plc-slow", "fault encoder-jump=-2000", "fault plc-restart", "mute 50"]
    assert said(runner, *lines) == [f"done {line}" for line in lines]
    assert runner.plant.encoder_mm == -2000
    said(runner, "mend plc-mute")


def test_mode_feed_and_mark_take_what_is_said(runner: Runner, tmp_path: Path) -> None:
    with (tmp_path / "truth").open("w") as file:
        runner.truth.file = file
        assert said(runner, "mode 3", "mark the third parcel")[1] == "done mark the third parcel"
        runner.truth.file = None
    assert '"text": "the third parcel"' in (tmp_path / "truth").read_text()
    assert runner.plant.mode == 3
    said(runner, "mode 1", "feed off")
    assert not runner.plant.feeding


def test_help_lists_the_commands(runner: Runner) -> None:
    first, *commands = said(runner, "help")[0].splitlines()
    assert first == "done help"
    assert {line.split()[0] for line in commands} >= {"fault", "mend", "unplug", "mode", "mark", "help"}


def test_every_fault_of_a_plant_can_be_put_in_as_faults_lists_it(runner: Runner) -> None:
    listed = said(runner, "faults")[0].splitlines()[1:]
    assert len(listed) > 40
    names = [line.split()[0].partition("=")[0].partition("|")[0] for line in listed]
    lasting = [name for name in names if not said(runner, f"mend {name}")[0].endswith("nothing to mend")]
    answers = said(runner, *(f"fault {name}" for name in names))
    assert [text for text in answers if not text.startswith("done")] == []
    said(runner, *(f"mend {name}" for name in lasting))
    assert runner.plant.trouble.on == {}


@pytest.mark.parametrize("line", ["", " ", "x" * 1000, "ack\nstop"])
def test_what_is_no_line_is_not_sent(tmp_path: Path, line: str) -> None:
    ran = CliRunner().invoke(app, ["tell", line, "--control", str(tmp_path / "control")])
    assert (ran.exit_code, ran.stderr) == (2, "a command is one line of 1 to 998 bytes; `help` lists them all\n")


def test_the_longest_line_is_obeyed_over_the_socket_and_a_plant_that_ends_is_told(
    runner: Runner, tmp_path: Path
) -> None:
    async def told() -> str:
        async with served(runner, tmp_path / "control"):
            return await tell(tmp_path / "control", f"mark {'x' * 993}")

    async def cut_off() -> str:
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), tmp_path / "other")
        async with server:
            return await tell(tmp_path / "other", "ack")

    assert asyncio.run(told()) == f"done mark {'x' * 993}"
    with pytest.raises(ControlError, match="ended ahead of its answer"):
        asyncio.run(cut_off())


def test_the_end_of_a_fault_that_was_put_in_anew_is_the_newer_one(runner: Runner) -> None:
    """The timer of the first took the second away, and an engineer's test tested nothing."""

    async def on(*lines: str) -> float | None:
        for line in lines:
            assert (await answer(runner, line)).startswith("done")
        await asyncio.sleep(0.1)
        return runner.plant.trouble.size("no-read")

    assert asyncio.run(on("fault no-read=1 0.02")) is None
    assert asyncio.run(on("fault no-read=1 0.02", "fault no-read=1 60")) == 1
    assert asyncio.run(on("mend no-read", "fault no-read=1 0.02", "mend no-read", "fault no-read=1")) == 1
    assert asyncio.run(on("mend no-read")) is None

"""`simulator ...`: the plant without a line, and the demo.

Exit codes: 0 all well; 1 a promise broke or a part died; 2 the command line or a configuration cannot be used; 130
stopped by Ctrl-C ahead of the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from simulator.config import LAST_PORT, MOST_PER_HOUR, PlantConfig, PlantConfigError, load_plant
from simulator.control import HELP, ControlError, list_faults, listen, obey_all, served, tell
from simulator.demo.report import too_busy
from simulator.demo.run import DemoOptions, demo
from simulator.demo.view import watch
from simulator.runner import Runner, Truth
from simulator.scenario import cli as scenario_cli
from simulator.storm import cli as storm_cli
from simulator.wires.taken import TakenError, held
from simulator.wires.xray_folder import PictureLibrary
from simulator.xray import cli as xray_cli
from station.cli_parts import run_app

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The simulated plant.", epilog=__doc__)
app.add_typer(xray_cli.app, name="xray")
app.add_typer(scenario_cli.app, name="scenario")
console = Console()
errors = Console(stderr=True)

Seed = Annotated[int | None, typer.Option(help="Another seed than the configuration's.")]
Rate = Annotated[int | None, typer.Option("--parcels-per-hour", min=1, max=MOST_PER_HOUR, help="Another rate.")]
Pictures = Annotated[Path | None, typer.Option(help="The X-ray machine delivers this folder's pictures.")]


@app.command(epilog="Example: simulator run config/plant.yaml")
def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The plant's YAML file.")],
    seed: Seed = None,
    parcels_per_hour: Rate = None,
    pictures: Pictures = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=LAST_PORT, help="Port of the PLC; 0 lets the system choose.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Write what really happens, one JSON line each.")] = None,
    seam: Annotated[
        int | None, typer.Option(min=0, max=LAST_PORT, help="Leave out our PLC; serve its signals on this port.")
    ] = None,
) -> None:
    """Run the plant at real wires, without a station; commands are read from the input (type `help`)."""
    try:
        plant = load_plant(config)
        library = PictureLibrary.load(pictures) if pictures else None
    except (PlantConfigError, OSError, ValueError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    feed, plc = plant.feed, plant.plc
    if parcels_per_hour:
        feed = feed.model_copy(update={"parcels_per_hour": parcels_per_hour})
    if port is not None:
        plc = plc.model_copy(update={"port": port})
    chosen = plant.seed if seed is None else seed
    try:
        with held(plant.wires):
            asyncio.run(_run(plant.model_copy(update={"feed": feed, "plc": plc, "seed": chosen}), truth, library, seam))
    except TakenError as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error


async def _run(config: PlantConfig, truth: Path | None, library: PictureLibrary | None, seam: int | None) -> None:
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(truth.open("w", encoding="utf-8")) if truth else None
        runner = Runner(config, Truth(file), library, seam)
        try:
            await runner.open()
        except TakenError:
            await runner.close()
            raise
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, runner.stop)
        wires = {
            "plc" if seam is None else "seam": f"{config.plc.host}:{runner.port}",
            "scanner": str(config.wires.scanner),
        }
        wires |= {"scale": str(config.wires.scale), "xray": str(config.wires.xray)}
        if config.wires.modbus_rtu_scale is not None:
            wires["modbus_rtu_scale"] = str(config.wires.modbus_rtu_scale)
        if config.wires.modbus_scale_port is not None:
            wires["modbus_scale"] = f"127.0.0.1:{config.wires.modbus_scale_port}"
        _say(json.dumps({"wires": wires}))
        heard: asyncio.Queue[str] = asyncio.Queue()
        listen(loop, sys.stdin, heard)
        listening = asyncio.create_task(obey_all(runner, heard, _say))
        async with served(runner, config.wires.control):
            await runner.run()
        listening.cancel()
        _say(json.dumps({"late_ms": round(runner.late_ms, 1), "counts": runner.truth.counts}))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@app.command(name="demo", epilog="Example: simulator demo --seconds 60 --headless --report report.json")
def run_demo(
    seconds: Annotated[float | None, typer.Option(help="How long; without it, until Ctrl-C.", min=5)] = None,
    parcels_per_hour: Annotated[int, typer.Option(min=100, max=10_000)] = 5400,
    seed: Annotated[int, typer.Option()] = 1,
    pictures: Pictures = None,
    headless: Annotated[bool, typer.Option("--headless", help="No live view.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the comparison with the truth as JSON.")] = None,
    screenshot: Annotated[Path | None, typer.Option(help="Write the last view as SVG.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Run in this folder, and leave journal and logs there.")] = None,
) -> None:
    """Run plant, broker and the real daemon together, with a live view; then compare with what really happened."""
    options = DemoOptions(seconds, parcels_per_hour, seed, pictures, keep.resolve() if keep else None)
    for out in (report, screenshot):
        if out is not None and not out.absolute().parent.is_dir():
            errors.print(f"{out.parent} is no folder: {out.name} could not be written", style="red", markup=False)
            raise typer.Exit(2)
    try:
        with demo(options) as running:
            watch(running, errors if headless else console, headless=headless, screenshot=screenshot)
            result = running.finish()
    except (PlantConfigError, OSError, ValueError, RuntimeError) as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    text = json.dumps(result, indent=2)
    if report is not None:
        report.write_text(text + "\n", encoding="utf-8")
    console.print(text, markup=False, highlight=not headless)
    if busy := too_busy(result):
        errors.print(
            f"This machine is too busy: {busy}. What went wrong above may be that alone: run it again in quiet.",
            style="yellow",
        )
    raise typer.Exit(1 if result["broken"] else 0)


@app.command(epilog="Example: simulator storm --hours 2 --seed 1 --jobs 2")
def storm(
    hours: Annotated[
        float | None,
        typer.Option(
            callback=storm_cli.hours_of_a_storm, help="Hours of line time, 1 if not given; each has a seed of its own."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**52, help="The first hour's seed, 1 if not given.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many hours at once.")] = 1,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell the first hour's broken promises as stories.")
    ] = False,
    scenario: Annotated[
        str | None, typer.Option(metavar="FILE", help="That scenario's plant, parcels and faults, not drawn ones.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which faults met parcels in which states.")
    ] = False,
    shrink: Annotated[
        bool, typer.Option(help="Make the first storm that fails small, and write it as a scenario.")
    ] = True,
    compiled: Annotated[
        bool,
        typer.Option("--compiled", help="Run in machine code, a quarter to a half faster; compiled once, in minutes."),
    ] = False,
) -> None:
    """Run the station's core, journal and publisher on virtual time, through every fault that they must survive."""
    if compiled:
        storm_cli.run_compiled([word for word in sys.argv[1:] if word != "--compiled"], errors)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # those in the background end by `kill` as by Ctrl-C
    logging.disable(logging.CRITICAL)  # in a storm the station has trouble all the time, and says so
    if scenario is not None:
        raise typer.Exit(scenario_cli.storm(scenario, seed, hours, explain=explain))
    seed, hours = 1 if seed is None else seed, hours or 1.0
    screen = storm_cli.Screen(console, errors)
    raise typer.Exit(screen.tell(seed, hours) if explain else screen.run(seed, hours, jobs, coverage, shrink))


@app.command(name="tell", epilog="Example: simulator tell fault reading-lost:scanner=0.5 10")
def tell_plant(
    words: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="As `simulator help-control` lists them.")],
    control: Annotated[Path, typer.Option(help="The running plant's socket.")] = Path("wires/control"),
) -> None:
    """Have something happen to a running plant: put a fault in, pull a cable, lift a parcel off."""
    try:
        said = asyncio.run(tell(control, " ".join(words)))
    except OSError as error:
        errors.print(f"no plant listens at {control}: {error.strerror}; start one with `simulator run`", markup=False)
        raise typer.Exit(2) from error
    except ControlError as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    console.print(said, markup=False, highlight=False)
    raise typer.Exit(0 if said.startswith("done") else 1)


@app.command(name="faults", epilog="Example: simulator faults")
def show_faults() -> None:
    """List the faults that can be put into a running plant."""
    console.print("\n".join(list_faults()), markup=False, highlight=False)


@app.command(name="help-control", epilog="Example: simulator help-control")
def help_control() -> None:
    """List the commands that a running plant obeys."""
    console.print(HELP, markup=False, highlight=False)


def main() -> None:
    """Entry point."""
    run_app(app)

"""How each fault is put into the line on virtual time, and taken away again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import apsw

from simulator.faults import Switch, Where
from simulator.storm.runs import Copy
from simulator.storm.setup import WEIGHTS_G
from simulator.storm.world import RESTART_MS, STATION, World
from station.journal import JournalError, Reader
from station.journal.backup import back_up, restore

_BROKER_AWAY_MS = 1000.0
_NEXT_LIST_MS = 700.0
_PAGE = 4096


def put(world: World, switch: Switch) -> None:
    """Put it in."""
    world.tell("fault", {"fault": str(switch), "on": True})
    name = switch.fault.name
    if name in _AT_THE_PC:
        _AT_THE_PC[name](world, switch.size, True)  # noqa: FBT003
    elif name == "plc-restart":
        world.restart_plc()
    elif switch.fault.where is Where.STATION:
        world.plant.trouble.put(switch)
    else:
        world.plant.put(switch)
        if name in {"device-unplugged", "device-rebooting"}:
            world.plug(switch.target, into=False)


def lift(world: World, switch: Switch) -> None:
    """Take it away."""
    world.tell("fault", {"fault": str(switch), "on": False})
    name = switch.fault.name
    if name in _AT_THE_PC:
        _AT_THE_PC[name](world, switch.size, False)  # noqa: FBT003
        return
    world.plant.lift(switch)
    if name in {"device-unplugged", "device-rebooting"}:
        world.plug(switch.target, into=True)


def _clock_step(world: World, seconds: float, on: bool) -> None:  # noqa: FBT001
    world.clock.wrong_s += seconds if on else 0.0


def _time_zone(world: World, hours: float, on: bool) -> None:  # noqa: FBT001
    if on:
        world.clock.zone_h = float(round(hours))


def _leap_second(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.clock.wrong_s -= 1.0 if on else 0.0


def _kill(world: World, steps: float, on: bool) -> None:  # noqa: FBT001
    if on:
        world.room.fuse.left = int(steps)


def _freeze(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.frozen = on and world.daemon is not None


def _kill_publisher(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    if on and world.publishing is not None:
        world.publishing.kill()
        world.after(RESTART_MS, world.start_publisher)


def _full(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    if world.room.disk is not None:
        world.room.disk.faults.full = on


def _fsync(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    if world.room.disk is not None:
        world.room.disk.faults.fsync = on


def _power_cut(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    disk = world.room.disk
    if not on or disk is None or world.daemon is None:
        return
    kept, disk.faults = disk.faults, replace(disk.faults, full=True, fsync=True)  # nothing is written on the way down
    if world.publishing is not None:
        world.publishing.kill()
    world.kill_station()
    disk.cut(world.room.random, world.room.folder)
    disk.faults = kept


def _refuse_ids(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.room.ids_refused = on


def _lose_ids(world: World, _size: float, _on: bool) -> None:  # noqa: FBT001
    """It is gone as the trouble begins, and again as it ends."""
    known = world.battery or world.promises.opened  # of file, clock and journal one must tell what was used
    if world.daemon is not None and known:
        world.kill_station()
        (world.room.folder / "ids.json").unlink(missing_ok=True)


def _corrupt(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    """The PC is off for a moment; a page of the journal comes back as garbage."""
    if not on or world.daemon is None:
        return
    if world.publishing is not None:
        world.publishing.kill()
    world.kill_station()
    path = world.room.folder / "journal.db"
    pages = path.stat().st_size // _PAGE
    if pages:
        with path.open("r+b") as file:
            file.seek(world.room.random.randrange(pages) * _PAGE)
            file.write(world.room.random.randbytes(_PAGE))
    if world.room.disk is not None:
        world.room.disk.unsynced.writes.clear()  # of a file that may have another name soon


def _old_copy(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    """A copy is made, with what is open in it; later the PC is off for a moment, and the copy is the journal."""
    path = world.room.folder / "journal.db"
    copy = path.with_name("copy.db")
    if on:
        copy.unlink(missing_ok=True)
        with contextlib.suppress(JournalError):  # of a journal that is refused there is none
            back_up(path, copy)
            world.open_in_copy = dict(world.promises.open)
    elif copy.exists():
        if world.publishing is not None:
            world.publishing.kill()
        world.kill_station()
        _put_back(world, copy)


def _put_back(world: World, copy: Path) -> None:
    """As a technician does, who finds the disk's image of before. What cannot be put back is a journal lost."""
    path = world.room.folder / "journal.db"
    _move_aside(world)
    try:
        last = restore(copy, path, STATION)
    except JournalError:
        return
    with contextlib.closing(Reader(path)) as reader:
        runs = tuple((run.id, run.first_seq) for run in reader.incarnations())
    back = Copy(runs, last)
    world.runs.put_back(back, world.subscriber.newest)
    world.promises.copy_put_back(world.open_in_copy, shows=_shows(world, back))
    world.answers_lost()


def _shows(world: World, copy: Copy) -> bool:
    """Whether the publisher's cursor knows of an event that is not in the copy."""
    path, ends = world.room.folder / "cursor.db", copy.ends()
    if not path.exists():
        return False
    with contextlib.closing(apsw.Connection(str(path))) as db:
        newest = db.execute("SELECT incarnation, seq FROM reached ORDER BY place DESC LIMIT 1").fetchall()
    return any(int(seq) > ends.get(str(run), 0) for run, seq in newest)  # type: ignore[arg-type]


def _broker_gone(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.broker.leave() if on else world.broker.come_back()


def _broker_slow(world: World, seconds: float, on: bool) -> None:  # noqa: FBT001
    """A slow broker is started again in the end."""
    world.broker.faults.slow_ms = (0.0, seconds * 1000) if on else (0.0, 0.0)
    if not on:
        world.broker.cut()


def _broker_refusing(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.broker.faults.refusing = on
    if on:
        world.broker.cut()


def _link_flapping(world: World, seconds: float, on: bool) -> None:  # noqa: FBT001
    """Each break leaves what was on the wire with the broker, or loses it."""
    world.flapping = on

    def cut() -> None:
        if world.flapping:
            world.broker.cut(accepted=world.room.random.randint(0, 2))
            world.after(seconds * 1000, cut)

    if on:
        cut()


def _broker_forgetting(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    if on:
        world.broker.leave(forget=True)
        world.after(_BROKER_AWAY_MS, world.broker.come_back)


def _lists_changed(world: World, times: float, on: bool) -> None:  # noqa: FBT001
    """The new hold list holds what is on the belt, and so does the next."""
    if on:
        if round(times) > 1:
            world.after(_NEXT_LIST_MS, lambda: _lists_changed(world, times - 1, on))
        codes = [item.barcode for item in world.plant.items if item.barcode is not None]
        version = f"{world.room.lists.version.partition('-')[0]}-{round(world.ms())}"
        world.room.lists = replace(world.room.lists, version=version, held=world.room.lists.held | set(codes))
        for code in codes:
            world.held_ms.setdefault(code, world.ms())
        world.give(world.room.lists)


def _pause(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.commander.pause(on=on)


def _dry_run(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    world.commander.dry_run(on=on)


def _hold(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    """The commanded list holds what is on the belt, and then nothing any more."""
    codes = {item.barcode for item in world.plant.items if item.barcode is not None and on}
    world.commander.hold(codes)


def _policy(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    """Hardly anything may pass by its weight, and then what could before."""
    world.commander.weights((1000.0, 1500.0) if on else WEIGHTS_G)


def _resolve(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    """A parcel of the last minutes, wherever it is by now; or one that nobody knows."""
    keys = [*world.truth.by_key, (1, 1)]
    if on:
        world.commander.resolve(*world.room.random.choice(keys[-12:]))


def _repeat(world: World, times: float, on: bool) -> None:  # noqa: FBT001
    if on:
        for _ in range(round(times)):
            world.commander.again()


def _repeated_at_start(world: World, times: float, on: bool) -> None:  # noqa: FBT001
    """Of the hold lists given now and other commands some come again, the station is started again, and some more come.

    The lists are given as it begins, the rest happens as it ends.
    """
    if on:
        _hold(world, 0.0, True)  # noqa: FBT003
        _hold(world, 0.0, False)  # noqa: FBT003
        return
    _repeat(world, times, True)  # noqa: FBT003
    world.after(_NEXT_LIST_MS, world.stop_station)
    world.after(_NEXT_LIST_MS + 2 * RESTART_MS, lambda: _repeat(world, times, True))  # noqa: FBT003


def _expired(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    if on:
        world.commander.expired()


def _killed_at_command(world: World, steps: float, on: bool) -> None:  # noqa: FBT001
    """A dry run is begun, the daemon dies as it comes to it, and starts in the midst of all that follows."""
    world.commander.dry_run(on=on)
    if on:
        _kill(world, steps, on)


def _policy_changed(world: World, _size: float, on: bool) -> None:  # noqa: FBT001
    if on:
        world.policies += 1
        world.stop_station()


_AT_THE_PC: Mapping[str, Callable[[World, float, bool], None]] = {
    "wall-clock-step": _clock_step,
    "time-zone": _time_zone,
    "leap-second": _leap_second,
    "daemon-killed": _kill,
    "daemon-frozen": _freeze,
    "publisher-killed": _kill_publisher,
    "disk-full": _full,
    "disk-fsync": _fsync,
    "ids-refused": _refuse_ids,
    "ids-lost": _lose_ids,
    "power-cut": _power_cut,
    "page-corrupted": _corrupt,
    "old-copy-put-back": _old_copy,
    "broker-gone": _broker_gone,
    "broker-slow": _broker_slow,
    "broker-refusing": _broker_refusing,
    "link-flapping": _link_flapping,
    "broker-forgetting": _broker_forgetting,
    "lists-changed": _lists_changed,
    "policy-changed": _policy_changed,
    "command-pause": _pause,
    "command-dry-run": _dry_run,
    "command-hold": _hold,
    "command-policy": _policy,
    "command-resolve": _resolve,
    "command-repeated": _repeat,
    "command-expired": _expired,
    "killed-at-command": _killed_at_command,
    "repeated-at-start": _repeated_at_start,
}


def _move_aside(world: World) -> None:
    """A person does what `station journal aside` does."""
    for path in sorted(Path(world.room.folder).glob("journal.db*")):
        path.rename(path.with_name(f"aside-{round(world.ms())}-{path.name}"))
    if world.room.disk is not None:
        world.room.disk.unsynced.writes.clear()  # of a file that has another name now

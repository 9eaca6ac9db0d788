"""Expectations against what happened: one verdict each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from simulator.scenario.account import Account, Body
from simulator.scenario.model import (
    AlarmExpected,
    CleanPassedExpected,
    CountExpected,
    InspectedExpected,
    ParcelExpected,
    Scenario,
)

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """An expectation in words; `wrong` says how it was not met, "" if it was."""

    expected: str
    wrong: str = ""


def judge(scenario: Scenario, account: Account) -> list[Verdict]:
    """Every expectation of the scenario, the promises first."""
    return list(_judged(scenario, account))


def _judged(scenario: Scenario, account: Account) -> Iterator[Verdict]:
    yield _promises(account)
    expect = scenario.expect
    for parcel in expect.parcels:
        yield _parcel(scenario, account, parcel)
    for passed in expect.clean_passed:
        yield _clean_passed(account, passed)
    for inspected in expect.inspected:
        yield _inspected(account, inspected)
    for alarm in expect.alarms:
        yield _alarm(account, alarm)
    for name in expect.no_alarms:
        yield _no_alarm(account, name)
    if expect.belt_stops is not None:
        yield _count("belt stops", _stops(account), expect.belt_stops)
    if expect.sessions is not None:
        yield _count("sessions", sum(1 for _ in account.of("session-opened")), expect.sessions)


def _promises(account: Account) -> Verdict:
    return Verdict("every promise is kept", _few(account.broken))


def _few(texts: list[str]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def _parcel(scenario: Scenario, account: Account, expected: ParcelExpected) -> Verdict:
    for_reasons = f" for {', '.join(expected.reasons)}" if expected.reasons else ""
    words = {"pass": "passes", "inspect": "is inspected", "none": "leaves by no lane"}
    said = f"parcel {expected.parcel} {words[expected.lane]}{for_reasons}"
    body = account.bodies.get(_item(scenario, expected.parcel))
    if body is None:
        return Verdict(said, "it never came")
    if (body.lane or "none") != expected.lane:
        why = ", ".join(sorted(account.reasons(body.key)))
        return Verdict(said, f"it left by {body.lane or 'no lane'}" + (f" ({why})" if why else ""))
    got = account.reasons(_key(scenario, account, body))
    missing = [code for code in expected.reasons if code not in got]
    if missing:
        return Verdict(said, f"{', '.join(missing)} is not among its reasons: {', '.join(sorted(got)) or 'none'}")
    return Verdict(said)


def _item(scenario: Scenario, name: str) -> int:
    names = [parcel.name for parcel in scenario.listed() or ()]
    return names.index(name) + 1


def _key(scenario: Scenario, account: Account, body: Body) -> tuple[int, int] | None:
    """Its number, or that of the parcel that it touches: for the station the two are one."""
    item, listed = body.item, scenario.listed() or ()
    while item > 1 and account.bodies[item].key is None and listed[item - 1].touching:
        item -= 1
    return account.bodies[item].key


def _within(account: Account, from_s: float, to_s: float) -> list[Body]:
    return [b for b in account.bodies.values() if b.entered_s is not None and from_s <= b.entered_s <= to_s]


def _clean_passed(account: Account, expected: CleanPassedExpected) -> Verdict:
    clean = [body for body in _within(account, expected.from_s, expected.to_s) if body.clean]
    bounds = [f"at least {expected.at_least:.0%}"] if expected.at_least else []
    bounds += [f"at most {expected.at_most:.0%}"] if expected.at_most < 1 else []
    said = f"{' and '.join(bounds) or 'any share'} of the clean parcels {_times(expected.from_s, expected.to_s)} pass"
    if not clean:
        return Verdict(said, "no clean parcel came")
    share = sum(body.lane == "pass" for body in clean) / len(clean)
    met = expected.at_least <= share <= expected.at_most
    return Verdict(said, "" if met else f"{share:.0%} of {len(clean)} passed")


def _inspected(account: Account, expected: InspectedExpected) -> Verdict:
    bodies = [b for b in _within(account, expected.from_s, expected.to_s) if b.lane == "inspect"]
    if expected.reason is not None:
        bodies = [body for body in bodies if expected.reason in account.reasons(body.key)]
    reason = f" for {expected.reason}" if expected.reason else ""
    what = f"parcels {_times(expected.from_s, expected.to_s)} inspected{reason}"
    return _count(what, len(bodies), CountExpected(at_least=expected.at_least, at_most=expected.at_most))


def _alarm(account: Account, expected: AlarmExpected) -> Verdict:
    about = f" of {expected.subject}" if expected.subject else ""
    to_s = float("inf") if expected.within_s is None else expected.from_s + expected.within_s
    then = "" if expected.cleared is None else " and over at the end" if expected.cleared else " and stands at the end"
    said = f"alarm {expected.alarm}{about} is raised {_times(expected.from_s, to_s)}{then}"
    raised = [seconds for seconds, data in account.of("alarm-raised") if _is(data, expected)]
    hits = [seconds for seconds in raised if expected.from_s <= seconds <= to_s]
    if not hits:
        at = _few([f"{seconds:.1f} s" for seconds in raised])
        return Verdict(said, f"it was raised at {at}" if raised else "it was not raised")
    cleared = not _standing(account, expected, hits[0])
    if expected.cleared not in {None, cleared}:
        return Verdict(said, "it was over at the end" if cleared else "it stood at the end")
    return Verdict(said)


def _standing(account: Account, expected: AlarmExpected, since_s: float) -> set[str]:
    """The subjects of which such an alarm, raised since then, stands at the end."""
    changes = [
        (s, d["subject"], kind)
        for kind in ("alarm-raised", "alarm-cleared")
        for s, d in account.of(kind)
        if _is(d, expected)
    ]
    last = {subject: kind for seconds, subject, kind in sorted(changes, key=itemgetter(0)) if seconds >= since_s}
    return {subject for subject, kind in last.items() if kind == "alarm-raised"}


def _no_alarm(account: Account, alarm: str) -> Verdict:
    raised = [f"{d['subject']} at {seconds:.1f} s" for seconds, d in account.of("alarm-raised") if d["alarm"] == alarm]
    return Verdict(f"no alarm {alarm}", f"it was raised: {_few(raised)}" if raised else "")


def _is(data: object, expected: AlarmExpected) -> bool:
    alarm, subject = data["alarm"], data["subject"]  # type: ignore[index]
    return bool(alarm == expected.alarm and expected.subject in {None, subject})


def _stops(account: Account) -> int:
    """How often the PLC said that the belt stands, having run before."""
    running, stops = True, 0
    for _, data in account.of("plc-changed"):
        stops += running and not data["belt_running"]
        running = data["belt_running"]
    return stops


def _count(what: str, got: int, expected: CountExpected) -> Verdict:
    most = expected.at_most
    met = expected.at_least <= got and (most is None or got <= most)
    if most == expected.at_least:
        said = f"{what}: {most}"
    else:
        said = f"{what}: {expected.at_least} or more" if most is None else f"{what}: {expected.at_least} to {most}"
    return Verdict(said, "" if met else f"there were {got}")


def _times(from_s: float, to_s: float) -> str:
    if to_s >= 36_000.0:
        return f"from {from_s:g} s on" if from_s else "at any time"
    return f"between {from_s:g} and {to_s:g} s"

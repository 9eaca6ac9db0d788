"""A start that sets a damaged journal aside in a storm, or goes on with an old copy: nothing passes before somebody
resumes, whatever kills it."""

from __future__ import annotations

import pytest

from simulator.storm import pc
from simulator.storm.violation import Promise
from station.beginning import Begun, begin
from tests.unit.storm.test_storm import episode, run


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 6, 9])
def test_the_daemon_may_die_at_any_of_its_first_steps(steps: int) -> None:
    episodes = [episode("page-corrupted", 20.0, 0.0), episode(f"daemon-killed={steps}", 20.85, 0.0)]
    assert run(episodes, seconds=45.0).violations == []


def test_again_and_again_in_one_second() -> None:
    episodes = [episode("page-corrupted", at, 0.0) for at in (20.0, 20.9, 21.8, 22.7)]
    assert run(episodes, seconds=60.0).violations == []


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 6, 9])
def test_behind_an_old_copy_as_well(steps: int) -> None:
    episodes = [episode("old-copy-put-back", 20.0, 8.0), episode(f"daemon-killed={steps}", 28.85, 0.0)]
    assert run(episodes, seconds=50.0).violations == []


@pytest.mark.parametrize("fault", [("page-corrupted", 20.0, 0.0), ("old-copy-put-back", 14.0, 8.0)])
def test_a_start_that_goes_on_as_if_nothing_had_happened_is_caught(
    fault: tuple[str, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*arguments: object) -> Begun:
        return begin(*arguments)._replace(events=())  # type: ignore[arg-type]

    monkeypatch.setattr(pc, "begin", careless)
    broken = run([episode(*fault)], seconds=45.0).violations
    assert {violation.promise for violation in broken} == {Promise.OBEYED}

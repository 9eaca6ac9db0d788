"""An old copy of the journal is put back in a storm: told, no id twice; and the checkers see it where it is not so."""

from __future__ import annotations

import json

import pytest

from simulator.storm.runs import Copy, Runs
from simulator.storm.storm import Storm
from simulator.storm.subscriber import SubscriberCheck
from tests.unit.storm.test_storm import episode, run


def test_no_promise_is_broken_and_the_subscriber_is_told() -> None:
    storm = Storm(1, 70.0, [episode("old-copy-put-back", 20.0, 8.0), episode("old-copy-put-back", 40.0, 3.0)])
    result = storm.run()
    assert result.violations == []
    assert len(storm.world.runs.must_tell) == 2


def test_a_copy_whose_end_nobody_had_seen_beyond_needs_no_word() -> None:
    storm = Storm(1, 60.0, [episode("broker-gone", 19.0, 10.0), episode("old-copy-put-back", 20.0, 5.0)])
    assert storm.run().violations == []
    assert storm.world.runs.must_tell == []


def test_a_copy_in_place_of_a_journal_that_is_damaged() -> None:
    episodes = [episode("old-copy-put-back", 20.0, 8.0), episode("page-corrupted", 24.0, 0.0)]
    assert run(episodes).violations == []


def test_a_hold_list_that_was_accepted_and_still_waits_is_taken_again() -> None:
    episodes = [episode("command-hold", 35.0, 5.0), episode("old-copy-put-back", 33.0, 7.06)]
    storm = Storm(1, 43.0, episodes)
    assert storm.run().violations == []
    assert storm.world.commanded == frozenset()


def test_a_power_cut_after_it_leaves_the_copy_whole() -> None:
    episodes = [
        episode("disk-fsync", 26.0, 3.0),
        episode("old-copy-put-back", 20.0, 8.0),
        episode("power-cut", 35.0, 0.0),
    ]
    assert run(episodes).violations == []


def test_a_parcel_whose_entry_is_found_on_disk_after_a_failed_sync_has_entered() -> None:
    assert (
        run([episode("disk-fsync", 20.0, 3.0), episode("daemon-killed=6", 22.05, 0.0)], seconds=32.0).violations == []
    )


# --- which run wrote what ---------------------------------------------------------------------------------------------


def runs(*batches: tuple[str, int, int]) -> Runs:
    made = Runs()
    for batch in batches:
        assert made.kept(*batch) == ""
    return made


def test_all_that_is_on_disk_must_arrive() -> None:
    assert runs(("a", 2, 10), ("a", 11, 20), ("b", 22, 30)).to_be_published(lambda _: 0) == {"a": 20, "b": 30}


def test_of_what_is_lost_only_what_had_arrived() -> None:
    made, arrived = runs(("a", 2, 20), ("b", 22, 30)), {"a": 20, "b": 25}
    made.put_back(Copy((("a", 1),), 12), lambda run: arrived.get(run, 0))
    assert made.kept("c", 14, 15) == ""
    assert made.must_tell == ["c"]
    assert made.to_be_published(lambda run: arrived.get(run, 0)) == {"a": 20, "b": 25, "c": 15}
    assert made.kept("d", 17, 18) == ""
    assert made.must_tell == ["c"]


def test_what_was_lost_before_needs_no_word_again() -> None:
    made, arrived = runs(("a", 2, 20)), {"a": 18, "c": 13}
    made.put_back(Copy((("a", 1),), 12), lambda run: arrived.get(run, 0))
    made.kept("c", 14, 15)
    made.put_back(Copy((("a", 1), ("c", 13)), 14), lambda run: arrived.get(run, 0))
    made.kept("d", 16, 17)
    assert made.must_tell == ["c"]


def test_what_a_lost_run_had_to_tell_the_next_one_must() -> None:
    made, arrived = runs(("a", 2, 20)), {"a": 18}
    for name in ("c", "d"):
        made.put_back(Copy((("a", 1),), 12), lambda run: arrived.get(run, 0))
        made.kept(name, 14, 15)
    assert made.must_tell == ["d"]


def test_a_new_journal_ends_the_one_before() -> None:
    made = runs(("a", 2, 20), ("b", 2, 9))
    assert made.to_be_published({"a": 7, "b": 3}.__getitem__) == {"a": 7, "b": 9}


def test_a_name_used_again_is_seen() -> None:
    made = runs(("a", 2, 20))
    made.put_back(Copy((("a", 1),), 12), lambda _: 0)
    assert made.kept("a", 13, 14) == "event a-13 was written before"


# --- what a subscriber can see ----------------------------------------------------------------------------------------


def event(run: str, number: int) -> bytes:
    return json.dumps({"id": f"{run}-{number}", "sequence": number, "data": ""}).encode()


def opened(run: str, previous: str, last: int, beyond: str = "") -> bytes:
    data = {"previous": previous, "last_seq": last, "published_beyond": beyond}
    told = {"id": f"{run}-{last + 1}", "sequence": last + 1, "type": "inspection.v1.journal-opened", "data": data}
    return json.dumps(told).encode()


def check(*payloads: bytes) -> SubscriberCheck:
    made = SubscriberCheck(lambda _: True)
    for payload in payloads:
        made.take("t", payload)
    return made


A = (opened("a", "", 0), event("a", 2), event("a", 3))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([opened("b", "a", 3)], set()),
        ([opened("b", "a", 2)], {"b"}),
        ([opened("b", "a", 3, "a-9")], {"b"}),
        ([opened("b", "", 0)], {"b"}),
        ([opened("b", "a", 3), opened("c", "a", 3)], {"c"}),
        ([opened("b", "a", 3), opened("c", "b", 4), opened("b", "a", 3)], set()),
    ],
)
def test_what_a_new_run_tells(more: list[bytes], told: set[str]) -> None:
    assert check(*A, *more).told == told


def test_a_copy_put_back_untold_is_a_broken_promise() -> None:
    seen = check(*A, opened("b", "a", 3))
    first, newest = {"a": 1, "b": 4}, {"a": 3, "b": 4}
    assert [v.name for v in seen.verdict(newest, (), first, ["b"])] == ["untold"]
    assert seen.verdict(newest, ("b-4",), first, ["b"]) == []


def test_what_came_behind_the_same_run_comes_no_more() -> None:
    seen = check(*A, opened("b", "a", 3), opened("c", "b", 4), opened("d", "a", 3), event("c", 6), event("d", 5))
    assert [(v.name, v.id) for v in seen.verdict({})] == [("disorder", "c-6")]

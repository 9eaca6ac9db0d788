"""What is flagged by class, average precision worked out by hand, and thresholds that keep false alarms few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from station.core.events import Finding
from station.vision.measure import ClassReport, Located, average_precision, class_reports, located
from station.vision.seen import Box, Seen, overlap
from station.vision.threshold import choose

LEFT: Box = (0.0, 0.0, 10.0, 10.0)
RIGHT: Box = (50.0, 0.0, 60.0, 10.0)
BOTH = ("gun", "knife")
GUN, PRESENT = {"gun": 0.5}, {"gun": 0.5, "knife": 0.7}


def seen(truth: Sequence[tuple[str, Box]] = (), *found: tuple[str, float, Box]) -> Seen:
    return Seen(tuple(truth), tuple(Finding(label, score, box) for label, score, box in found))


def test_overlap_is_the_share_of_both() -> None:
    assert overlap(LEFT, LEFT) == 1.0
    assert overlap(LEFT, RIGHT) == 0.0
    assert overlap(LEFT, (5.0, 0.0, 15.0, 10.0)) == pytest.approx(50 / 150)


def test_each_class_is_counted_where_it_is_and_where_it_is_not() -> None:
    pictures = [
        seen([("gun", LEFT), ("gun", RIGHT)], ("gun", 0.9, LEFT)),
        seen([("gun", LEFT)], ("knife", 0.9, LEFT)),
        seen([("knife", LEFT)], ("gun", 0.9, LEFT), ("knife", 0.2, LEFT)),
        seen(),
    ]
    assert class_reports(pictures, {"gun": 0.5, "knife": 0.5}, ["gun"]) == [
        ClassReport("gun", pictures=2, flagged=1, any_flag=2, others=2, wrongly=1, boxes=3, boxes_found=1)
    ]


def test_threats_are_counted_in_their_place_where_few_clean_pictures_are_flagged() -> None:
    third_off: Box = (5.0, 0.0, 15.0, 10.0)
    pictures = [
        *(seen((), ("gun", 0.1 * number, LEFT)) for number in range(1, 10)),
        seen([("battery", LEFT)], ("battery", 0.95, LEFT)),
        seen([("gun", LEFT)], ("gun", 0.85, LEFT)),
        seen([("gun", LEFT)], ("gun", 0.85, third_off)),
        seen([("gun", LEFT)], ("gun", 0.95, RIGHT)),
        seen([("gun", LEFT)], ("knife", 0.95, LEFT)),
        seen([("knife", LEFT)], ("knife", 0.8, LEFT)),
        Seen((("gun", LEFT),), (), "cannot be read"),
    ]
    assert located(pictures, BOTH, 0.1) == Located(0.8, clean=10, flagged=1, threats=5, found=1, found30=2)
    assert located(pictures, BOTH, 0.0) == Located(0.9, clean=10, flagged=0, threats=5, found=0, found30=0)
    assert located(pictures[:9], BOTH, 0.1) is None
    assert located(pictures[10:], BOTH, 0.1) is None


def test_average_precision_as_worked_out_by_hand() -> None:
    """Two guns. Found in order of score: one rightly, one wrongly, the other rightly.

    Precision is 1 up to a recall of 1/2, and 2/3 from there to 1; COCO takes it at 101 recalls, 51 of them up to 1/2.
    """
    pictures = [
        seen([("gun", LEFT)], ("gun", 0.9, LEFT), ("gun", 0.8, RIGHT)),
        seen([("gun", LEFT)], ("gun", 0.7, LEFT)),
    ]
    (row,) = average_precision(pictures, ["gun", "knife"]) or []
    assert row.label == "gun"
    assert row.ap50 == pytest.approx((51 * 1 + 50 * 2 / 3) / 101, abs=1e-3)
    assert row.ap == row.ap50 == row.ap30


def test_a_box_that_is_a_third_off_counts_at_three_tenths_alone() -> None:
    """It overlaps by a third."""
    (row,) = average_precision([seen([("gun", LEFT)], ("gun", 0.9, (5.0, 0.0, 15.0, 10.0)))], ["gun"]) or []
    assert (row.ap30, row.ap50, row.ap) == (1.0, 0.0, 0.0)


def test_a_class_that_nothing_has_has_no_precision() -> None:
    assert average_precision([seen(), seen((), ("gun", 0.9, LEFT))], ["gun"]) == []


def test_thresholds_find_the_most_within_the_share() -> None:
    """Of ten clean pictures one may be flagged: the knife's costs one and brings two, the gun's would cost two."""
    clean = [seen((), ("gun", 0.6, LEFT)), seen((), ("gun", 0.55, LEFT)), seen((), ("knife", 0.4, LEFT))]
    clean += [seen() for _ in range(7)]
    threats = [
        seen([("gun", LEFT)], ("gun", 0.9, LEFT)),
        seen([("gun", LEFT)], ("gun", 0.5, LEFT)),
        seen([("knife", LEFT)], ("knife", 0.3, LEFT)),
        seen([("knife", LEFT)], ("knife", 0.35, LEFT)),
    ]
    chosen = choose([*clean, *threats], BOTH, PRESENT, 0.05, 0.1)
    assert chosen.detected == 0.75
    assert chosen.false_alarms == 0.1
    assert 0.6 < chosen.thresholds["gun"] <= 0.9
    assert 0.05 <= chosen.thresholds["knife"] <= 0.3


def test_without_any_false_alarm_allowed_none_is_made() -> None:
    clean = [seen((), ("gun", 0.6, LEFT)), seen()]
    threats = [seen([("gun", LEFT)], ("gun", 0.9, LEFT)), seen([("gun", LEFT)], ("gun", 0.6, LEFT))]
    chosen = choose([*clean, *threats], ["gun"], GUN, 0.05, 0.0)
    assert (chosen.false_alarms, chosen.detected) == (0.0, 0.5)


@pytest.mark.parametrize("pictures", [[seen()], [seen([("gun", LEFT)])], []])
def test_pictures_of_one_kind_alone_are_refused(pictures: list[Seen]) -> None:
    with pytest.raises(ValueError, match="pictures of both kinds"):
        choose(pictures, ["gun"], GUN, 0.05, 0.1)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5])
def test_the_share_is_kept_whatever_the_scores(share: float) -> None:
    rng = np.random.default_rng(3)
    labels = ["gun", "knife", "battery"]

    def noisy(truth: Sequence[tuple[str, Box]], lift: float) -> Seen:
        return seen(truth, *((label, float(min(0.99, rng.random() ** 3 + lift)), LEFT) for label in labels))

    pictures = [noisy([], 0.0) for _ in range(100)]
    pictures += [noisy([(labels[number % 3], LEFT)], 0.1) for number in range(100)]
    chosen = choose(pictures, labels, dict.fromkeys(labels, 0.5), 0.05, share)
    assert chosen.false_alarms <= share
    assert chosen.false_alarms == sum(bool(item.flagged(chosen.thresholds)) for item in pictures[:100]) / 100


def test_a_clean_picture_as_sure_as_can_be_is_said_to_be_one_too_many() -> None:
    pictures = [seen((), ("gun", 1.0, LEFT)), seen(), seen([("gun", LEFT)], ("gun", 1.0, LEFT))]
    with pytest.raises(ValueError, match=r"1 of 2 clean pictures are flagged even with the highest .* and 0 may be"):
        choose(pictures, ["gun"], GUN, 0.05, 0.1)
    chosen = choose(pictures, ["gun"], GUN, 0.05, 0.5)
    assert (chosen.false_alarms, chosen.detected) == (0.5, 1.0)
    assert chosen.thresholds["gun"] < 1.0


@pytest.mark.parametrize("labelled", [["gun"], ["gun", "knife"]])
def test_a_class_that_nothing_is_told_about_keeps_its_threshold_and_counts(labelled: list[str]) -> None:
    """Knives are not labelled, or there is none: they flag one clean picture of ten, and one gun."""
    clean = [seen((), ("knife", 0.8, LEFT)), seen((), ("gun", 0.4, LEFT)), *(seen() for _ in range(8))]
    threats = [seen([("gun", LEFT)], ("gun", 0.3, LEFT)), seen([("gun", LEFT)], ("knife", 0.9, LEFT))]
    chosen = choose([*clean, *threats], labelled, PRESENT, 0.05, 0.1)
    assert (chosen.thresholds["knife"], chosen.kept) == (0.7, ("knife",))
    assert (chosen.false_alarms, chosen.detected) == (0.1, 0.5)
    assert chosen.thresholds["gun"] > 0.4
    with pytest.raises(ValueError, match="1 of 10 clean pictures are flagged as knife, which keep their thresholds"):
        choose([*clean, *threats], labelled, PRESENT, 0.05, 0.0)


def test_without_a_class_to_choose_for_nothing_is_chosen() -> None:
    with pytest.raises(ValueError, match="both labelled throughout and found"):
        choose([seen(), seen([("knife", LEFT)])], ["gun"], PRESENT, 0.05, 0.1)


def test_what_could_not_be_looked_at_is_neither_clean_nor_a_threat() -> None:
    """With it there were four clean pictures, of which one might be flagged."""
    cut = [Seen((), (), "file ends early"), Seen((), (), "file ends early"), Seen((("gun", LEFT),), (), "no answer")]
    pictures = [seen((), ("gun", 0.6, LEFT)), seen(), seen([("gun", LEFT)], ("gun", 0.5, LEFT))]
    chosen = choose([*pictures, *cut], ["gun"], GUN, 0.05, 0.25)
    assert (chosen.clean, chosen.threats, chosen.unanswered) == (2, 1, 3)
    assert (chosen.false_alarms, chosen.detected) == (0.0, 0.0)


def test_a_class_may_use_the_whole_share_however_many_pictures_it_is() -> None:
    """The threat lies under 149 clean pictures, each with another score, of which 150 may be flagged."""
    clean = [seen((), ("gun", 0.9 - number / 1000, LEFT)) for number in range(300)]
    chosen = choose([*clean, seen([("gun", LEFT)], ("gun", 0.7515, LEFT))], ["gun"], GUN, 0.05, 0.5)
    assert (chosen.detected, round(chosen.false_alarms * 300)) == (1.0, 149)


def test_a_class_is_raised_again_where_others_gain_more_by_it() -> None:
    """Two clean pictures may be flagged. The gun's first step gains most (2 for 1), the knife's only one 3 for 2."""
    clean = [seen((), ("gun", 0.6, LEFT)), seen((), ("gun", 0.5, LEFT)), *(seen() for _ in range(6))]
    clean += [seen((), ("knife", 0.6, LEFT)), seen((), ("knife", 0.6, LEFT))]
    threats = [seen([("gun", LEFT)], ("gun", 0.55, LEFT)) for _ in range(2)]
    threats += [seen([("knife", LEFT)], ("knife", 0.55, LEFT)) for _ in range(3)]
    assert choose([*clean, *threats], BOTH, PRESENT, 0.05, 0.2).detected == 3 / 5

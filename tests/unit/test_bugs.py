"""The catalogue of deliberate bugs fits the present source."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bugs.patching import PROMISES, ROOT, Bug, load

BUGS = load()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_applies_once_and_compiles(bug: Bug) -> None:
    text = (ROOT / "station" / bug.file).read_text(encoding="utf-8")
    patched = bug.apply(text)
    assert patched != text
    compile(patched, bug.file, "exec")
    assert bug.story.strip()


def test_text_that_does_not_occur_once_is_refused() -> None:
    bug = Bug("any", "replay", "any.py", "a", "b", "any")
    for text in ("", "aa"):
        with pytest.raises(ValueError, match="occurs"):
            bug.apply(text)


def test_names_are_unique() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30


def test_every_promise_has_two() -> None:
    counts = Counter(bug.promise for bug in BUGS)
    assert set(counts) == set(PROMISES)
    assert min(counts.values()) >= 2

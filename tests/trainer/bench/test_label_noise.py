"""Which candidates of a labelled group training would use, and how sure a share of wrong labels is."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.label_noise import interval, labels_of


def line(
    place: int, tier: str, *, probability: float | None = None, tests: tuple[int, int] = (0, 0), offered: bool = False
) -> dict[str, Any]:
    """A prediction. `tests` are those that ran and those that passed."""
    return {
        "candidate_index": place,
        "tier": tier,
        "probability": probability,
        "tests_run": tests[0],
        "tests_passed": tests[1],
        "offered": offered,
    }


def test_with_a_specification_it_decides() -> None:
    """What passes but is not offered has no label."""
    lines = [
        line(0, "verified", probability=0.9, tests=(2, 2), offered=True),
        line(1, "checked", probability=0.01, tests=(2, 2)),
        line(2, "unverified", probability=0.02, tests=(2, 1)),
    ]
    assert list(labels_of(lines)) == [(0, "right: verified", True), (2, "wrong: refuted by a test", False)]


def test_without_one_a_likely_member_refutes_the_unlikely() -> None:
    """Without a likely one nothing is said."""
    lines = [line(0, "consistent", probability=0.6, offered=True), line(1, "checked", probability=0.01)]
    assert [label for _, _, label in labels_of(lines)] == [True, False]
    assert list(labels_of(lines[1:])) == []


def test_an_interval_holds_the_share() -> None:
    """It is narrower with more labels."""
    low, high = interval(2, 100)
    assert low < 0.02 < high < 0.08
    assert interval(0, 10)[0] == 0.0
    assert interval(20, 1000)[1] - interval(20, 1000)[0] == pytest.approx(0.0175, abs=0.002)

"""Which test a candidate meets first."""

from __future__ import annotations

from plum_lsp.domain.verification import Call, Equals, Origin, TestCase, TestId, Verdict, VerdictStatus
from plum_lsp.verification.ordering import Experience

TESTS = tuple(
    TestCase(
        id=TestId(name),
        call=Call(expression=f"f({name!r})"),
        expectation=Equals(expected="1"),
        origin=Origin.DOCTEST,
        quote="",
    )
    for name in "abcd"
)


def met(experience: Experience, **outcomes: tuple[bool, float]) -> str:
    """The order after one more candidate whose outcomes (passed, milliseconds) are these."""
    experience.learn(
        Verdict(
            test_id=TestId(name),
            status=VerdictStatus.PASSED if is_pass else VerdictStatus.FAILED,
            shown="",
            wall_ms=wall_ms,
        )
        for name, (is_pass, wall_ms) in outcomes.items()
    )
    return "".join(test.id for test in experience.ordered(TESTS))


def test_nothing_known_changes_nothing() -> None:
    """The first candidate meets its tests as they were written."""
    assert Experience().ordered(TESTS) == TESTS


def test_a_slow_test_waits_for_the_quick_ones() -> None:
    """However much it tells: the time is the child's, and the quick ones would be lost behind it."""
    assert met(Experience(), a=(False, 400.0), b=(True, 0.1), c=(True, 3.0), d=(False, 0.2)) == "bcda"


def test_slow_tests_come_by_information_per_millisecond() -> None:
    """Of two that take the same time, the one whose outcome is open comes first; a quarter of the time outweighs it."""
    experience = Experience()
    for is_pass in (True, False):
        met(experience, a=(True, 100.0), b=(is_pass, 100.0), c=(True, 20.0), d=(True, 0.1))
    assert met(experience, d=(True, 0.1)) == "dcba"

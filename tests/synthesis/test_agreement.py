"""When candidates that agree are believed, and which tests prove nothing."""

from __future__ import annotations

import pytest

from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Node,
    Observation,
    Origin,
    Raised,
    TestCase,
    TestId,
    Value,
    Verdict,
    VerdictStatus,
)
from plum_lsp.synthesis.agreement import clusters, consistent
from plum_lsp.synthesis.screening import telling


def returned(value: Value, printed: str = "") -> Observation:
    return Observation(ending=Ending.RETURNED, value=value, printed=printed)


def raised(name: str) -> Observation:
    return Observation(ending=Ending.RAISED, raised=Raised(type_names=(name, "Exception"), message="x"))


def test_the_majority_wins() -> None:
    """Two that agree against one are consistent."""
    seen = {0: [returned(1)], 1: [returned(2)], 2: [returned(1)]}
    assert consistent(seen) == {0, 2}
    assert [cluster.members for cluster in clusters(seen)] == [(0, 2), (1,)]


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {0: []},
        {0: [returned(1)]},
        {0: [returned(1)], 1: [returned(2)]},
        {0: [returned(1)], 1: [returned(1)], 2: [returned(2)], 3: [returned(3)]},
        {0: [raised("ValueError")], 1: [raised("ValueError")]},
    ],
)
def test_without_a_majority_that_returned_something_nobody_wins(seen: dict[int, list[Observation]]) -> None:
    """One alone, a tie, half of the group, and a shared exception prove nothing."""
    assert consistent(seen) == frozenset()


def test_copies_count_once() -> None:
    """Ten copies of one mistake do not outvote, whatever their number."""
    seen = {index: [returned(1)] for index in range(10)} | {10: [returned(2)], 11: [returned(2)]}
    fingerprints = dict.fromkeys(range(10), "same") | {10: "b", 11: "c"}
    assert consistent(seen, fingerprints) == {10, 11}
    assert clusters(seen, fingerprints)[1].size == 1


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        (returned(1), returned(True), False),
        (returned(1), returned(1.0), False),
        (returned(0.1 + 0.2), returned(0.3), True),
        (returned(float("nan")), returned(float("nan")), True),
        (returned(None, "a\n"), returned(None, "a"), True),
        (returned(None, "a"), returned(None, "b"), False),
        (raised("ValueError"), raised("TypeError"), False),
        (
            returned(Node(kind="set", type_name="set", items=(1, 2))),
            returned(Node(kind="set", type_name="set", items=(2, 1))),
            True,
        ),
        (
            returned(Node(kind="dict", type_name="dict", items=(1, 2, 3, 4))),
            returned(Node(kind="dict", type_name="dict", items=(3, 4, 1, 2))),
            True,
        ),
        (
            returned(Node(kind="list", type_name="list", items=(1, 2))),
            returned(Node(kind="tuple", type_name="tuple", items=(1, 2))),
            False,
        ),
        (
            returned(Node(kind="object", type_name="A", items=(), text="<A at 0x1f>")),
            returned(Node(kind="object", type_name="A", items=(), text="<A at 0x2e>")),
            True,
        ),
    ],
)
def test_what_equal_behaviour_is(left: Observation, right: Observation, is_same: bool) -> None:
    """Types, output and exceptions count; order in sets and dicts, addresses and last digits do not."""
    found = clusters({0: [left, returned(1)], 1: [right, returned(1)]})
    assert (len(found) == 1) is is_same


def test_tests_that_an_unfilled_hole_passes_are_dropped() -> None:
    """So are tests nobody wrote as a specification."""

    def test(name: str, origin: Origin) -> TestCase:
        call = Call(expression="f()")
        return TestCase(id=TestId(name), call=call, expectation=Equals(expected="1"), origin=origin, quote="")

    def verdict(status: VerdictStatus) -> Verdict:
        return Verdict(test_id=TestId("a"), status=status, shown="", wall_ms=0.0)

    tests = [test("a", Origin.DOCTEST), test("b", Origin.EXAMPLE), test("c", Origin.GENERATED)]
    verdicts = [verdict(VerdictStatus.PASSED), verdict(VerdictStatus.ERRORED), verdict(VerdictStatus.FAILED)]
    assert [kept.id for kept in telling(tests, verdicts)] == ["b"]

"""When candidates that agree are believed, and which tests prove nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from plum_lsp.synthesis.agreement import Agreement, Trial, agreement, first_difference
from plum_lsp.synthesis.screening import telling

TIMED_OUT = Observation(ending=Ending.TIMED_OUT)


def returned(value: Value, printed: str = "") -> Observation:
    return Observation(ending=Ending.RETURNED, value=value, printed=printed)


def raised(name: str) -> Observation:
    return Observation(ending=Ending.RAISED, raised=Raised(type_names=(name, "Exception"), message="x"))


def gave(*values: Value) -> list[Observation]:
    return [returned(value) for value in values]


def found(
    seen: Mapping[int, Sequence[Observation]],
    fingerprints: Mapping[int, str] | None = None,
    eligible: Sequence[int] | None = None,
) -> Agreement | None:
    names = fingerprints or {index: str(index) for index in seen}
    trials = [
        Trial(index=index, fingerprint=names[index], observations=tuple(observations))
        for index, observations in seen.items()
    ]
    return agreement(trials, seen.keys() if eligible is None else eligible)


def members(seen: Mapping[int, Sequence[Observation]], fingerprints: Mapping[int, str] | None = None) -> set[int]:
    cluster = found(seen, fingerprints)
    return set(cluster.members) if cluster is not None and not cluster.is_tie else set()


def test_the_largest_cluster_wins() -> None:
    """Two that agree stand against one."""
    assert members({0: gave(1, 2), 1: gave(2, 3), 2: gave(1, 2)}) == {0, 2}


def test_where_nobody_agrees_the_most_usual_one_wins() -> None:
    """Each mistake shows on another input, so the right answer is the one that all mistakes are near to."""
    right = (1, 2, 3, 4, 5, 6)
    wrong = {place: gave(*right[:place], 99, *right[place + 1 :]) for place in range(1, 4)}
    cluster = found({0: gave(*right)} | wrong)
    assert cluster is not None
    assert cluster.members == (0,)
    assert cluster.centrality == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {0: gave(1), 1: gave(2)},
        {0: gave(1), 1: gave(1), 2: gave(2), 3: gave(2)},
        {0: [raised("ValueError")], 1: [raised("ValueError")]},
        {0: gave(7, 7, 7), 1: gave(7, 7, 7)},
    ],
    ids=["nobody", "one each", "tie", "only exceptions", "constants"],
)
def test_what_proves_nothing(seen: dict[int, list[Observation]]) -> None:
    """Nobody is usual where there is a tie, nothing but exceptions, or one answer to everything."""
    assert members(seen) == set()


def test_a_tie_names_both_sides() -> None:
    """Who has a specification to stand on needs no majority."""
    cluster = found({0: gave(1, 1, 2), 1: gave(1, 5, 2), 2: gave(8, 8, 9)})
    assert cluster is not None
    assert (cluster.members, cluster.is_tie) == ((0, 1), True)


def test_copies_count_once() -> None:
    """Ten copies of one mistake do not outvote, whatever their number."""
    seen = {index: gave(1, 2) for index in range(10)} | {10: gave(2, 3), 11: gave(2, 3)}
    cluster = found(seen, dict.fromkeys(range(10), "same") | {10: "b", 11: "b"})
    assert cluster is not None
    assert cluster.size == 1


def test_those_that_failed_a_test_count_but_are_not_elected() -> None:
    """They are right about much else; what they agree on is not therefore right."""
    seen = {0: gave(1, 2, 3), 1: gave(1, 2, 9), 2: gave(5, 6, 7), 3: gave(5, 6, 7)}
    cluster = found(seen, eligible=[0, 2])
    assert cluster is not None
    assert cluster.members in {(0,), (2,)}
    assert not set(cluster.members) & {1, 3}


def test_inputs_on_which_most_raise_are_left_out() -> None:
    """An argument of the wrong type says nothing about who is right."""
    seen = {0: [raised("TypeError"), *gave(1, 2)], 1: [raised("TypeError"), *gave(1, 2)], 2: gave(0, 5, 6)}
    cluster = found(seen)
    assert cluster is not None
    assert (cluster.members, cluster.inputs) == ((0, 1), (1, 2))


def test_a_slow_answer_is_no_other_answer() -> None:
    """A candidate that hits a limit on one input is compared by the others."""
    assert members({0: gave(1, 2, 3), 1: [*gave(1, 2), TIMED_OUT], 2: gave(1, 2, 3), 3: gave(4, 5, 6)}) == {0, 1, 2}


def test_the_first_difference_is_named() -> None:
    """Among the inputs that told anything."""
    left, right = (Trial(index=i, fingerprint="", observations=tuple(gave(*v))) for i, v in enumerate([(1, 2), (3, 4)]))
    assert first_difference(left, right, (1,)) == 1
    assert first_difference(left, left, (0, 1)) is None


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        (returned(1), returned(True), False),
        (returned(1), returned(1.0), False),
        (returned(10**6000), returned(10**6000), True),
        (returned(10**6000), returned(10**6000 + 1), False),
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
    one, other = (Trial(index=index, fingerprint="", observations=(seen,)) for index, seen in enumerate((left, right)))
    assert (first_difference(one, other, (0,)) is None) is is_same


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

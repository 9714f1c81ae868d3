"""Who agrees with whom in a group, and which tests prove nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from plum_lsp.verification.agreement import Matrix, Trial, answered, is_same
from plum_lsp.verification.screening import telling

TIMED_OUT = Observation(ending=Ending.TIMED_OUT)
OVER_LIMIT = Observation(ending=Ending.OVER_LIMIT)


def returned(value: Value, printed: str = "") -> Observation:
    return Observation(ending=Ending.RETURNED, value=value, printed=printed)


def raised(name: str) -> Observation:
    return Observation(ending=Ending.RAISED, raised=Raised(type_names=(name, "Exception"), message="x"))


def gave(*values: Value) -> list[Observation]:
    return [returned(value) for value in values]


def matrix_of(
    seen: Mapping[int, Sequence[Observation]],
    *,
    texts: Mapping[int, str] | None = None,
    failing: Sequence[int] = (),
) -> Matrix:
    """The matrix of candidates that are all written differently, unless `texts` says how."""
    written = {index: f"return {index}" for index in seen} | dict(texts or {})
    return Matrix.of(
        [Trial.of(index, written[index], found, stands=index not in failing) for index, found in seen.items()]
    )


def test_mates_answer_alike_on_every_input() -> None:
    """One other answer is enough to be no mate."""
    matrix = matrix_of({0: gave(1, 2), 1: gave(1, 3), 2: gave(1, 2), 3: gave(1, 2)})
    assert set(matrix.mates(0)) == {2, 3}
    assert not matrix.mates(1)


def test_likeness_is_the_share_of_equal_answers() -> None:
    """Each mistake shows on another input: slips are nearer to what is right than to one another."""
    matrix = matrix_of({0: gave(1, 2, 3, 4), 1: gave(9, 2, 3, 4), 2: gave(1, 9, 3, 4)})
    assert matrix.likeness(0, 1) == matrix.likeness(0, 2) == 0.75
    assert matrix.likeness(1, 2) == 0.5


def test_a_slow_answer_is_no_other_answer() -> None:
    """A candidate that hits a limit on one input is compared by the others."""
    matrix = matrix_of({0: gave(1, 2, 3), 1: [*gave(1, 2), TIMED_OUT], 2: [OVER_LIMIT, *gave(2, 4)]})
    assert set(matrix.mates(0)) == {1}
    assert matrix.likeness(0, 2) == 0.5


def test_who_came_to_few_ends_is_not_comparable() -> None:
    """One answer in four, equal by chance, makes nobody alike."""
    matrix = matrix_of({0: gave(1, 2, 3, 4), 1: [*gave(1), TIMED_OUT, TIMED_OUT, TIMED_OUT], 2: gave(1, 2, 3, 4)})
    assert matrix.likeness(0, 1) == 0
    assert set(matrix.mates(0)) == {2}


def test_inputs_on_which_most_raise_are_left_out() -> None:
    """An argument of the wrong type says nothing about who is right."""
    error = raised("TypeError")
    matrix = matrix_of({0: [error, *gave(1, 2)], 1: [error, *gave(1, 2)], 2: gave(0, 1, 2)})
    assert matrix.inputs == (1, 2)
    assert set(matrix.mates(2)) == {0, 1}


def test_those_that_stand_say_what_an_input_is() -> None:
    """Candidates that fail a test are compared, but do not choose by what; where nobody stands everybody does."""
    seen = {0: gave(1, 2), 1: [raised("TypeError"), *gave(2)], 2: [raised("TypeError"), *gave(2)]}
    assert matrix_of(seen, failing=[1, 2]).inputs == (0, 1)
    assert matrix_of(seen).inputs == (1,)
    assert matrix_of(seen, failing=[0, 1, 2]).inputs == (1,)
    assert matrix_of(seen, failing=[1, 2]).likeness(0, 1) == 0.5


def test_an_exception_is_an_answer_where_most_return() -> None:
    """Raising the same is agreeing."""
    matrix = matrix_of(
        {0: gave(1, 2), 1: gave(1, 2), 2: [raised("KeyError"), *gave(2)], 3: [raised("KeyError"), *gave(2)]}
    )
    assert set(matrix.mates(2)) == {3}
    assert matrix.likeness(0, 2) == 0.5


def test_where_nobody_returns_nobody_is_alike() -> None:
    """Nothing but exceptions is no agreement."""
    matrix = matrix_of({0: [raised("ValueError")], 1: [raised("ValueError")]})
    assert (matrix.inputs, matrix.likeness(0, 1)) == ((), 0.0)
    assert not matrix.mates(0)


def test_nobody_makes_an_empty_matrix() -> None:
    """A group of which nothing ran has no inputs and no voices."""
    matrix = Matrix.of([])
    assert (matrix.inputs, matrix.voices) == ((), ())


def test_copies_have_one_voice() -> None:
    """Ten copies that differ in their names only say one thing once; another text that does the same says it too."""
    texts = {index: f"name{index} = n + 1\nreturn name{index}" for index in range(10)} | {10: "return n + 1"}
    matrix = matrix_of(dict.fromkeys(range(11), gave(2, 3)), texts=texts)
    assert len(matrix.mates(0)) == 10
    assert len(matrix.voices) == 2
    assert matrix.voices_for(0) == matrix.voices_for(10) == 2


def test_near_copies_that_answer_alike_have_one_voice() -> None:
    """Dead code in ten copies makes no ten opinions; a slip, as similar, answers otherwise and is its own."""
    texts = {index: f"spare = {index}\nresult = n + 1\nreturn result" for index in range(10)}
    texts |= {10: "return sum([n, 1])", 11: "result = n - 1\nreturn result"}
    seen = dict.fromkeys(range(11), gave(2, 3)) | {11: gave(0, 1)}
    matrix = matrix_of(seen, texts=texts)
    assert len(matrix.voices) == 3
    assert {matrix.voice_of[index] for index in range(10)} == {matrix.voice_of[0]}


def test_copies_have_one_voice_about_inputs_too() -> None:
    """However many copies raise, an input on which the one other candidate returns is kept."""
    seen = {index: [raised("TypeError"), *gave(1)] for index in range(5)} | {5: gave(0, 1)}
    texts = {index: f"name{index} = n + 1\nreturn name{index}" for index in range(5)}
    assert matrix_of(seen, texts=texts).inputs == (0, 1)


def test_voices_can_be_counted_among_some() -> None:
    """The candidate itself counts always, its mates only if they are among those asked about."""
    matrix = matrix_of(dict.fromkeys(range(4), gave(1)) | {4: gave(2)})
    assert matrix.voices_for(0) == 4
    assert matrix.voices_for(0, among={2, 4}) == 2
    assert matrix.voices_for(0, among=()) == 1


def test_the_first_difference_is_named() -> None:
    """Among the inputs that told anything, by its place among all of them; an input without an answer is none."""
    error = raised("TypeError")
    matrix = matrix_of(
        {0: [error, *gave(1, 2, 3)], 1: [error, *gave(1, 4, 5)], 2: [error, *gave(1), TIMED_OUT, *gave(3)]}
    )
    assert matrix.first_difference(0, 1) == 2
    assert matrix.first_difference(1, 2) == 3
    assert matrix.first_difference(0, 2) is None
    assert matrix.first_difference(0, 0) is None


def test_texts_are_alike_whatever_their_names() -> None:
    """Copies are the same text, slips nearly so, and other programs less."""
    texts = {
        0: "x = n + 1\nreturn x * 2",
        1: "y = n + 1\nreturn y * 2",
        2: "x = n + 1\nreturn x * 3",
        3: "raise KeyError",
    }
    matrix = matrix_of(dict.fromkeys(range(4), gave(1)), texts=texts)
    assert matrix.similarity(0, 1) == 1.0
    assert 1.0 > matrix.similarity(0, 2) > matrix.similarity(0, 3)


def test_inputs_that_most_answer_are_named() -> None:
    """Half of the candidates is enough, and nobody answers nothing."""
    assert answered([[raised("A"), *gave(1)], [*gave(1), raised("B")], [raised("A"), *gave(1)]]) == [1]
    assert answered([[raised("A"), *gave(1)], gave(1, 2)]) == [0, 1]
    assert answered([]) == []


ENDINGS = st.one_of(
    st.integers(0, 2).map(returned), st.sampled_from([TIMED_OUT, OVER_LIMIT, raised("KeyError"), raised("ValueError")])
)
GROUPS = st.integers(1, 6).flatmap(
    lambda inputs: st.lists(st.lists(ENDINGS, min_size=inputs, max_size=inputs), min_size=2, max_size=6)
)


@settings(deadline=None)
@given(GROUPS)
def test_likeness_is_mutual(seen: list[list[Observation]]) -> None:
    """A share, the same from both sides; mates are each other's."""
    matrix = matrix_of(dict(enumerate(seen)))
    for left in matrix.trials:
        for right in matrix.trials:
            assert 0 <= matrix.likeness(left, right) == matrix.likeness(right, left) <= 1
            assert left == right or (right in matrix.mates(left)) == (left in matrix.mates(right))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (returned(1), returned(True), False),
        (returned(1), returned(1.0), False),
        (returned(0), returned(None), False),
        (returned("1"), returned(b"1"), False),
        (returned(10**6000), returned(10**6000), True),
        (returned(10**6000), returned(10**6000 + 1), False),
        (returned(0.1 + 0.2), returned(0.3), True),
        (returned(0.3), returned(0.3001), False),
        (returned(float("nan")), returned(float("nan")), True),
        (returned(float("nan")), returned(0.0), False),
        (returned(None, "a\n"), returned(None, "a"), True),
        (returned(None, "a"), returned(None, "b"), False),
        (raised("ValueError"), raised("ValueError"), True),
        (raised("ValueError"), raised("TypeError"), False),
        (raised("ValueError"), returned(None), False),
        (TIMED_OUT, returned(1), True),
        (OVER_LIMIT, raised("ValueError"), True),
        (raised("RecursionError"), returned(1), True),
        (
            returned(Node(kind="set", type_name="set", items=(1, 2))),
            returned(Node(kind="set", type_name="set", items=(2, 1))),
            True,
        ),
        (
            returned(Node(kind="set", type_name="set", items=(1, 2))),
            returned(Node(kind="frozenset", type_name="frozenset", items=(1, 2))),
            False,
        ),
        (
            returned(Node(kind="dict", type_name="dict", items=(1, 2, 3, 4))),
            returned(Node(kind="dict", type_name="dict", items=(3, 4, 1, 2))),
            True,
        ),
        (
            returned(Node(kind="dict", type_name="dict", items=(1, 2))),
            returned(Node(kind="dict", type_name="dict", items=(2, 1))),
            False,
        ),
        (
            returned(Node(kind="list", type_name="list", items=(1, 2))),
            returned(Node(kind="list", type_name="list", items=(2, 1))),
            False,
        ),
        (
            returned(Node(kind="list", type_name="list", items=(1, 2))),
            returned(Node(kind="tuple", type_name="tuple", items=(1, 2))),
            False,
        ),
        (
            returned(Node(kind="list", type_name="list", items=(True,))),
            returned(Node(kind="list", type_name="list", items=(1,))),
            False,
        ),
        (
            returned(Node(kind="object", type_name="A", items=(), text="<A at 0x1f>")),
            returned(Node(kind="object", type_name="A", items=(), text="<A at 0x2e>")),
            True,
        ),
        (
            returned(Node(kind="object", type_name="A", items=(), text="<A>")),
            returned(Node(kind="object", type_name="B", items=(), text="<A>")),
            False,
        ),
    ],
)
def test_what_equal_behaviour_is(left: Observation, right: Observation, expected: bool) -> None:
    """Types, output and exceptions count; order in sets and dicts, addresses, last digits and limits do not."""
    assert is_same(left, right) is is_same(right, left) is expected
    assert is_same(left, left) is is_same(right, right) is True


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

"""What a group says of each of its candidates, as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.domain.verification import Ending, Node, Observation, Raised, Value
from plum_lsp.verification.agreement import Matrix, Trial
from plum_lsp.verification.signals import NAMES, Signals, signals_of

TIMED_OUT = Observation(ending=Ending.TIMED_OUT)
FAILED = Observation(ending=Ending.RAISED, raised=Raised(type_names=("KeyError",), message=""))
RIGHT = (1, 2, 3, 4, 5, 6)


def gave(*values: Value) -> list[Observation]:
    return [Observation(ending=Ending.RETURNED, value=value) for value in values]


def slip(place: int, answer: Value = 99) -> list[Observation]:
    """What the right candidate gives, but for one input."""
    return gave(*RIGHT[:place], answer, *RIGHT[place + 1 :])


def signals(
    seen: Mapping[int, Sequence[Observation]],
    *,
    texts: Mapping[int, str] | None = None,
    tests: int = 0,
    failed: Mapping[int, int] | None = None,
    violations: Mapping[int, float] | None = None,
) -> dict[int, Signals]:
    """The signals of candidates that are all written differently, unless `texts` says how."""
    written = {index: f"return {index}" for index in seen} | dict(texts or {})
    lost = failed or {}
    trials = [Trial.of(index, written[index], found, stands=not lost.get(index)) for index, found in seen.items()]
    return signals_of(Matrix.of(trials), tests=tests, failed=lost, violations=violations or {})


def test_the_hub_of_slips_leads_among_strangers() -> None:
    """Slips each resemble the right program more than one another, so where nobody agrees it is still told apart."""
    found = signals({0: gave(*RIGHT), 1: slip(1), 2: slip(2), 3: slip(3)})
    assert found[0].agreeing == 0
    assert found[0].stranger_likeness == pytest.approx(5 / 6)
    assert found[0].stranger_lead > 0 > max(found[index].stranger_lead for index in (1, 2, 3))
    assert found[0].likeness_lead > 0 > max(found[index].likeness_lead for index in (1, 2, 3))


def test_who_alone_answers_so_is_lonely() -> None:
    """Counted over the inputs that anybody contests, and compared with the least lonely stranger."""
    found = signals({0: gave(*RIGHT), 1: gave(*RIGHT), 2: slip(2)})
    assert found[0].contested == 1
    assert (found[0].lonely, found[2].lonely) == (0.0, 1.0)
    assert (found[0].lonely_lead, found[2].lonely_lead) == (1.0, -1.0)


def test_who_stands_against_more_voices_is_outvoted() -> None:
    """One voice more on the other side is a tie with one's own; two are a vote."""
    found = signals(dict.fromkeys(range(3), gave(*RIGHT)) | {3: slip(0)})
    assert (found[0].outvoted, found[0].plural) == (0.0, 1.0)
    assert (found[3].outvoted, found[3].plural) == (1.0, 0.0)
    pair = signals({0: gave(*RIGHT), 1: slip(0)})
    assert pair[0].outvoted == pair[1].outvoted == 0.0


def test_copies_of_a_mistake_are_one_voice() -> None:
    """Ten copies under other names agree with nobody, and outvote nobody."""
    copies = range(10)
    texts = {index: f"name{index} = n - 1\nreturn name{index}" for index in copies}
    found = signals(dict.fromkeys(copies, slip(0)) | {10: gave(*RIGHT), 11: gave(*RIGHT)}, texts=texts)
    assert {found[index].agreeing for index in copies} == {0}
    assert (found[10].agreeing, found[10].rivals) == (1, 0)
    assert (found[10].voices, found[10].outvoted) == (3, 0.0)
    assert found[0].rivals == 1


def test_copies_change_nothing_for_anybody() -> None:
    """A second copy of a candidate leaves every number of the others as it was."""
    seen = {0: gave(*RIGHT), 1: slip(1), 2: gave(*RIGHT)}
    before = signals(seen, texts={0: "a = n\nreturn a"})
    after = signals(seen | {3: seen[0]}, texts={0: "a = n\nreturn a", 3: "b = n\nreturn b"})
    assert {index: after[index] for index in seen} == before
    assert after[3] == after[0]


def test_without_others_nothing_is_usual() -> None:
    """A candidate alone agrees with nobody and has no strangers."""
    alone = signals({0: gave(*RIGHT)})[0]
    assert (alone.voices, alone.agreeing, alone.rivals, alone.contested) == (1, 0, -1, 0)
    assert (alone.standing_likeness, alone.nearness) == (0.5, 0.5)


def test_nearly_alike_is_one_input_in_twenty() -> None:
    """One odd answer of twenty is nearly the same behaviour; one of six is another."""
    many = list(range(20))
    assert signals({0: gave(*many), 1: gave(*many[:-1], 99)})[0].nearly == 1
    assert signals({0: gave(*RIGHT), 1: slip(0)})[0].nearly == 0


def test_failed_tests_are_a_share() -> None:
    """Of the tests there are; who fails one is no peer of those that stand."""
    found = signals({0: gave(*RIGHT), 1: gave(*RIGHT), 2: slip(0)}, tests=4, failed={2: 1})
    assert (found[0].failed, found[2].failed, found[2].tests) == (0.0, 0.25, 4)
    assert (found[0].standing, found[0].standing_agreeing, found[0].standing_strangers) == (2, 1, 0)
    assert (found[2].standing_agreeing, found[2].standing_strangers) == (0, 2)


def test_what_a_candidate_does_by_itself_is_told() -> None:
    """Raising, giving None, running out of time, one answer to everything."""
    others = {2: gave(*RIGHT), 3: gave(*RIGHT)}
    found = signals({0: [FAILED, TIMED_OUT, *gave(None, None, 5, 6)], 1: gave(*[7] * 6)} | others)
    assert (found[0].raises, found[0].unanswered, found[0].gives_none) == pytest.approx((1 / 6, 1 / 6, 2 / 6))
    assert (found[1].is_constant, found[2].is_constant) == (True, False)
    assert found[1].variety < found[2].variety == 1.0


def test_a_method_that_gives_none_is_seen_through_its_attributes() -> None:
    """The answer of a method is its result, not the object's attributes beside it."""
    node = Node(kind="list", type_name="list", items=(None, Node(kind="dict", type_name="dict", items=("a", 1))))
    assert signals({0: gave(node), 1: gave(1)})[0].gives_none == 1.0


def test_broken_contracts_are_passed_on() -> None:
    """Who was not looked at breaks none."""
    found = signals({0: gave(1), 1: gave(2)}, violations={1: 0.5})
    assert (found[0].violations, found[1].violations) == (0.0, 0.5)


def test_slips_are_near_as_texts_too() -> None:
    """What others were changed out of is nearer to them than they are to one another."""
    texts = {
        0: "total = a + b\nreturn total * 2",
        1: "total = a - b\nreturn total * 2",
        2: "total = a + b\nreturn total * 3",
        3: "total = a + b\nreturn total / 2",
    }
    found = signals({0: gave(*RIGHT), 1: slip(1), 2: slip(2), 3: slip(3)}, texts=texts)
    assert found[0].nearness_lead > 0 > max(found[index].nearness_lead for index in (1, 2, 3))


OBSERVATIONS = st.one_of(
    st.sampled_from([TIMED_OUT, FAILED]),
    st.sampled_from([0, 1, 2, None, True, float("nan"), float("inf")]).map(lambda value: gave(value)[0]),
)
GROUPS = st.integers(0, 6).flatmap(
    lambda inputs: st.lists(st.lists(OBSERVATIONS, min_size=inputs, max_size=inputs), min_size=1, max_size=5)
)
"""What each form of a group does."""


@st.composite
def shuffled_trials(draw: st.DrawFn) -> tuple[list[Trial], list[Trial]]:
    """The trials of a group, with copies, in two orders."""
    forms = draw(GROUPS)
    stands = draw(st.lists(st.booleans(), min_size=len(forms), max_size=len(forms)))
    written = draw(st.lists(st.sampled_from(range(len(forms))), min_size=1, max_size=8))
    trials = [
        Trial(index=index, form=f"return {form}", observations=tuple(forms[form]), stands=stands[form])
        for index, form in enumerate(written)
    ]
    return trials, draw(st.permutations(trials))


@settings(deadline=None)
@given(shuffled_trials())
def test_the_order_of_candidates_is_nothing_to_anybody(orders: tuple[list[Trial], list[Trial]]) -> None:
    """The same candidates in another order have the same signals, but for the last digits of sums."""
    one, other = (signals_of(Matrix.of(trials), tests=2, failed={0: 1}, violations={}) for trials in orders)
    assert one.keys() == other.keys()
    for index, found in one.items():
        assert found.vector() == pytest.approx(other[index].vector(), abs=1e-9)


@settings(deadline=None)
@given(shuffled_trials())
def test_all_signals_are_finite(orders: tuple[list[Trial], list[Trial]]) -> None:
    """Groups that answer nothing, or NaN, still have numbers that can be weighed, one for each name."""
    for found in signals_of(Matrix.of(orders[0]), tests=0, failed={}, violations={}).values():
        assert len(found.vector()) == len(NAMES)
        assert all(math.isfinite(number) for number in found.vector())

"""Which tier a candidate has, once its group was run on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contexts import context_at
from support.group import judged

from plum_lsp.domain.errors import SandboxUnavailable
from plum_lsp.domain.suggestion import Judged, Tier, Weakness
from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Limits,
    Observation,
    Origin,
    Program,
    TestCase,
    TestId,
    Value,
)
from plum_lsp.sandbox.opening import NoSandbox
from plum_lsp.verification.compare import Comparison
from plum_lsp.verification.judge import Judge, index_of
from plum_lsp.verification.rank import score
from plum_lsp.verification.settle import PROBABILITY_OF_NOTHING, settled

CALLS = tuple(Call(expression=f"f({number})") for number in range(10, 22))
RIGHT = tuple(number * number for number in range(10, 22))
"""What candidates give that square their argument."""
TEXTS = ("return n * n", "return n ** 2", "return pow(n, 2)", "return sum([n] * n)", "m = n\nreturn m * n")
"""Candidates that differ in more than names."""
TIMED_OUT = Observation(ending=Ending.TIMED_OUT)


def gave(values: Sequence[Value]) -> tuple[Observation, ...]:
    return tuple(Observation(ending=Ending.RETURNED, value=value) for value in values)


def passing(text: str, index: int, *, tests: int = 2) -> Judged:
    return judged(text, tier=Tier.VERIFIED, passes=tests, index=index)


def failing(text: str, index: int, *, passes: int = 1, fails: int = 1) -> Judged:
    """Fails its last tests."""
    return judged(text, tier=Tier.UNVERIFIED, passes=passes, fails=fails, index=index)


def unspecified(text: str, index: int) -> Judged:
    return judged(text, tier=Tier.CHECKED, index=index)


def judge_of(tests: int = 2, *, calls: Sequence[Call] = CALLS, compares: bool = True) -> Judge:
    """The judge of `f`, for which `tests` examples are written: `f(0)`, `f(1)` and so on."""
    return Judge(
        sandbox=NoSandbox(SandboxUnavailable("nothing runs here")),
        context=context_at("def f(n):\n    ‸\n"),
        reference=Program(source=""),
        tests=tuple(
            TestCase(
                id=TestId(f"test-{number}"),
                call=Call(expression=f"f({number})"),
                expectation=Equals(expected="0"),
                origin=Origin.DOCTEST,
                quote=f">>> f({number})",
            )
            for number in range(tests)
        ),
        calls=tuple(calls),
        contracts=(),
        limits=Limits(),
        compares=compares,
    )


def settle(
    group: Sequence[Judged], seen: Mapping[int, Sequence[Value]], *, judge: Judge | None = None
) -> dict[int, Judged]:
    """The settled group by index; `seen` says what who was compared gave."""
    comparison = Comparison(calls=CALLS, observed={index: gave(values) for index, values in seen.items()})
    tests = max((len(one.verdicts) for one in group), default=0)
    found = settled(group, judge or judge_of(tests), comparison)
    assert [index_of(one) for one in found] == [index_of(one) for one in group]
    return {index_of(one): one for one in found}


def tiers(found: Mapping[int, Judged]) -> list[Tier]:
    return [one.tier for one in found.values()]


def test_who_knows_the_examples_only_is_found_out() -> None:
    """A candidate that passes them and does something else than everybody elsewhere is only checked, and told why."""
    group = [*(passing(text, index) for index, text in enumerate(TEXTS)), passing("return {0: 0, 1: 1}.get(n)", 9)]
    found = settle(group, dict.fromkeys(range(5), RIGHT) | {9: [None] * 12})
    assert tiers(found) == [Tier.VERIFIED] * 5 + [Tier.CHECKED]
    assert "f(10) gives None where others give 100" in found[9].reason
    assert (found[9].probability or 0.0) < (found[0].probability or 0.0)


def test_those_who_pass_and_agree_stay_verified() -> None:
    """Other inputs take nothing from candidates that nobody contradicts."""
    found = settle([passing(text, index) for index, text in enumerate(TEXTS[:3])], dict.fromkeys(range(3), RIGHT))
    assert tiers(found) == [Tier.VERIFIED] * 3
    assert {one.reason for one in found.values()} == {"passes 2 of 2"}


def test_a_candidate_alone_stays_verified() -> None:
    """Where there is nobody to compare it with, its tests count."""
    assert settle([passing(TEXTS[0], 0)], {0: RIGHT})[0].tier is Tier.VERIFIED


def test_without_examples_those_who_agree_are_consistent() -> None:
    """Different candidates that do the same may be offered, and the others stay as they are."""
    group = [unspecified(text, index) for index, text in enumerate((*TEXTS[:4], "return n"))]
    found = settle(group, dict.fromkeys(range(4), RIGHT) | {4: range(10, 22)})
    assert tiers(found) == [Tier.CONSISTENT] * 4 + [Tier.CHECKED]
    assert found[0].reason == "4 different candidates agree on 12 generated inputs"


def test_two_that_contradict_each_other_are_not_consistent() -> None:
    """One word stands against one, so neither does what most others do."""
    group = [unspecified("return n * n", 0), unspecified("return n + n", 1)]
    found = settle(group, {0: RIGHT, 1: range(20, 44, 2)})
    assert tiers(found) == [Tier.CHECKED] * 2
    assert all(one.is_contradicted for one in found.values())
    assert "f(10) gives 100 where others give 20" in found[0].reason


def test_a_weak_candidate_contradicts_none() -> None:
    """A body that reads no parameter is not another opinion."""
    weak = unspecified("return n + n", 1)
    weak = replace(weak, candidate=replace(weak.candidate, weakness=Weakness(reason="weak", tier=Tier.CHECKED)))
    found = settle([unspecified("return n * n", 0), weak], {0: RIGHT, 1: range(20, 44, 2)})
    assert (found[0].is_contradicted, found[1].is_contradicted) == (False, True)


def test_three_that_differ_contradict_none() -> None:
    """The rule is for one word against one. Among more, the estimate decides."""
    group = [unspecified(text, index) for index, text in enumerate(("return n * n", "return n + n", "return 7"))]
    found = settle(group, {0: RIGHT, 1: range(20, 44, 2), 2: [7] * 12})
    assert not any(one.is_contradicted for one in found.values())


def test_copies_do_not_outvote() -> None:
    """Ten copies under other names weigh no more than one."""
    copies = [unspecified(f"name{index} = n\nreturn name{index}", index) for index in range(10)]
    others = [unspecified(text, 10 + index) for index, text in enumerate(TEXTS[:4])]
    found = settle([*copies, *others], dict.fromkeys(range(10), range(10, 22)) | dict.fromkeys(range(10, 14), RIGHT))
    assert {found[index].tier for index in range(10)} == {Tier.CHECKED}
    assert {found[index].tier for index in range(10, 14)} == {Tier.CONSISTENT}


def test_without_inputs_nobody_rises_or_falls() -> None:
    """Where no input tells anything, what is known stays what is known."""
    group = [unspecified(TEXTS[0], 0), unspecified(TEXTS[1], 1)]
    assert tiers(settle(group, {})) == [Tier.CHECKED] * 2
    never = Comparison(calls=CALLS, observed=dict.fromkeys((0, 1), (TIMED_OUT,) * len(CALLS)))
    assert [one.tier for one in settled(group, judge_of(0), never)] == [Tier.CHECKED] * 2
    passed = [passing(TEXTS[0], 0), passing(TEXTS[1], 1)]
    assert [one.tier for one in settled(passed, judge_of(), never)] == [Tier.VERIFIED] * 2


def test_an_example_that_three_contradict_is_doubted() -> None:
    """Three different candidates agree on all but it: they are offered, and told with the example's own words."""
    group = [*(failing(text, index) for index, text in enumerate(TEXTS[:3])), passing("return {0: 0}.get(n, 7)", 9)]
    found = settle(group, dict.fromkeys(range(3), RIGHT) | {9: [7] * 12})
    assert tiers(found) == [Tier.CONSISTENT] * 3 + [Tier.CHECKED]
    claim = "the example '>>> f(1)' may be wrong: 3 different candidates agree on everything else"
    assert found[0].reason == f"{claim} and give 42"
    assert found[9].reason == f"passes 2 of 2, but {claim}"


def test_a_test_that_is_run_whole_is_not_doubted() -> None:
    """It is no example: three that fail it alone are refuted by it."""
    group = [failing(text, index) for index, text in enumerate(TEXTS[:3])]
    found = settle(group, dict.fromkeys(range(3), RIGHT), judge=judge_of(1))
    assert tiers(found) == [Tier.UNVERIFIED] * 3


def test_verdicts_on_different_tests_contradict_no_example() -> None:
    """A candidate may lack a verdict, so that its others stand at other places."""
    group = [failing(text, index) for index, text in enumerate(TEXTS[:3])]
    other = replace(group[2].verdicts[1], test_id=TestId("test-2"))
    group[2] = replace(group[2], verdicts=(group[2].verdicts[0], other))
    found = settle(group, dict.fromkeys(range(3), RIGHT), judge=judge_of(3))
    assert tiers(found) == [Tier.UNVERIFIED] * 3


def test_two_do_not_contradict_an_example() -> None:
    """A person's word is worth more than that."""
    group = [failing(text, index) for index, text in enumerate(TEXTS[:2])]
    found = settle(group, dict.fromkeys(range(2), RIGHT))
    assert tiers(found) == [Tier.UNVERIFIED] * 2
    assert not any("may be wrong" in one.reason for one in found.values())


def test_copies_do_not_contradict_an_example() -> None:
    """However many they are under other names, they are one voice."""
    group = [failing(f"name{index} = n * n\nreturn name{index}", index) for index in range(8)]
    assert set(tiers(settle(group, dict.fromkeys(range(8), RIGHT)))) == {Tier.UNVERIFIED}


def test_near_copies_do_not_contradict_an_example() -> None:
    """Dead code, comments and another order make no second opinion, whoever stands against them."""
    texts = [
        "s = n\nreturn s * n",
        "s = n\nunused = 1\nreturn s * n",
        "s = n  # its value\nreturn s * n",
        "first = 2\nsecond = first\ns = n\nreturn s * n",
        "if False:\n    return n\ns = n\npass\nreturn s * n",
        "s = n\nreturn n * s",
    ]
    group = [*(failing(text, index) for index, text in enumerate(texts)), passing("return n + 40", 9)]
    found = settle(group, dict.fromkeys(range(6), RIGHT) | {9: [n + 40 for n in range(10, 22)]})
    assert tiers(found)[:6] == [Tier.UNVERIFIED] * 6
    assert not any("may be wrong" in one.reason for one in found.values())


def test_who_recites_the_examples_has_no_say() -> None:
    """However many agree, and whatever else they do; the one that computes is not outvoted."""
    recited = ["return {0: 42}[n] if n in (0,) else 7", "if n == 0: return 42\nreturn 7", "return {0: 42}.get(n, 7)"]
    group = [*(passing(text, index) for index, text in enumerate(recited)), passing("return n * n", 9)]
    seen = dict.fromkeys(range(3), [7] * 12) | {9: RIGHT}
    judge = judge_of()
    tests = tuple(replace(test, expectation=Equals(expected="42")) for test in judge.tests)
    found = settle(group, seen, judge=replace(judge, tests=tests))
    assert tiers(found) == [Tier.CHECKED] * 3 + [Tier.VERIFIED]
    assert found[0].reason == "passes 2 of 2 by naming their results, but f(10) gives 7 where others give 100"


@pytest.mark.parametrize("rivals", [2, 3])
def test_an_example_that_several_uphold_is_not_doubted(rivals: int) -> None:
    """Candidates that pass it and agree elsewhere stand against those that fail it."""
    group = [*(failing(text, index) for index, text in enumerate(TEXTS[:4]))]
    group += [passing(f"return n * n + {place} - {place}", 10 + place) for place in range(rivals)]
    found = settle(group, dict.fromkeys(range(4), RIGHT) | dict.fromkeys(range(10, 10 + rivals), RIGHT))
    assert tiers(found) == [Tier.UNVERIFIED] * 4 + [Tier.VERIFIED] * rivals


def test_who_fails_another_example_too_contradicts_none() -> None:
    """They are wrong, not the examples."""
    group = [failing(text, index, passes=1, fails=2) for index, text in enumerate(TEXTS[:4])]
    assert set(tiers(settle(group, dict.fromkeys(range(4), RIGHT)))) == {Tier.UNVERIFIED}


def test_who_fails_another_example_too_is_no_third_voice() -> None:
    """Two that fail only the one are two, whoever else does the same on other inputs."""
    group = [failing(text, index, passes=2) for index, text in enumerate(TEXTS[:2])]
    group.append(failing(TEXTS[2], 2, passes=1, fails=2))
    assert set(tiers(settle(group, dict.fromkeys(range(3), RIGHT)))) == {Tier.UNVERIFIED}


def test_who_gives_an_example_different_answers_contradicts_it_not() -> None:
    """Three that agree that it is wrong, and not on what is right, are no case against it."""
    group = [failing(text, index) for index, text in enumerate(TEXTS[:3])]
    varied = [
        replace(one, verdicts=(one.verdicts[0], replace(one.verdicts[1], shown=str(place))))
        for place, one in enumerate(group)
    ]
    assert set(tiers(settle(varied, dict.fromkeys(range(3), RIGHT)))) == {Tier.UNVERIFIED}


def test_who_does_not_agree_elsewhere_contradicts_no_example() -> None:
    """Three that fail it each in another way are three mistakes."""
    group = [failing(text, index) for index, text in enumerate(TEXTS[:3])]
    seen = {index: [value + index for value in RIGHT] for index in range(3)}
    assert set(tiers(settle(group, seen))) == {Tier.UNVERIFIED}


def test_the_best_supported_doubt_is_the_one() -> None:
    """Where two examples might be doubted, it is the one that more different candidates contradict."""
    texts = [*TEXTS, "return n * n + 0", "return abs(n) ** 2"]
    group = [failing(text, index, passes=2) for index, text in enumerate(texts)]
    for place in range(3):
        first, second, third = group[place].verdicts
        group[place] = replace(
            group[place],
            verdicts=tuple(
                replace(verdict, test_id=test.test_id)
                for verdict, test in zip((first, third, second), (first, second, third), strict=True)
            ),
        )
    found = settle(group, dict.fromkeys(range(7), RIGHT))
    assert [index for index, one in found.items() if one.tier is Tier.CONSISTENT] == [3, 4, 5, 6]
    assert all(">>> f(2)" in found[index].reason for index in range(3, 7))


def test_who_was_never_compared_keeps_its_tier() -> None:
    """Nothing to compare by, or nobody who asked for it, is no reason to fall; neither does it make anybody rise."""
    group = [passing(TEXTS[0], 0), failing(TEXTS[1], 1), unspecified(TEXTS[2], 2)]
    for judge in (judge_of(calls=()), judge_of(compares=False)):
        assert tiers(settle(group, {}, judge=judge)) == [Tier.VERIFIED, Tier.UNVERIFIED, Tier.CHECKED]


def test_who_could_not_be_compared_is_only_checked() -> None:
    """It passes its tests, and slips on inputs that others take."""
    group = [passing(text, index) for index, text in enumerate(TEXTS[:3])]
    found = settle(group, dict.fromkeys(range(2), RIGHT))
    assert tiers(found) == [Tier.VERIFIED, Tier.VERIFIED, Tier.CHECKED]
    assert "not every generated input ran as it should" in found[2].reason


def test_who_was_compared_has_a_probability_and_scores_by_it() -> None:
    """Who cannot be run has next to none."""
    group = [passing(TEXTS[0], 0), failing(TEXTS[1], 1), judged("(", tier=Tier.UNVERIFIED, index=2, problem="broken")]
    found = settle(group, {0: RIGHT, 1: RIGHT})
    assert found[2].probability == PROBABILITY_OF_NOTHING
    for one in (found[0], found[1]):
        assert one.probability is not None and 0 < one.probability < 1
        assert one.score == score(one.candidate, one.verdicts, one.probability)
    assert (found[0].probability or 0) > (found[1].probability or 1)


@pytest.mark.parametrize("tier", [Tier.VERIFIED, Tier.CHECKED])
def test_every_candidate_has_a_probability(tier: Tier) -> None:
    """Those that were not compared too, and they are no likelier than those that were and agree."""
    passes = 2 if tier is Tier.VERIFIED else 0
    group = [judged(text, tier=tier, passes=passes, index=index) for index, text in enumerate(TEXTS[:3])]
    found = settle(group, dict.fromkeys(range(2), RIGHT))
    assert found[2].probability is not None
    assert found[2].probability <= (found[0].probability or 0.0)


def test_nobody_is_settled_to_nothing() -> None:
    """An empty group stays empty."""
    assert settle([], {}) == {}


GROUP = [
    *(failing(text, index) for index, text in enumerate(TEXTS[:3])),
    *(passing(text, index) for index, text in enumerate(TEXTS[3:], start=3)),
    failing("name = n\nreturn name", 6),
    failing("other = n\nreturn other", 7),
    judged("(", tier=Tier.UNVERIFIED, index=8, problem="broken"),
]


@settings(max_examples=25, deadline=None)
@given(st.permutations(GROUP), st.sets(st.integers(0, 6)))
def test_the_order_of_a_group_is_nothing_to_its_tiers(group: list[Judged], odd: set[int]) -> None:
    """Whoever came first, and whoever behaves oddly, each candidate has the tier that it has in any order."""
    seen = {index: range(12) if index in odd else RIGHT for index in range(7)}
    seen[7] = seen[6]  # a copy does what its original does
    found, other = settle(group, seen), settle(GROUP, seen)
    for index, one in other.items():
        assert found[index].tier is one.tier
        assert found[index].probability == pytest.approx(one.probability)

"""What tests that are run whole say of a candidate, beside those that are split."""

from __future__ import annotations

from dataclasses import replace

from support.group import judged

from plum_lsp.domain.suggestion import Judged, Tier
from plum_lsp.domain.verification import Call, Equals, Origin, Passes, TestCase, TestId, Verdict, VerdictStatus
from plum_lsp.verification import whole

PASSED, FAILED, ERRORED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.ERRORED


def together(name: str) -> TestCase:
    """A test that is run whole."""
    test = f"tests/test_a.py::{name}"
    return TestCase(
        id=TestId(f"whole-{name}"),
        call=Call(expression=""),
        expectation=Passes(test=test),
        origin=Origin.PROJECT,
        quote=test,
    )


def split(name: str, number: int = 0, origin: Origin = Origin.PROJECT) -> TestCase:
    """An assertion of a test, split."""
    return TestCase(
        id=TestId(f"split-{name}-{number}"),
        call=Call(expression="f(1)"),
        expectation=Equals(expected="1"),
        origin=origin,
        quote=f"tests/test_a.py::{name}: assert f(1) == 1",
    )


def says(test: TestCase, status: VerdictStatus) -> Verdict:
    """The verdict on a test."""
    return Verdict(test_id=test.id, status=status, shown="", wall_ms=1.0)


def counted(*said: tuple[TestCase, VerdictStatus]) -> list[VerdictStatus]:
    """The statuses that count."""
    tests = [test for test, _ in said]
    return [verdict.status for verdict in whole.reconciled(tests, [says(test, status) for test, status in said])]


def test_an_assertion_that_fails_alone_was_not_split_as_meant() -> None:
    """Its test passes as a whole."""
    assert counted((split("test_f"), FAILED), (together("test_f"), PASSED)) == [PASSED]


def test_a_failure_of_the_whole_counts() -> None:
    """Whatever its assertions say by themselves."""
    assert counted((split("test_f"), PASSED), (together("test_f"), FAILED)) == [PASSED, FAILED]
    assert counted((split("test_f"), FAILED), (together("test_f"), FAILED)) == [FAILED, FAILED]


def test_what_the_jail_blocks_says_nothing_beside_its_assertions() -> None:
    """A test that cannot run as a whole is judged by its parts."""
    assert counted((split("test_f"), PASSED), (together("test_f"), ERRORED)) == [PASSED]
    assert counted((split("test_g"), PASSED), (together("test_f"), ERRORED)) == [PASSED, ERRORED]


def test_examples_are_never_overruled() -> None:
    """A docstring's example has no test around it."""
    example = split("test_f", origin=Origin.DOCTEST)
    assert counted((example, FAILED), (together("test_f"), PASSED)) == [FAILED, PASSED]


def test_assertions_of_tests_that_do_not_reach_the_function_are_dropped() -> None:
    """Where tests were run whole; examples stay."""
    kept = whole.confirmed(
        [split("test_f"), split("test_g"), split("test_h", origin=Origin.EXAMPLE)], [together("test_f")]
    )
    assert kept == (split("test_f"), split("test_h", origin=Origin.EXAMPLE))
    assert whole.confirmed([split("test_g")], []) == (split("test_g"),)


def member(*said: tuple[TestCase, VerdictStatus], index: int = 0) -> Judged:
    """A candidate with these verdicts."""
    verdicts = tuple(says(test, status) for test, status in said)
    tier = Tier.VERIFIED if all(verdict.is_pass for verdict in verdicts) else Tier.UNVERIFIED
    return replace(judged("x", tier=tier, index=index), verdicts=verdicts)


def test_a_test_that_nobody_passes_and_that_errs_elsewhere_is_unjudgeable() -> None:
    """It refutes nobody; with other tests passed a candidate is verified, without it is not."""
    tests = [together("test_f"), together("test_g")]
    group = [member((tests[0], PASSED), (tests[1], ERRORED)), member((tests[1], ERRORED), index=1)]
    first, second = whole.without_unjudgeable(group, tests)
    assert (first.tier, len(first.verdicts), first.is_refuted) == (Tier.VERIFIED, 1, False)
    assert (second.tier, len(second.verdicts), second.is_refuted) == (Tier.CHECKED, 0, False)


def test_a_test_that_somebody_passes_counts_for_all() -> None:
    """Whoever errs in it is refuted."""
    tests = [together("test_f")]
    group = [member((tests[0], PASSED)), member((tests[0], ERRORED), index=1)]
    assert whole.without_unjudgeable(group, tests) == group


def test_a_failed_assertion_counts_though_nobody_passes() -> None:
    """Who fails it is wrong; who errs elsewhere, or runs out of time, is not judged by it."""
    tests = [together("test_f")]
    group = [member((tests[0], FAILED)), member((tests[0], ERRORED), index=1)]
    first, second = whole.without_unjudgeable(group, tests)
    assert first.is_refuted
    assert (second.tier, second.is_refuted) == (Tier.CHECKED, False)


def test_a_test_that_says_nothing_refutes_no_candidate() -> None:
    """Its verdict is left out, although its own assertion failed."""
    tests = [together("test_f"), together("test_g")]
    group = [member((tests[0], PASSED), (tests[1], FAILED))]
    (only,) = whole.without_unjudgeable(group, tests, frozenset({tests[1].id}))
    assert (only.tier, len(only.verdicts)) == (Tier.VERIFIED, 1)


def test_a_test_that_another_body_passes_counts() -> None:
    """It refutes a candidate that errs elsewhere in it, although no candidate passes."""
    tests = [together("test_f"), together("test_g")]
    group = [member((tests[0], PASSED), (tests[1], ERRORED))]
    assert whole.without_unjudgeable(group, tests, fit=frozenset({tests[1].id})) == group


def test_few_passes_do_not_outweigh_many_exceptions_in_the_file() -> None:
    """A wrong result can make the file's other functions raise. A candidate is then not verified, nor refuted."""
    tests = [together(f"test_{name}") for name in "fghij"]

    def beside(*places: int) -> Judged:
        one = member(*((test, ERRORED if place in places else PASSED) for place, test in enumerate(tests)))
        verdicts = tuple(replace(verdict, is_beside=not verdict.is_pass) for verdict in one.verdicts)
        (found,) = whole.without_unjudgeable([replace(one, verdicts=verdicts)], tests)
        return found

    assert (beside(4).tier, beside(4).is_refuted) == (Tier.VERIFIED, False)
    assert (beside(3, 4).tier, beside(3, 4).is_refuted) == (Tier.CHECKED, False)


def test_the_reason_says_what_ran_together() -> None:
    """Evidence that was computed beside the candidate is told apart."""
    tests = [split("test_f"), together("test_f")]
    words = whole.passed_in_words(tests, [says(test, PASSED) for test in tests])
    assert words == "passes 2 of 2 tests (1 project test, run together)"


def test_tests_that_an_idle_function_passes_verify_no_candidate() -> None:
    """Beside one that needs what the function does they count."""
    idle, other, blocked = together("test_f"), together("test_g"), together("test_h")
    idle = replace(idle, expectation=replace(idle.expectation, passes_idle=True))
    assert whole.is_idle([idle, other], [says(idle, PASSED)])
    assert not whole.is_idle([idle, other], [says(idle, PASSED), says(other, PASSED)])
    assert not whole.is_idle([idle], [])
    tests = [idle, other, blocked]
    group = [member((idle, PASSED), (blocked, ERRORED)), member((idle, PASSED), (other, PASSED), (blocked, ERRORED))]
    first, second = whole.without_unjudgeable(group, tests)
    assert (first.tier, second.tier) == (Tier.CHECKED, Tier.VERIFIED)
    assert whole.PASSES_IDLE in first.reason

"""The project's tests that are run whole: which count, what they say of a candidate, and when they say nothing.

A test counts if it fails with the hole unfilled and the function at the hole is called meanwhile. It is run beside a
candidate that is plain code only. Runs code through the sandbox port; chooses no tests (`whole_tests` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Context, HoleKind, Judged, Tier
from plum_lsp.domain.verification import Origin, Passes, Program, RunOutcome, TestCase, TestRun, Verdict, VerdictStatus
from plum_lsp.python.fitting.plain import refusal
from plum_lsp.python.specification.whole_tests import test_of
from plum_lsp.verification.rank import counted, score

KEPT_MAX = 8
"""The most tests that are run whole before an answer."""
SCREEN_SECONDS = 2.5
"""For all tests with the hole unfilled, where most end at the hole."""
RUN_SECONDS = 2.0
"""For all tests of one candidate."""
_STATUS = {
    RunOutcome.PASSED: VerdictStatus.PASSED,
    RunOutcome.FAILED: VerdictStatus.FAILED,
    RunOutcome.ERRORED: VerdictStatus.ERRORED,
    RunOutcome.TIMED_OUT: VerdictStatus.TIMED_OUT,
}


def is_whole(test: TestCase) -> bool:
    """Whether a test is run whole."""
    return isinstance(test.expectation, Passes)


def names_of(tests: Sequence[TestCase]) -> list[str]:
    """What the sandbox calls the tests that are run whole."""
    return [test.expectation.test for test in tests if isinstance(test.expectation, Passes)]


async def telling(sandbox: Sandbox, reference: Program, tests: Sequence[TestCase]) -> tuple[TestCase, ...]:
    """The tests that reach the unfilled hole and fail there, at most `KEPT_MAX`, in order.

    Raises:
        SandboxError: the jail broke.
    """
    if not tests or reference.module is None:
        return ()
    runs = await sandbox.run_tests(reference, names_of(tests), watches=True, seconds=SCREEN_SECONDS)
    kept = [test for test, run in zip(tests, runs, strict=True) if _tells(run)]
    return tuple(kept[:KEPT_MAX])


def _tells(run: TestRun) -> bool:
    return run.is_reached and run.outcome in {RunOutcome.FAILED, RunOutcome.ERRORED}


async def verdicts(sandbox: Sandbox, program: Program, tests: Sequence[TestCase]) -> tuple[Verdict, ...]:
    """What the tests say of a program; none for a test that was not run.

    Raises:
        SandboxError: the jail broke.
    """
    if not tests:
        return ()
    runs = await sandbox.run_tests(program, names_of(tests), watches=False, seconds=RUN_SECONDS)
    return tuple(
        Verdict(test_id=test.id, status=_STATUS[run.outcome], shown=run.shown, wall_ms=run.wall_ms)
        for test, run in zip(tests, runs, strict=True)
        if run.outcome is not RunOutcome.NOT_RUN
    )


def refusal_of(context: Context, program: Program, text: str) -> str:
    """Why tests are not run beside a candidate; empty if they are."""
    first = context.before.count("\n") + 1
    is_class = context.block.kind in {HoleKind.CLASS, HoleKind.MODULE}
    return refusal(program.source, first_line=first, last_line=first + text.count("\n"), is_class=is_class)


def confirmed(split: Sequence[TestCase], together: Sequence[TestCase]) -> tuple[TestCase, ...]:
    """The split tests that count: where tests were run whole, those of tests that reach the function.

    An assertion of another test can fail with the hole unfilled because it was not split as it was meant.
    """
    reaching = set(names_of(together))
    return tuple(
        test for test in split if not reaching or test.origin is not Origin.PROJECT or test_of(test) in reaching
    )


def reconciled(tests: Sequence[TestCase], given: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts that count, in the order of the tests.

    An assertion that fails by itself while its test passes as a whole was not split as it was meant. A test that the
    jail keeps from running as a whole says nothing where its assertions can be judged.
    """
    by_id = {verdict.test_id: verdict for verdict in given}
    whole = {test_of(test): by_id[test.id] for test in tests if is_whole(test) and test.id in by_id}
    split = {test_of(test) for test in tests if not is_whole(test) and test.id in by_id and by_id[test.id].is_pass}
    kept: list[Verdict] = []
    for test in tests:
        verdict = by_id.get(test.id)
        if verdict is None:
            continue
        name = test_of(test)
        is_misread = not is_whole(test) and not verdict.is_pass and name in whole and whole[name].is_pass
        is_blocked = is_whole(test) and verdict.status is VerdictStatus.ERRORED and name in split
        if not (is_misread or is_blocked):
            kept.append(verdict)
    return tuple(kept)


def without_unjudgeable(group: Sequence[Judged], tests: Sequence[TestCase]) -> list[Judged]:
    """The group without tests that no candidate passes and that end outside of the document, or never.

    Who is left with passes only is `verified`; who is left with nothing can be `checked` at best.
    """
    whole = {test.id for test in tests if is_whole(test)}
    seen: dict[str, set[VerdictStatus]] = {}
    for judged in group:
        for verdict in judged.verdicts:
            if verdict.test_id in whole:
                seen.setdefault(verdict.test_id, set()).add(verdict.status)
    silent = {test for test, found in seen.items() if found <= {VerdictStatus.ERRORED, VerdictStatus.TIMED_OUT}}
    return [_without(judged, silent) for judged in group]


def _without(judged: Judged, silent: set[str]) -> Judged:
    kept = tuple(verdict for verdict in judged.verdicts if verdict.test_id not in silent)
    if len(kept) == len(judged.verdicts):
        return judged
    failed = sum(not verdict.is_pass for verdict in kept)
    if failed:
        return replace(judged, verdicts=kept, score=score(judged.candidate, kept))
    left = counted(len(judged.verdicts) - len(kept), "test")
    tier, reason = Tier.VERIFIED, f"passes {counted(len(kept), 'test')}; {left} could not be judged here"
    if not kept:
        tier, reason = Tier.CHECKED, f"{left} of the project could not be judged here"
    return replace(judged, verdicts=kept, tier=tier, reason=reason, score=score(judged.candidate, kept))


def passed_in_words(tests: Sequence[TestCase], verdicts: Sequence[Verdict]) -> str:
    """How many tests were passed, and how."""
    kinds = {test.id: is_whole(test) for test in tests}
    passed = [verdict for verdict in verdicts if verdict.is_pass]
    whole = sum(kinds.get(verdict.test_id, False) for verdict in passed)
    total = f"passes {len(passed)} of {counted(len(verdicts), 'test')}"
    return f"{total} ({counted(whole, 'project test')}, run together)" if whole else total

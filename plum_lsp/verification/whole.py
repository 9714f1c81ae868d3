"""Runs the project's tests whole: which of them count, and which verdicts they give on a candidate.

A test counts if it fails with the hole unfilled and calls the function at the hole. It runs only with a candidate that
is plain code. The module runs code through the sandbox port. `whole_tests` chooses the tests.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Candidate, Context, HoleKind, Judged, Tier
from plum_lsp.domain.verification import (
    InModule,
    Origin,
    Passes,
    Program,
    RunOutcome,
    TestCase,
    TestId,
    TestRun,
    Verdict,
    VerdictStatus,
)
from plum_lsp.python.missing.repairing import with_imports_inside
from plum_lsp.python.reading.placeholder import shows_placeholder
from plum_lsp.python.reading.program import idle_program
from plum_lsp.python.reading.quiet import quieted
from plum_lsp.python.screening.plain import refusal
from plum_lsp.python.specification.whole_tests import in_batches, test_of
from plum_lsp.verification.rank import counted, score

KEPT_MAX = 24
"""The most tests that are run whole before an answer. Most take milliseconds, and none is begun late."""
KEPT_OF_FILE_MAX = 18
"""The most of them from one file, if other files have some."""
ENOUGH = 8
"""With fewer tests that tell, further batches are tried."""
FURTHER_BATCHES = 3
"""The most of them. The files of each batch are collected first."""
ALONE_MAX = 8
"""The most of them if the file needs a body to be imported. Each candidate's process then collects their files anew."""
SCREEN_SECONDS = 2.5
"""Processor time for a batch with the hole unfilled. Most of its tests end at the hole."""
RUN_SECONDS = 2.0
"""Processor time for all tests of one candidate."""
BESIDE_SHARE_MAX = 0.25
"""Of the passed tests. A few tests that fail for reasons of their own do not take a right candidate its tier."""
_STATUS = {
    RunOutcome.PASSED: VerdictStatus.PASSED,
    RunOutcome.FAILED: VerdictStatus.FAILED,
    RunOutcome.ERRORED: VerdictStatus.ERRORED,
    RunOutcome.ERRORED_BESIDE: VerdictStatus.ERRORED,
    RunOutcome.TIMED_OUT: VerdictStatus.TIMED_OUT,
}


PASSES_IDLE = "a function that does nothing passes, too"
"""Why passed tests are no evidence."""


def is_whole(test: TestCase) -> bool:
    """Whether a test is run whole."""
    return isinstance(test.expectation, Passes)


def names_of(tests: Sequence[TestCase]) -> list[str]:
    """The sandbox's names of the tests that are run whole."""
    return [test.expectation.test for test in tests if isinstance(test.expectation, Passes)]


async def telling(
    sandbox: Sandbox, reference: Program, tests: Sequence[TestCase], *, idle: Program | None = None
) -> tuple[TestCase, ...]:
    """The tests that reach the unfilled hole and fail there, at most `KEPT_MAX`, those first that tell most.

    They come from the first batch that has some, and from the next ones while there are few. A test that passes with
    the `idle` program, whose function does nothing, tells little: many tests reach a function on their way. If none of
    a batch reach it, those count whose files cannot be imported with the hole unfilled. A candidate's run shows which
    of them reach the function.

    Raises:
        SandboxError: the jail broke.
    """
    if not tests or reference.module is None:
        return ()
    kept: list[TestCase] = []
    weak: list[TestCase] = []
    further, spent_ms = 0, 0.0
    for batch in in_batches(tests):
        before = [*kept, *weak[:KEPT_MAX]]
        if before and (len(kept) >= ENOUGH or further >= FURTHER_BATCHES or spent_ms >= SCREEN_SECONDS * 1000):
            break
        further += bool(before)
        # What is kept runs again, so that one process has collected the files of all tests that count.
        runs = await sandbox.run_tests(reference, names_of([*batch, *before]), watches=True, seconds=SCREEN_SECONDS)
        spent_ms += sum(run.wall_ms for run in runs)
        pairs = list(zip(batch, runs, strict=False))
        found = [test for test, run in pairs if _tells(run)]
        passing = await _passing(sandbox, idle, found)
        kept += [test for test in found if test.id not in passing]
        weak += [_idle(test) for test in found if test.id in passing]
        needing = [test for test, run in pairs if _needs_body(run)][:ALONE_MAX]
        if needing and not found and not before:
            return tuple(needing)
    return tuple(_mixed([*kept, *weak]))


def _idle(test: TestCase) -> TestCase:
    assert isinstance(test.expectation, Passes)
    return replace(test, expectation=replace(test.expectation, passes_idle=True))


def is_idle(tests: Sequence[TestCase], verdicts: Sequence[Verdict]) -> bool:
    """Whether there are verdicts, and all are of tests that a function passes that does nothing."""
    idle = {test.id for test in tests if isinstance(test.expectation, Passes) and test.expectation.passes_idle}
    return bool(verdicts) and all(verdict.test_id in idle for verdict in verdicts)


async def _passing(sandbox: Sandbox, idle: Program | None, tests: Sequence[TestCase]) -> set[TestId]:
    """The tests that pass with a function that does nothing.

    Raises:
        SandboxError: the jail broke.
    """
    if idle is None or not tests:
        return set()
    runs = await sandbox.run_tests(idle, names_of(tests), watches=False, seconds=SCREEN_SECONDS)
    return {test.id for test, run in zip(tests, runs, strict=True) if run.outcome is RunOutcome.PASSED}


def _mixed(tests: Sequence[TestCase]) -> list[TestCase]:
    """The first tests, of which some come from other files than most. All tests of a file may be of one mind."""
    taken: list[TestCase] = []
    seen: Counter[str] = Counter()
    for test in tests:
        (name,) = names_of([test])
        seen[file := name.partition("::")[0]] += 1
        if seen[file] <= KEPT_OF_FILE_MAX:
            taken.append(test)
    taken = taken[:KEPT_MAX]
    more = [test for test in tests if test not in taken][: KEPT_MAX - len(taken)]
    return [test for test in tests if test in taken or test in more]


def _needs_body(run: TestRun) -> bool:
    return run.outcome is RunOutcome.UNCOLLECTED and shows_placeholder(run.shown)


def _tells(run: TestRun) -> bool:
    return run.is_reached and run.outcome in {RunOutcome.FAILED, RunOutcome.ERRORED, RunOutcome.ERRORED_BESIDE}


async def verdicts(sandbox: Sandbox, program: Program, tests: Sequence[TestCase]) -> tuple[Verdict, ...]:
    """The verdicts of the tests on a program. A test that was not run has none.

    Raises:
        SandboxError: the jail broke.
    """
    if not tests:
        return ()
    runs = await sandbox.run_tests(program, names_of(tests), watches=False, seconds=RUN_SECONDS)
    return tuple(
        Verdict(
            test_id=test.id,
            status=_STATUS[run.outcome],
            shown=run.shown,
            wall_ms=run.wall_ms,
            is_beside=run.outcome is RunOutcome.ERRORED_BESIDE,
        )
        for test, run in zip(tests, runs, strict=True)
        if run.outcome in _STATUS
    )


def refusal_of(context: Context, program: Program, candidate: Candidate) -> str:
    """Why tests are not run with a candidate. Empty if they are. Its imports count as written in its text."""
    text = with_imports_inside(candidate.text, candidate.imports, context) if candidate.imports else candidate.text
    if text is None:
        return "it brings an import into the file"
    if candidate.imports:
        program = Program(source=context.before + text + context.after)
    first = context.before.count("\n") + 1
    is_class = context.block.kind in {HoleKind.CLASS, HoleKind.MODULE}
    return refusal(program.source, first_line=first, last_line=first + text.count("\n"), is_class=is_class)


def in_module(reference: Program, context: Context, sandbox: Sandbox, path: Path | None) -> Program:
    """The program without a candidate, as the module that the document is, where the sandbox has its project.

    Candidates are forks of a process that has imported it, so it has no comments and docstrings there.
    """
    project = sandbox.project
    if path is None or project is None or not path.resolve().is_relative_to(project.root):
        return reference
    reference = quieted(reference)
    place = project.place_of(path.resolve())
    name = place.name if place else re.sub(r"\W|^(?=\d)", "_", path.stem)  # a script whose name cannot be imported
    if name in sys.stdlib_module_names:  # the jail has imported that one already
        name += "_"
    module = InModule(
        name=name,
        path=str(path.resolve()),
        import_root=str(place.import_root if place else path.resolve().parent),
        is_package=place is not None and place.is_package,
        base=reference.source,
        hole_line=context.before.count("\n") + 1,
    )
    return replace(reference, module=module)


def idle_in_module(reference: Program, context: Context) -> Program | None:
    """The program whose function at the hole does nothing, as the same module. None if there is none."""
    idle = idle_program(context) if reference.module is not None else None
    return replace(reference, source=quieted(idle).source) if idle is not None else None


def confirmed(split: Sequence[TestCase], together: Sequence[TestCase]) -> tuple[TestCase, ...]:
    """The split tests that count. If tests were run whole, only those from tests that reach the function count.

    An assertion of another test can fail with the hole unfilled because it was split wrongly.
    """
    reaching = set(names_of(together))
    return tuple(
        test for test in split if not reaching or test.origin is not Origin.PROJECT or test_of(test) in reaching
    )


def reconciled(tests: Sequence[TestCase], given: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts that count, in the order of the tests.

    An assertion that fails alone while its whole test passes was split wrongly. If the jail prevents a whole test from
    running, its assertions count instead, if they can be judged.
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


def without_unjudgeable(
    group: Sequence[Judged],
    tests: Sequence[TestCase],
    unfit: frozenset[TestId] = frozenset(),
    fit: frozenset[TestId] = frozenset(),
) -> list[Judged]:
    """The group without unusable verdicts: of tests that no candidate passes, and that ended elsewhere or never.

    A test in `unfit` does not count, however it ended. One in `fit` counts, because another body passes it. A candidate
    with only passes left is `verified`. It is at most `checked` if some more tests ended in other functions of its
    file, which a wrong result may cause, or if a function that does nothing passes all tests that are left. So is a
    candidate with no verdict left.
    """
    unpassed = {test.id for test in unpassed_of(group, tests)} - fit
    return [_without(judged, tests, unpassed, unfit) for judged in group]


def unpassed_of(group: Sequence[Judged], tests: Sequence[TestCase]) -> list[TestCase]:
    """The tests run whole that no candidate passes."""
    passed = {verdict.test_id for judged in group for verdict in judged.verdicts if verdict.is_pass}
    return [test for test in tests if is_whole(test) and test.id not in passed]


def _without(judged: Judged, tests: Sequence[TestCase], unpassed: set[TestId], unfit: frozenset[TestId]) -> Judged:
    """A candidate without the verdicts of tests that no candidate passes, except if an assertion failed."""
    kept = tuple(
        verdict
        for verdict in judged.verdicts
        if verdict.test_id not in unfit
        and (verdict.test_id not in unpassed or verdict.status not in {VerdictStatus.ERRORED, VerdictStatus.TIMED_OUT})
    )
    if len(kept) == len(judged.verdicts):
        return judged
    if any(not verdict.is_pass for verdict in kept):
        return replace(judged, verdicts=kept, score=score(judged.candidate, kept))
    dropped = [verdict for verdict in judged.verdicts if verdict not in kept]
    beside = sum(verdict.is_beside and verdict.test_id not in unfit for verdict in dropped)
    left = counted(len(dropped), "test")
    tier, reason = Tier.VERIFIED, f"passes {counted(len(kept), 'test')}; {left} could not be judged here"
    if judged.undecided:
        tier, reason = Tier.CHECKED, judged.reason
    elif not kept:
        tier, reason = Tier.CHECKED, f"{left} of the project could not be judged here"
    elif is_idle(tests, kept):
        tier, reason = Tier.CHECKED, f"{reason}: {PASSES_IDLE}"
    elif beside > BESIDE_SHARE_MAX * len(kept):
        tier, reason = Tier.CHECKED, f"{reason}: {beside} ended in another function of the file"
    return replace(judged, verdicts=kept, tier=tier, reason=reason, score=score(judged.candidate, kept))


def passed_in_words(tests: Sequence[TestCase], verdicts: Sequence[Verdict]) -> str:
    """The number of passed tests and how they were run, as text."""
    kinds = {test.id: is_whole(test) for test in tests}
    passed = [verdict for verdict in verdicts if verdict.is_pass]
    whole = sum(kinds.get(verdict.test_id, False) for verdict in passed)
    total = f"passes {len(passed)} of {counted(len(verdicts), 'test')}"
    return f"{total} ({counted(whole, 'project test')}, run together)" if whole else total

"""Runs a test that is being written once: as a call, or with pytest if it needs fixtures, parameters or decorators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from plum_lsp.domain.verification import Ending, Observation, Program, RunOutcome, TestRun
from plum_lsp.python.own_test import OwnTest, Wrong, planted
from plum_lsp.verification.judge import Judge, shown
from plum_lsp.verification.whole import RUN_SECONDS

WRONG_SECONDS_MAX = 1.0
"""Time limit for a test on one wrong version. One that hangs there has noticed it."""
_ASSERTING = frozenset({"AssertionError", "Failed"})
"""What a failed assertion raises. The second is that of `pytest.raises` and `pytest.fail`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run of a test. With `is_told` it came to an end that says something. `shown` is what it raised."""

    is_passed: bool
    is_told: bool
    by_assertion: bool
    shown: str
    wall_ms: float


async def run_once(test: OwnTest, program: Program, judge: Judge) -> Ran:
    """One run on the code as it is.

    Raises:
        SandboxError: the jail broke.
    """
    if test.node:
        return await _with_pytest(test, program, judge)
    (seen,) = await judge.sandbox.observe(program, [test.call], judge.limits)
    return _observed(seen)


async def run_on_wrong(test: OwnTest, program: Program, wrong: Wrong, judge: Judge) -> Ran:
    """One run on a wrong version.

    Raises:
        SandboxError: the jail broke.
    """
    if test.node:
        source = planted(test, program.source, wrong)
        return await _with_pytest(test, replace(program, source=source), judge) if source else _UNTOLD
    limits = replace(judge.limits, wall_seconds=min(judge.limits.wall_seconds, WRONG_SECONDS_MAX))
    (seen,) = await judge.sandbox.observe(program, [wrong.case.call], limits)
    return _observed(seen)


def can_run(test: OwnTest, judge: Judge) -> bool:
    """Whether there is what the test needs: a trusted project with this file, if pytest runs it."""
    return not test.node or bool(_file_of(judge))


async def _with_pytest(test: OwnTest, program: Program, judge: Judge) -> Ran:
    name = f"{_file_of(judge)}::{test.node}"
    (run,) = await judge.sandbox.run_tests(program, [name], watches=False, seconds=RUN_SECONDS)
    return _reported(run)


def _file_of(judge: Judge) -> str:
    """The path of the document within its project. Empty if it is not run as a part of one."""
    project, module = judge.sandbox.project, judge.reference.module
    if project is None or module is None:
        return ""
    return Path(module.path).relative_to(project.root.resolve()).as_posix()


_UNTOLD = Ran(is_passed=False, is_told=False, by_assertion=False, shown="", wall_ms=0.0)


def _observed(seen: Observation) -> Ran:
    is_ended = seen.ending in {Ending.RETURNED, Ending.RAISED, Ending.TIMED_OUT}
    is_passed = seen.ending is Ending.RETURNED
    return Ran(
        is_passed=is_passed,
        is_told=is_ended and not isinstance(seen.value, str),
        by_assertion=seen.raised is not None and not _ASSERTING.isdisjoint(seen.raised.type_names),
        shown="" if is_passed else shown(seen),
        wall_ms=seen.wall_ms,
    )


def _reported(run: TestRun) -> Ran:
    """What pytest said. An error outside of the test, such as a missing fixture, is no evidence about it."""
    return Ran(
        is_passed=run.outcome is RunOutcome.PASSED,
        is_told=run.outcome in {RunOutcome.PASSED, RunOutcome.FAILED, RunOutcome.ERRORED_BESIDE},
        by_assertion=run.shown.partition(":")[0] in _ASSERTING,
        shown=run.shown,
        wall_ms=run.wall_ms,
    )

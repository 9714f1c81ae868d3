"""The protocol with a child that runs tests of the project: what the host sends and how it reads the answers.

The tests run in the process of the program, so a dishonest program can forge an answer. The host makes a token for each
run and sends it when the program has been loaded. So a program cannot answer while it is loaded, before its tests.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.values import clean
from plum_lsp.domain.verification import DID_NOT_LOAD, Limits, Program, RunOutcome, TestRun
from plum_lsp.sandbox import values
from plum_lsp.sandbox.conversation import LOAD_SECONDS_MAX, load, patience_with
from plum_lsp.sandbox.isolation.child import Child, ChildGone, FrameTooLarge

TEST_SECONDS_MAX = 1.0
"""Processor time for one test with all its cases."""
WALL_SHARE = 3.0
"""How much longer tests may take on the clock: they may sleep."""
CASES_MAX = 16
"""Cases of one parametrized test that are run."""
COLLECTING_SECONDS_MAX = 6.0
"""Time to find the tests, if no zygote has done it."""
_ANSWER_MAX = 64 * 1024
SHOWN_MAX = 300
OUTCOMES = {
    "passed": RunOutcome.PASSED,
    "failed": RunOutcome.FAILED,
    "errored": RunOutcome.ERRORED,
    "errored_beside": RunOutcome.ERRORED_BESIDE,
    "timed_out": RunOutcome.TIMED_OUT,
    "skipped": RunOutcome.NOT_RUN,
    "missing": RunOutcome.NOT_RUN,
    "uncollected": RunOutcome.UNCOLLECTED,
}


class NotLoaded(Exception):
    """The program did not load. The text says why."""


class NotCollected(NotLoaded):
    """No test could be collected. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which tests to run, from which folder, and how many seconds of processor time all of them may take.

    The first test is always begun, another one only if its own time limit still fits. `watches` asks which of them call
    the function at the hole. With `is_ahead` the child's zygote has collected them.
    """

    tests: tuple[str, ...]
    folder: str
    watches: bool
    seconds: float
    is_ahead: bool


def none_run(tests: Sequence[str]) -> tuple[TestRun, ...]:
    """The result for tests that cannot be run."""
    return tuple(TestRun(test=test, outcome=RunOutcome.NOT_RUN) for test in tests)


def none_collected(tests: Sequence[str], problem: str) -> tuple[TestRun, ...]:
    """The result for tests of which none could be collected."""
    return tuple(TestRun(test=test, outcome=RunOutcome.UNCOLLECTED, shown=problem[:SHOWN_MAX]) for test in tests)


def none_loaded(tests: Sequence[str], problem: str) -> tuple[TestRun, ...]:
    """The result for tests of which none could be run, because the program or a file that they need raised."""
    return tuple(TestRun(test=test, outcome=RunOutcome.ERRORED, shown=problem[:SHOWN_MAX]) for test in tests)


def alone(runs: Sequence[TestRun]) -> tuple[TestRun, ...]:
    """The runs of tests that were collected with the program.

    A pass of a test that did not call the function at the hole is no evidence about it. A test whose file cannot be
    imported because the document raises has erred.
    """
    return tuple(map(_alone, runs))


def _alone(run: TestRun) -> TestRun:
    if run.outcome is RunOutcome.PASSED and not run.is_reached:
        return TestRun(test=run.test, outcome=RunOutcome.NOT_RUN)
    is_broken = run.outcome is RunOutcome.UNCOLLECTED and run.is_reached
    return replace(run, outcome=RunOutcome.ERRORED) if is_broken else run


async def run_tests(child: Child, program: Program, run: Run) -> tuple[TestRun, ...]:
    """Load the program in the child and run the tests in order.

    Raises:
        NotLoaded: the program cannot be loaded there.
        SandboxError: the child never got as far as being locked down.
    """
    tests, seconds = run.tests, run.seconds
    limits = Limits(wall_seconds=seconds, cpu_seconds=seconds + LOAD_SECONDS_MAX)
    ran: list[TestRun] = []
    status = RunOutcome.TIMED_OUT
    try:
        async with patience_with(child) as patience:
            patience.begin(LOAD_SECONDS_MAX)
            problem = await load(child, program, limits)
            if problem:
                raise NotLoaded(f"{DID_NOT_LOAD}{problem}")
            token = secrets.token_hex(16)
            patience.begin(seconds * WALL_SHARE + (0.0 if run.is_ahead else COLLECTING_SECONDS_MAX))
            await child.send(_order(run, token))
            for test in tests:
                answer = _read(await child.receive(_ANSWER_MAX), token, test)
                ran.append(answer)
    except TimeoutError:
        pass
    except (ChildGone, FrameTooLarge, values.MalformedValue):
        status = RunOutcome.FAILED
    late = none_run(tests[len(ran) + 1 :])
    ended = [TestRun(test=test, outcome=status, shown="it did not end") for test in tests[len(ran) : len(ran) + 1]]
    return (*ran, *ended, *late)


def _order(run: Run, token: str) -> bytes:
    order = {
        "tests": run.tests,
        "files": files_of(run.tests),
        "folder": run.folder,
        "token": token,
        "watch": run.watches,
        "seconds": TEST_SECONDS_MAX,
        "wall_share": WALL_SHARE,
        "begin_seconds": max(0.0, run.seconds - TEST_SECONDS_MAX),
        "cases_max": CASES_MAX,
    }
    return json.dumps(order).encode()


def files_of(tests: Sequence[str]) -> list[str]:
    """The files of the tests, in order."""
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))


def _read(content: bytes, token: str, test: str) -> TestRun:
    """One answer.

    Raises:
        NotCollected: there are no tests to run.
        MalformedValue: it does not follow the protocol, or it does not hold the token.
    """
    match values.parse(content):
        case {"token": str(told), "problem": str(problem), **rest} if secrets.compare_digest(told, token) and not rest:
            raise NotCollected(clean(problem[:2000]))
        case {
            "token": str(told),
            "test": str(name),
            "outcome": str(outcome),
            "shown": str(shown),
            "reached": bool(reached),
            "microseconds": int(microseconds),
            **rest,
        } if secrets.compare_digest(told, token) and name == test and outcome in OUTCOMES and not rest:
            return TestRun(
                test=test,
                outcome=OUTCOMES[outcome],
                is_reached=reached,
                shown=clean(shown[:SHOWN_MAX]),
                wall_ms=microseconds / 1000,
            )
    raise values.MalformedValue("the answer is not in the protocol")

"""Counts the tests that lying programs pass: random tests of every form against random lies.

    python -m benchmarks.forging [--trials N] [--seconds S] [--seed TEXT]

A trial is one lie against one test. The lies of a round face the same tests, some hundreds, as one program each. Each
pass is forged, because no test can be passed without the answer and no lie has one. Every round also runs a program
that has all answers, which shows how many of the tests can be passed. The script prints trials, trials per second, and
every forged pass. It exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.forged_tests import Round, a_round, right_body
from benchmarks.lies import a_lie
from plum_lsp.domain.verification import Limits, TestCase, Verdict, VerdictStatus
from plum_lsp.python.reading.quiet import program_to_run
from plum_lsp.python.reading.window import reference_program
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

LIES_PER_ROUND = 120
_AT_ONCE = 12
_LIMITS = Limits(wall_seconds=3.0, cpu_seconds=3.0)
_FEW = 8
"""Tests of a program that may end before it meets more of them."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts of the trials.

    `answered` are trials in which the lie returned a value. `asked` counts the tests, and `passable` those that the
    right program passes.
    """

    trials: int = 0
    answered: int = 0
    passable: int = 0
    asked: int = 0
    forged: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        """One readable line."""
        rate, answered = self.trials / max(self.seconds, 0.001), self.answered / max(self.trials, 1)
        return (
            f"{self.trials:,} trials in {self.seconds:.0f} s ({rate:,.0f} a second), {len(self.forged)} forged; "
            f"{answered:.0%} gave an answer; a right program passes {self.passable:,} of {self.asked:,} tests"
        )


async def forge(
    *, trials: int = sys.maxsize, seconds: float = float("inf"), seed: str = "forging", jobs: int = 0
) -> Tally:
    """Run rounds of lies until the number of trials or the time limit is reached."""
    tally, started = Tally(), time.monotonic()
    sandbox = await open_sandbox(SandboxOptions(checks_itself=False, jobs=jobs or os.cpu_count() or 2))
    try:
        for number in itertools.count():
            tally.seconds = time.monotonic() - started
            if tally.trials >= trials or tally.seconds >= seconds:
                return tally
            for each in await asyncio.to_thread(a_round, f"{seed}-{number}"):
                await _play(each, random.Random(f"{seed}-{number}"), sandbox, tally, started + seconds)
    finally:
        await sandbox.close()
    return tally


async def _play(each: Round, chance: random.Random, sandbox: JailSandbox, tally: Tally, until: float) -> None:
    """Run one round: the right program, then lies. Some of them run in a process that gets only few tests."""
    right = await _verdicts(each, right_body([each]), each.tests, sandbox)
    tally.asked += len(right)
    tally.passable += sum(verdict.is_pass for verdict in right)
    for _ in range(LIES_PER_ROUND // _AT_ONCE):
        if time.monotonic() > until:
            return
        lies = [a_lie(chance) for _ in range(_AT_ONCE)]
        shown = [each.tests if chance.random() < 0.8 else chance.sample(each.tests, k=_FEW) for _ in lies]
        told = [_verdicts(each, body, tests, sandbox) for (_, body), tests in zip(lies, shown, strict=True)]
        for (name, body), tests, verdicts in zip(lies, shown, await asyncio.gather(*told), strict=True):
            tally.trials += len(tests)
            tally.answered += sum(verdict.status is VerdictStatus.FAILED for verdict in verdicts)
            forged = [test for test, verdict in zip(tests, verdicts, strict=True) if verdict.is_pass]
            tally.forged += [f"{name} passes {test.quote!r} ({test})\n{body}" for test in forged]


async def _verdicts(each: Round, body: str, tests: Sequence[TestCase], sandbox: JailSandbox) -> tuple[Verdict, ...]:
    """The verdicts on a body."""
    program = program_to_run(each.context, body)
    return await sandbox.verify(program, tests, _LIMITS, reference=reference_program(each.context))


def main() -> int:
    """Run the trials, and print the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", default="forging")
    options = parser.parse_args()
    tally = asyncio.run(forge(trials=options.trials, seconds=options.seconds, seed=options.seed))
    print(tally)
    for one in tally.forged[:20]:
        print(one)
    return 1 if tally.forged else 0


if __name__ == "__main__":
    sys.exit(main())

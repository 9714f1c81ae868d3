"""Judges one candidate at a time: static problems, then the specification, else whether it runs and agrees.

Decides which evidence is needed and what tier it supports. Does not run code itself (the sandbox port does), and
does not order candidates (`ranking` does). A jail that breaks is reported and is never evidence against a candidate.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plum_lsp.context.window import program_with
from plum_lsp.domain.errors import PlumError, SandboxError, SandboxUnavailable
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Candidate, Context, Judged, Tier
from plum_lsp.domain.verification import Call, Ending, Equals, Holds, Limits, Observation, Program, TestCase, Verdict
from plum_lsp.ranking import counted, score
from plum_lsp.synthesis.agreement import consistent
from plum_lsp.synthesis.screening import telling

_LOADS = Call(expression="None")
"""Observed alone, it shows whether a program loads."""
_SURPRISES = frozenset({"NameError", "UnboundLocalError", "ImportError", "RecursionError"})
"""Exceptions that nobody's specification asks for: raised on a generated input they are a slip, not an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the tests of one request are worth: `specification` holds those that can tell a candidate right from wrong.

    `problem` is empty unless nothing can be run: no jail, a broken jail, or a file that does not load by itself.
    """

    specification: tuple[TestCase, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges the candidates of one request. `reference` is the program without a candidate, made once for all of them.

    `calls` are generated inputs, used where there is no specification.
    """

    sandbox: Sandbox | SandboxUnavailable
    context: Context
    reference: Program
    tests: tuple[TestCase, ...]
    calls: tuple[Call, ...]
    limits: Limits

    async def evidence(self) -> Evidence:
        """Run the program without a candidate: does it load, and which tests does it pass as it is?

        A test that passes with the hole unfilled is vacuous: it proves nothing about a candidate and is dropped,
        and so is one whose expected value nobody can compute. Where the file calls the function while it loads, only
        a candidate can make it load: then the tests with literal expected values count, unscreened.
        """
        if isinstance(self.sandbox, SandboxUnavailable):
            return Evidence(specification=self.tests, problem=told(self.sandbox))
        reference = self.reference
        try:
            asked = [_LOADS, *(call for test in self.tests for call in _expected_calls(test))]
            loads, *seen = await self.sandbox.observe(reference, asked, self.limits)
            if _is_unfilled(loads):
                return Evidence(specification=tuple(test for test in self.tests if _is_literal(test)))
            if loads.ending is not Ending.RETURNED:
                return Evidence(specification=self.tests, problem=f"the file itself does not run: {_shown(loads)}")
            tests = _judgeable(self.tests, seen)
            verdicts = await self.sandbox.verify(reference, tests, self.limits, reference=reference)
        except SandboxError as error:
            return Evidence(specification=self.tests, problem=told(error))
        return Evidence(specification=telling(tests, verdicts))

    async def judge(self, candidate: Candidate, evidence: Evidence) -> tuple[Judged, tuple[Observation, ...]]:
        """The candidate with its verdicts and tier, and what it did on the generated inputs (if it was asked)."""
        problem = candidate.problem or (f"not run: {evidence.problem}" if evidence.problem else "")
        if problem or isinstance(self.sandbox, SandboxUnavailable):
            return _unverified(candidate, problem), ()
        try:
            if evidence.specification:
                return await self._verify(candidate, evidence.specification, self.sandbox), ()
            return await self._check(candidate, self.sandbox)
        except SandboxError as error:
            return _unverified(candidate, f"not run: {told(error)}"), ()

    async def _verify(self, candidate: Candidate, tests: Sequence[TestCase], sandbox: Sandbox) -> Judged:
        """By the specification: every test of it must pass."""
        verdicts = await sandbox.verify(
            program_with(self.context, candidate.text),
            tests,
            self.limits,
            reference=self.reference,
        )
        failed = [(test, verdict) for test, verdict in zip(tests, verdicts, strict=True) if not verdict.is_pass]
        first = f": {_failure(*failed[0])}" if failed else ""
        return Judged(
            candidate=candidate,
            verdicts=verdicts,
            tier=Tier.UNVERIFIED if failed else Tier.VERIFIED,
            score=score(candidate, verdicts),
            reason=f"passes {len(tests) - len(failed)} of {counted(len(tests), 'test')}{first}",
        )

    async def _check(self, candidate: Candidate, sandbox: Sandbox) -> tuple[Judged, tuple[Observation, ...]]:
        """Without a specification: does it load, and run on generated inputs without a surprise?"""
        program = program_with(self.context, candidate.text)
        loads, *seen = await sandbox.observe(program, (_LOADS, *self.calls), self.limits)
        if loads.ending is not Ending.RETURNED:
            return _unverified(candidate, f"does not load: {_shown(loads)}"), ()
        surprise = next((observation for observation in seen if _is_surprise(observation)), None)
        if surprise is not None:
            return _unverified(candidate, f"a generated input ended in {_shown(surprise)}"), tuple(seen)
        ran = f"loads and runs on {counted(len(self.calls), 'generated input')}" if self.calls else "loads"
        judged = Judged(
            candidate=candidate,
            verdicts=(),
            tier=Tier.CHECKED,
            score=score(candidate, ()),
            reason=f"no example tells right from wrong; {ran}",
        )
        return judged, tuple(seen)


def promoted(group: Sequence[Judged], observed: Mapping[int, Sequence[Observation]]) -> list[Judged]:
    """`group` with the members of the winning cluster raised from `checked` to `consistent`.

    `observed` maps candidate indices to what they did on the same generated inputs, in the same order.
    """
    runnable = {judged.candidate.completion.index for judged in group if judged.tier is Tier.CHECKED}
    winners = consistent({index: seen for index, seen in observed.items() if index in runnable})
    reason = f"{counted(len(winners), 'candidate')} agree on every generated input"
    return [
        replace(judged, tier=Tier.CONSISTENT, reason=reason) if judged.candidate.completion.index in winners else judged
        for judged in group
    ]


def _expected_calls(test: TestCase) -> tuple[Call, ...]:
    """What computes the expected value of a test without a candidate, with and without its setup; often nothing."""
    if not isinstance(test.expectation, Equals):
        return ()
    expected = test.expectation.expected
    return tuple(Call(expression=expected, setup=setup) for setup in dict.fromkeys(("", test.call.setup)))


def _judgeable(tests: Sequence[TestCase], seen: Sequence[Observation]) -> tuple[TestCase, ...]:
    """The tests whose expected value could be computed; prose misread as code cannot. `seen` follows the calls."""
    rest = iter(seen)
    kept = []
    for test in tests:
        endings = {next(rest).ending for _ in _expected_calls(test)}
        if not endings or Ending.RETURNED in endings:
            kept.append(test)
    return tuple(kept)


def _is_unfilled(loads: Observation) -> bool:
    """Whether it was the unfilled hole that kept the program from loading."""
    return loads.ending is Ending.CRASHED and NotImplementedError.__name__ in loads.detail


def _is_literal(test: TestCase) -> bool:
    """Whether the test can be judged without running the program for its expected value."""
    if not isinstance(test.expectation, Equals):
        return test.origin.is_specification and not isinstance(test.expectation, Holds)
    try:
        ast.literal_eval(test.expectation.expected)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return test.origin.is_specification


def told(error: PlumError) -> str:
    """The error and its remedy as one line for the user."""
    message = str(error).rstrip(".")
    return f"{message}. {error.remedy}".strip()


def _unverified(candidate: Candidate, reason: str) -> Judged:
    return Judged(candidate=candidate, verdicts=(), tier=Tier.UNVERIFIED, score=score(candidate, ()), reason=reason)


def _is_surprise(observation: Observation) -> bool:
    if observation.ending is Ending.RAISED and observation.raised is not None:
        return not _SURPRISES.isdisjoint(observation.raised.type_names)
    return observation.ending is not Ending.RETURNED


def _shown(observation: Observation) -> str:
    if observation.raised is not None:
        return f"{observation.raised.type_names[0]}: {observation.raised.message}"
    return f"{observation.ending.value.replace('_', ' ')} {observation.detail}".strip()


def _failure(test: TestCase, verdict: Verdict) -> str:
    return f"{test.call.expression} gave {verdict.shown}"

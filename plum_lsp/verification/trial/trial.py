"""Runs a test that is being written: on the code as it is, and on wrong versions of the functions that it calls.

A test that fails on the code as it is, is refuted. One that passes and notices wrong versions is `verified` as a test.
That says nothing about the code: if it is wrong, so is the test. A broken jail is no evidence against a test.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.suggestion import Candidate, HoleKind, Judged, Tier
from plum_lsp.domain.verification import Ending, Observation, Program, TestCase, Verdict, VerdictStatus
from plum_lsp.python.own_test import (
    OwnTest,
    Subject,
    Wrong,
    look,
    own_test_of,
    subjects_in,
    subjects_of,
    wrong_versions,
)
from plum_lsp.verification.judge import Evidence, Judge, shown, unverified
from plum_lsp.verification.rank import counted, score

WRONG_SECONDS_MAX = 1.0
"""Time limit for a test on one wrong version. One that hangs there has noticed it."""
_REACHING = re.compile(r"\b(?:__\w+__|_is_installed|globals|locals|vars|eval|exec|inspect|gc|sys|ctypes)\b")
"""Means by which a test could tell a wrong version from the right one without looking at what it does."""
_ASSERTING = frozenset({"AssertionError", "Failed"})
"""What a failed assertion raises. The second is that of `pytest.raises` and `pytest.fail`."""
NAMED_MAX = 2
"""The most wrong versions that the reason names. The evidence has all."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """The test at the hole, and what it may test. `cases` are the runs that verdicts of candidates name.

    `is_added` says that the hole is in a test that has other statements.
    """

    test: OwnTest
    subjects: tuple[Subject, ...] = ()
    cases: dict[str, TestCase] = field(default_factory=dict)
    is_added: bool = False

    @classmethod
    def of(cls, judge: Judge) -> Trial | None:
        """The trial of the hole. None if the hole is in no test that can be run."""
        test = own_test_of(judge.context)
        if test is None:
            return None
        is_added = judge.context.block.kind is HoleKind.BLOCK
        return cls(test=test, cases={test.case.id: test.case}, is_added=is_added)

    @property
    def tests(self) -> tuple[TestCase, ...]:
        """All runs so far."""
        return tuple(self.cases.values())

    async def prepare(self, judge: Judge) -> None:
        """Find the functions of the project that the test can call. Without a trusted project there are none."""
        project = judge.sandbox.project
        if project is None:
            return
        try:
            (seen,) = await judge.sandbox.observe(judge.reference, [look(str(project.root))], judge.limits)
        except SandboxError:
            return
        self.subjects = subjects_in(seen)

    async def judge(self, candidate: Candidate, judge: Judge, evidence: Evidence) -> Judged:
        """The candidate with the verdict on its own test, and on each wrong version that the test notices."""
        problem = candidate.problem or (f"not run: {evidence.problem}" if evidence.problem else "")
        if problem:
            return unverified(candidate, problem)
        program = judge.program(candidate)
        wrong = wrong_versions(self.test, subjects_of(self.test, program.source, self.subjects))
        try:
            (once,), (again,), *others = await asyncio.gather(
                judge.sandbox.observe(program, [self.test.call], judge.limits),
                judge.sandbox.observe(program, [self.test.call], judge.limits),
                *(self._on(program, one, judge) for one in wrong),
            )
            failed = next((one for one in (once, again) if one.ending is not Ending.RETURNED), None)
            if failed is not None:
                return self._refuted(candidate, failed)
            tried = [(one, seen) for one, (seen,) in zip(wrong, others, strict=True) if _is_tried(seen)]
            noticed = await self._new([one for one, seen in tried if _notices(seen)], judge)
        except SandboxError as error:
            return unverified(candidate, f"not run: {told(error)}")
        judged = self._judged(candidate, once, [one for one, _ in tried], noticed)
        reached = _REACHING.search(candidate.text)
        if judged.tier is Tier.VERIFIED and reached:
            return replace(judged, tier=Tier.CHECKED, reason=f"{judged.reason}. It uses {reached.group()}")
        if judged.tier is Tier.VERIFIED and not any(_by_assertion(seen) for one, seen in tried if one in noticed):
            return replace(judged, tier=Tier.CHECKED, reason=f"{judged.reason}. No assertion notices one")
        return judged

    async def _on(self, program: Program, wrong: Wrong, judge: Judge) -> tuple[Observation, ...]:
        limits = replace(judge.limits, wall_seconds=min(judge.limits.wall_seconds, WRONG_SECONDS_MAX))
        return await judge.sandbox.observe(program, [wrong.case.call], limits)

    async def _new(self, noticed: Sequence[Wrong], judge: Judge) -> list[Wrong]:
        """Those that the rest of the test does not notice by itself."""
        if not self.is_added:
            return list(noticed)
        context = judge.context
        rest = replace(judge.reference, source=f"{context.before}pass{context.after}")
        seen = await asyncio.gather(*(self._on(rest, one, judge) for one in noticed))
        return [one for one, (before,) in zip(noticed, seen, strict=True) if before.ending is Ending.RETURNED]

    def _is_in_block(self, candidate: Candidate, tried: Sequence[Wrong]) -> bool:
        """Whether a candidate adds to a test that was there, and is about what that test is about."""
        return self.is_added and any(one.subject.name in candidate.text for one in tried)

    def _refuted(self, candidate: Candidate, failed: Observation) -> Judged:
        verdict = _verdict(self.test.case, VerdictStatus.FAILED, failed)
        reason = f"as a test: it fails on the code as it is, with {shown(failed).rstrip(': ')}"
        return _made(candidate, (verdict,), Tier.UNVERIFIED, reason)

    def _judged(
        self, candidate: Candidate, once: Observation, tried: Sequence[Wrong], noticed: Sequence[Wrong]
    ) -> Judged:
        """The tier of a test that passes."""
        own = _verdict(self.test.case, VerdictStatus.PASSED, once)
        self.cases |= {one.case.id: one.case for one in noticed}
        verdicts = (own, *(_verdict(one.case, VerdictStatus.PASSED, None) for one in noticed))
        if not tried and self.subjects:
            return unverified(
                candidate, "as a test: it names no function of the project that could be wrong", has_run=True
            )
        if not tried:
            return _made(candidate, (own,), Tier.CHECKED, "as a test: it passes, but nothing shows what it notices")
        names = ", ".join(dict.fromkeys(one.subject.qualified_name for one in tried))
        versions = f"{counted(len(tried), 'wrong version')} of {names}"
        if not noticed and self._is_in_block(candidate, tried):
            return _made(
                candidate, (own,), Tier.CHECKED, f"as a test: it passes, but the rest notices as many of {versions}"
            )
        if not noticed:
            return unverified(candidate, f"as a test: it passes also on {versions}", has_run=True)
        said = "; ".join(one.case.quote for one in noticed[:NAMED_MAX])
        reason = f"as a test: it passes, and fails on {len(noticed)} of {versions}: {said}"
        return _made(candidate, verdicts, Tier.VERIFIED, reason)


def _is_tried(seen: Observation) -> bool:
    """Whether the wrong version took its place, and the test came to an end that says something."""
    is_ended = seen.ending in {Ending.RETURNED, Ending.RAISED, Ending.TIMED_OUT}
    return is_ended and not isinstance(seen.value, str)


def _by_assertion(seen: Observation) -> bool:
    return seen.raised is not None and not _ASSERTING.isdisjoint(seen.raised.type_names)


def _notices(seen: Observation) -> bool:
    return seen.ending is not Ending.RETURNED


def _verdict(case: TestCase, status: VerdictStatus, seen: Observation | None) -> Verdict:
    text = "" if seen is None or seen.ending is Ending.RETURNED else shown(seen)
    return Verdict(test_id=case.id, status=status, shown=text, wall_ms=seen.wall_ms if seen is not None else 0.0)


def _made(candidate: Candidate, verdicts: tuple[Verdict, ...], tier: Tier, reason: str) -> Judged:
    own = score(candidate, verdicts)
    return Judged(candidate=candidate, verdicts=verdicts, tier=tier, score=own, reason=reason, has_run=True)

"""Runs a test that is being written: on the code as it is, and on wrong versions of the functions that it calls.

A test that fails on the code as it is, is refuted. One that passes is `checked` at first, and can be shown. One that
passes and notices wrong versions is `verified` as a test. That is no evidence about the code: if it is wrong, so is the
test. A broken jail is no evidence against a test.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.suggestion import Candidate, CandidateId, HoleKind, Judged, Tier
from plum_lsp.domain.verification import TestCase, Verdict, VerdictStatus
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
from plum_lsp.verification.judge import Evidence, Judge, unverified
from plum_lsp.verification.rank import counted, score
from plum_lsp.verification.trial.running import Ran, can_run, run_on_wrong, run_once
from plum_lsp.verification.whole import refusal_of

_REACHING = re.compile(r"\b(?:__\w+__|_is_installed|globals|locals|vars|eval|exec|inspect|gc|sys|ctypes)\b")
"""Means by which a test could tell a wrong version from the right one without looking at what it does."""
NAMED_MAX = 2
"""The most wrong versions that the reason names. The evidence has all."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """The test at the hole, and what it may test. `cases` are the runs that verdicts of candidates name.

    `is_added` says that the hole is in a test that has other statements. `passing` are the candidates whose test
    passes, and `weighed` those of them that ran on wrong versions.
    """

    test: OwnTest
    subjects: tuple[Subject, ...] = ()
    cases: dict[str, TestCase] = field(default_factory=dict)
    is_added: bool = False
    passing: set[CandidateId] = field(default_factory=set)
    weighed: dict[CandidateId, Judged] = field(default_factory=dict)

    @classmethod
    def of(cls, judge: Judge) -> Trial | None:
        """The trial of the hole. None if the hole is in no test that can be run."""
        test = own_test_of(judge.context)
        if test is None or not can_run(test, judge):
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
        """The candidate with the verdict on its own test. `weigh` looks at what the test notices."""
        problem = candidate.problem or (f"not run: {evidence.problem}" if evidence.problem else "")
        if problem:
            return unverified(candidate, problem)
        program = judge.program(candidate)
        if self.test.node and (refused := refusal_of(judge.context, program, candidate)):
            return await self._unrun(candidate, judge, evidence, refused)
        try:
            once, again = await asyncio.gather(*(run_once(self.test, program, judge) for _ in range(2)))
            failed = next((one for one in (once, again) if not one.is_passed), None)
            if failed is not None and self.test.node and not failed.is_told:
                return await self._unrun(candidate, judge, evidence, failed.shown or "pytest does not run it")
            if failed is not None:
                return self._refuted(candidate, failed)
        except SandboxError as error:
            return unverified(candidate, f"not run: {told(error)}")
        own = _verdict(self.test.case, VerdictStatus.PASSED, once)
        if not self.subjects:
            return _made(candidate, (own,), Tier.CHECKED, "as a test: it passes. It has run on no wrong version")
        named = subjects_of(self.test, program.source, self.subjects)
        if not named:
            return unverified(
                candidate, "as a test: it names no function of the project that could be wrong", has_run=True
            )
        self.passing.add(candidate.id)
        names = ", ".join(one.qualified_name for one in named)
        reason = f"as a test: it passes. It has not run on wrong versions of {names} yet"
        return _made(candidate, (own,), Tier.CHECKED, reason)

    async def weigh(self, members: Sequence[Judged], judge: Judge) -> None:
        """Run the tests that pass on wrong versions, one candidate after the other.

        Raises:
            SandboxError: the jail broke.
        """
        for one in members:
            if one.candidate.id in self.passing - self.weighed.keys():
                self.weighed[one.candidate.id] = await self._weighed(one, judge)

    def settled(self, judged: Judged) -> Judged:
        """The candidate as the wrong versions show it, if they were run."""
        return self.weighed.get(judged.candidate.id, judged)

    async def _weighed(self, judged: Judged, judge: Judge) -> Judged:
        program, candidate = judge.program(judged.candidate), judged.candidate
        wrong = wrong_versions(self.test, subjects_of(self.test, program.source, self.subjects))
        others = await asyncio.gather(*(run_on_wrong(self.test, program, one, judge) for one in wrong))
        tried = [(one, seen) for one, seen in zip(wrong, others, strict=True) if seen.is_told]
        noticed = await self._new([one for one, seen in tried if not seen.is_passed], judge)
        judged = self._judged(judged, [one for one, _ in tried], noticed)
        reached = _REACHING.search(candidate.text)
        if judged.tier is Tier.VERIFIED and reached:
            return replace(judged, tier=Tier.CHECKED, reason=f"{judged.reason}. It uses {reached.group()}")
        if judged.tier is Tier.VERIFIED and not any(seen.by_assertion for one, seen in tried if one in noticed):
            return replace(judged, tier=Tier.CHECKED, reason=f"{judged.reason}. No assertion notices one")
        return judged

    async def _unrun(self, candidate: Candidate, judge: Judge, evidence: Evidence, why: str) -> Judged:
        """The candidate judged like code outside of a test, because pytest does not run it."""
        judged, _ = await judge.judge(candidate, evidence)
        reason = f"it loads, but is not run as a test: {why}"
        return replace(judged, reason=reason) if judged.tier is not Tier.UNVERIFIED else judged

    async def _new(self, noticed: Sequence[Wrong], judge: Judge) -> list[Wrong]:
        """Those that the rest of the test does not notice by itself."""
        if not self.is_added:
            return list(noticed)
        context = judge.context
        rest = replace(judge.reference, source=f"{context.before}pass{context.after}")
        seen = await asyncio.gather(*(run_on_wrong(self.test, rest, one, judge) for one in noticed))
        return [one for one, before in zip(noticed, seen, strict=True) if before.is_passed]

    def _is_in_block(self, candidate: Candidate, tried: Sequence[Wrong]) -> bool:
        """Whether a candidate adds to a test that was there, and is about what that test is about."""
        return self.is_added and any(one.subject.name in candidate.text for one in tried)

    def _refuted(self, candidate: Candidate, failed: Ran) -> Judged:
        verdict = _verdict(self.test.case, VerdictStatus.FAILED, failed)
        reason = f"as a test: it fails on the code as it is, with {failed.shown.rstrip(': ')}"
        return _made(candidate, (verdict,), Tier.UNVERIFIED, reason)

    def _judged(self, judged: Judged, tried: Sequence[Wrong], noticed: Sequence[Wrong]) -> Judged:
        """The tier of a test that passes."""
        candidate, (own,) = judged.candidate, judged.verdicts
        self.cases |= {one.case.id: one.case for one in noticed}
        verdicts = (own, *(_verdict(one.case, VerdictStatus.PASSED, None) for one in noticed))
        if not tried:
            return _made(candidate, (own,), Tier.CHECKED, "as a test: it passes. It has run on no wrong version")
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


def _verdict(case: TestCase, status: VerdictStatus, seen: Ran | None) -> Verdict:
    text, wall_ms = ("", 0.0) if seen is None else (seen.shown, seen.wall_ms)
    return Verdict(test_id=case.id, status=status, shown=text, wall_ms=wall_ms)


def _made(candidate: Candidate, verdicts: tuple[Verdict, ...], tier: Tier, reason: str) -> Judged:
    own = score(candidate, verdicts)
    return Judged(candidate=candidate, verdicts=verdicts, tier=tier, score=own, reason=reason, has_run=True)

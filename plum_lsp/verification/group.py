"""The ladder: the steps from candidates to a settled group, for every caller.

The steps in order: `screen` the tests, `add` each candidate, `compare` the group, `settle` it. A caller may stop after
any step. `rank` chooses from the group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from plum_lsp.domain.suggestion import Candidate, Judged, Tier
from plum_lsp.domain.verification import Call, Observation, TestCase
from plum_lsp.verification.compare import Comparison, compare, reconsidered
from plum_lsp.verification.excerpts import ExcerptJudge, KnownFiles, RepairedFile, judged_by, judged_with_imports
from plum_lsp.verification.judge import DOES_NOT_RUN, Evidence, Judge, index_of, unverified
from plum_lsp.verification.settle import settled, stands_alone
from plum_lsp.verification.trial.trial import Trial
from plum_lsp.verification.whole import without_unjudgeable


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The judged candidates of one prompt, and what they did.

    `members` are in the order in which they were judged. `first` holds their observations on the first inputs, by
    candidate index. `comparison` holds those on all inputs. It is empty until the group is compared.
    `sampled_tests` are the policy's own tests that support members.
    """

    members: tuple[Judged, ...] = ()
    first: Mapping[int, tuple[Observation, ...]] = field(default_factory=dict)
    comparison: Comparison = field(default_factory=lambda: Comparison(observed={}))
    sampled_tests: tuple[TestCase, ...] = ()

    def joined(self, judged: Judged, seen: tuple[Observation, ...]) -> Group:
        """The group with one more member and its observations, if it has any."""
        first = {**self.first, index_of(judged): seen} if seen else self.first
        return replace(self, members=(*self.members, judged), first=first)

    def changed(self, members: Sequence[Judged]) -> tuple[Group, tuple[Judged, ...]]:
        """The group with new states of its members, in their order, and those that are new."""
        new = tuple(now for was, now in zip(self.members, members, strict=True) if now != was)
        return replace(self, members=tuple(members)), new

    def supported(self, members: Sequence[Judged], tests: tuple[TestCase, ...]) -> tuple[Group, tuple[Judged, ...]]:
        """The group with the policy's own tests and the members that they support, and those that are new."""
        group, new = self.changed(members)
        return replace(group, sampled_tests=tests), new


class Ladder:
    """One group on its way up. `group` is its state after the last step that was completed.

    If the file runs only with imports of a candidate, the later candidates without them are not run.

    Of files that are `known` from earlier groups, the evidence is not found again. If the hole is in a test, its
    `trial` judges the candidates, and they are not compared.
    """

    def __init__(self, judge: Judge, known: KnownFiles | None = None) -> None:
        self.trial = Trial.of(judge)
        if self.trial is not None:
            judge = replace(judge, tests=(), calls=(), contracts=(), whole=(), compares=False)
        self.judge = judge
        self._known = known
        self.group = Group()
        self.evidence: Evidence | None = None
        self.is_compared = False
        self._unable: tuple[Judge | None, str] = (None, "")
        self._repaired: RepairedFile | None = None
        self._tried: set[tuple[str, ...]] = set()
        self._repairing = asyncio.Lock()

    def fork(self) -> Ladder:
        """A ladder with this one's group, before it is compared. Neither sees what becomes of the other."""
        other = Ladder(self.judge)
        other.group, other.evidence, other.trial = self.group, self.evidence, self.trial
        other._unable, other._repaired = self._unable, self._repaired
        return other

    async def screen(self) -> Evidence:
        """Find the tests that tell. This must come before the first candidate is added.

        If the file does not run as a whole, the judge is from now on one that runs what the function needs of it.
        """
        if self.trial is not None:
            self.evidence = await self.judge.evidence()
            await self.trial.prepare(self.judge)
            return self.evidence
        whole = self.judge
        self.judge, self.evidence = await judged_by(whole, self._known)
        cause = f"{DOES_NOT_RUN}: {self.judge.cause}" if isinstance(self.judge, ExcerptJudge) else ""
        self._unable = (whole, self.evidence.problem or cause)
        return self.evidence

    def skip(self, reason: str) -> None:
        """Run no candidate. Each stays unverified for this reason."""
        self.evidence = Evidence(specification=(), problem=reason)

    async def add(self, candidate: Candidate) -> Judged:
        """Judge a candidate by itself. It becomes a member of the group."""
        judged, seen = await self.late(candidate)
        self.group = self.group.joined(judged, seen)
        return judged

    async def late(self, candidate: Candidate) -> tuple[Judged, tuple[Observation, ...]]:
        """Judge a candidate for the record only, with its observations on the first inputs."""
        assert self.evidence is not None, "the tests were not screened"
        if self.trial is not None:
            return await self.trial.judge(candidate, self.judge, self.evidence), ()
        async with self._repairing:
            await self._repair(candidate)
        if self._repaired is not None and not self._repaired.imports <= set(candidate.imports):
            return unverified(candidate, candidate.problem or f"not run: {self._repaired.problem}"), ()
        return await self.judge.judge(candidate, self.evidence)

    @property
    def is_repaired(self) -> bool:
        """Whether the file runs with imports of a candidate, and not without."""
        return self._repaired is not None

    async def _repair(self, candidate: Candidate) -> None:
        """Judge in the file with imports of this candidate from now on, if it runs only with them.

        What ran in a part of the file stays comparable, and then the group keeps its results.
        """
        whole, problem = self._unable
        if whole is None or self._repaired is not None or any(one.has_run for one in self.group.members):
            return
        if not problem or candidate.problem or not candidate.imports or candidate.imports in self._tried:
            return
        self._tried.add(candidate.imports)
        self._repaired = await judged_with_imports(whole, problem, candidate)
        if self._repaired is not None:
            self.judge, self.evidence = self._repaired.judge, self._repaired.evidence

    def leave_out_unjudgeable(self) -> None:
        """Leave out the verdicts of tests that cannot be judged here. `reconsider` does this too, if there is time."""
        if self.evidence is not None:
            members = without_unjudgeable(self.group.members, self.evidence.specification)
            self.group = replace(self.group, members=tuple(members))

    @property
    def passing(self) -> list[Judged]:
        """The members that pass their tests."""
        return [one for one in self.group.members if one.tier is Tier.VERIFIED]

    @property
    def has_rivals(self) -> bool:
        """Whether more than one member passes its tests, so that a comparison can tell them apart."""
        return len(self.passing) > 1

    def is_clear(self, unwanted: Collection[str] = ()) -> bool:
        """Whether a member passes its tests, and each that does stands alone. `unwanted` members are not offered."""
        first = self.group.first
        has_new = any(one.candidate.fingerprint not in unwanted for one in self.passing)
        return has_new and all(stands_alone(one, first.get(index_of(one), ()), self.judge) for one in self.passing)

    async def reconsider(self) -> None:
        """Give members that ran out of time more of it, if none passed.

        Raises:
            SandboxError: the jail broke.
        """
        assert self.evidence is not None, "the tests were not screened"
        members = await reconsidered(self.group.members, self.judge, self.evidence)
        self.group = replace(self.group, members=tuple(members))

    async def compare(self, *, named: Sequence[Call] = ()) -> None:
        """Run all members on more inputs, with those that the policy named. Tests run on wrong versions.

        Raises:
            SandboxError: the jail broke.
        """
        self.is_compared = True
        if self.trial is not None:
            return await self.trial.weigh(self.group.members, self.judge)
        comparison = await compare(self.group.members, self.judge, self.group.first, named=named)
        self.group = replace(self.group, comparison=comparison)
        return None

    def settle(self) -> tuple[Judged, ...]:
        """Estimate each member with the evidence of the whole group. Returns the members that changed.

        Without a comparison, the tests alone count.
        """
        if self.trial is not None:
            self.group, changed = self.group.changed([self.trial.settled(one) for one in self.group.members])
            return changed
        judge = self.judge if self.is_compared else replace(self.judge, compares=False)
        self.group, changed = self.group.changed(settled(self.group.members, judge, self.group.comparison))
        return changed

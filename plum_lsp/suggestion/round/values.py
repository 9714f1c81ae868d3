"""The values of one request: its round, which never changes, and what stands of its group when the answer is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Context, Judged, PolicyVersion, SuggestionRequest, Tier, Trigger
from plum_lsp.domain.verification import TestCase
from plum_lsp.suggestion.asking import Asked
from plum_lsp.suggestion.plan import Plan
from plum_lsp.suggestion.round.telling import Telling
from plum_lsp.suggestion.survey import Survey
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Judge
from plum_lsp.verification.rank import CHECKED_MIN
from plum_lsp.verification.whole import is_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is settled before the first candidate: the question, its surroundings, its plan and who answers.

    `began` is when the policy was ready, in seconds of the clock port. `telling` takes the facts of the request.
    """

    request: SuggestionRequest
    context: Context
    around: Survey
    plan: Plan
    policy: Policy
    version: PolicyVersion
    began: float
    telling: Telling

    def unwanted_of(self, judged: Iterable[Judged]) -> frozenset[str]:
        """The fingerprints that are not to be offered, as far as these candidates show them."""
        candidates = (one.candidate for one in judged)
        return self.request.unwanted.among(candidates, self.request.document.text, self.context.hole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What stands of a round's group at one moment. No candidate that comes later joins it.

    `ladder` takes the group of this moment further: it compares and settles it. `asked` is what the policy wrote of
    tests. `policy_problem` is why the policy ended the group, and `is_late` says that the deadline did.
    `has_arrived` says that a candidate has come that is not judged yet.
    """

    round: Round
    ladder: Ladder
    asked: Asked = field(default_factory=Asked)
    policy_problem: str = ""
    is_late: bool = False
    has_arrived: bool = False

    def ended_late(self) -> Gathered:
        """The same at the deadline. Verdicts of tests that cannot be judged here are left out."""
        self.ladder.leave_out_unjudgeable()
        return replace(self, is_late=True)

    @property
    def request(self) -> SuggestionRequest:
        """The question."""
        return self.round.request

    @property
    def context(self) -> Context:
        """The surroundings of the cursor."""
        return self.round.context

    @property
    def judge(self) -> Judge:
        """The judge of the candidates."""
        return self.ladder.judge

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The candidates that are judged, in the order of their verdicts."""
        return self.ladder.group.members

    @property
    def unwanted(self) -> frozenset[str]:
        """The fingerprints that are not to be offered."""
        return self.round.unwanted_of(self.judged)

    @property
    def checked_min(self) -> float:
        """The probability that a `checked` candidate needs.

        It needs none if the user asked, outside of functions, or at a place without a group, where there is no
        estimate. A line whose tests judge no candidate is such a place, too: tests that cannot run here must not hold
        back what would be shown without them. `choose` knows the exception for candidates that are contradicted.
        """
        is_invoked = self.request.trigger is Trigger.INVOKED
        is_judged = self.round.plan.has_estimates or any(one.verdicts for one in self.judged)
        is_free = is_invoked or self.context.function is None or self.round.plan.is_alone or not is_judged
        return 0.0 if is_free or self.ladder.trial is not None else CHECKED_MIN

    @property
    def tests(self) -> tuple[TestCase, ...]:
        """All tests that a verdict may name."""
        return (*self.judge.tests, *whole_tests(self.ladder), *self.ladder.group.sampled_tests, *tried(self.ladder))


def standing_count(this: Round, ladder: Ladder) -> int:
    """The number of judged candidates that could be offered."""
    members = ladder.group.members
    unwanted = this.unwanted_of(members)
    kept = (
        one
        for one in members
        if not one.is_refuted and not one.candidate.problem and one.candidate.fingerprint not in unwanted
    )
    return sum(one.tier is not Tier.UNVERIFIED or this.context.place.is_prose for one in kept)


def tried(ladder: Ladder) -> tuple[TestCase, ...]:
    """The runs of a test that is being written."""
    return ladder.trial.tests if ladder.trial is not None else ()


def whole_tests(ladder: Ladder) -> tuple[TestCase, ...]:
    """The project's tests that are run whole."""
    return tuple(test for test in ladder.evidence.specification if is_whole(test)) if ladder.evidence else ()


def late_tests(ladder: Ladder) -> tuple[TestCase, ...]:
    """Tests that are known only after a candidate came: of a file that runs with its imports, or runs of its own."""
    return (*(whole_tests(ladder) if ladder.is_repaired else ()), *tried(ladder))

"""The state of one request while its candidates arrive. It makes no decision."""

from __future__ import annotations

from dataclasses import dataclass, field

from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Candidate, Context, Judged, PolicyVersion, SuggestionRequest, Trigger
from plum_lsp.domain.verification import TestCase
from plum_lsp.suggestion.asking import Asked
from plum_lsp.suggestion.survey import Survey
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Judge
from plum_lsp.verification.whole import is_whole

CHECKED_MIN = 0.5
"""The probability that a `checked` body needs to be offered while the user types. An unlikely guess is no help."""


@dataclass(slots=True, kw_only=True)
class Round:
    """The state of one request while its candidates come in."""

    request: SuggestionRequest
    policy: Policy
    context: Context
    ladder: Ladder
    version: PolicyVersion
    around: Survey
    fingerprints: dict[str, int] = field(default_factory=dict)
    unjudged: dict[int, Candidate] = field(default_factory=dict)
    policy_problem: str = ""
    is_late: bool = False
    asked: Asked = field(default_factory=Asked)
    sampled_tests: tuple[TestCase, ...] = ()

    @property
    def judge(self) -> Judge:
        """The judge of the request's candidates."""
        return self.ladder.judge

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The candidates that are judged, in the order of their verdicts."""
        return self.ladder.group.members

    @property
    def checked_min(self) -> float:
        """The probability that a `checked` candidate needs: none if the user asked, or outside of functions."""
        is_asked = self.request.trigger is Trigger.INVOKED
        return 0.0 if is_asked or self.context.function is None else CHECKED_MIN

    @property
    def whole(self) -> tuple[TestCase, ...]:
        """The project's tests that are run whole."""
        evidence = self.ladder.evidence
        return tuple(test for test in evidence.specification if is_whole(test)) if evidence else ()

"""The values that the queries of the store return. They know no SQL and are valid once they exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plum_lsp.domain.learning import OutcomeKind
from plum_lsp.domain.quality import Quality
from plum_lsp.domain.suggestion import AbstentionReason, CandidateId, OfferId, RequestId, Tier, is_refuted
from plum_lsp.domain.verification import Origin, TestId, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Counts of all kinds of rows. `offers` counts by tier and latest outcome (None if the outcome is unknown).

    An offer counts as shown if an editor said so, or if it was accepted.
    """

    requests: int
    candidates: int
    verdicts: int
    verdicts_passed: int
    offers_shown: int
    offers: Mapping[tuple[Tier, OutcomeKind | None], int]
    abstentions: Mapping[AbstentionReason, int]

    @property
    def pass_rate(self) -> float | None:
        """Share of verdicts that are a pass, in [0, 1]. None without verdicts."""
        return self.verdicts_passed / self.verdicts if self.verdicts else None

    @property
    def acceptance_rate(self) -> float | None:
        """Accepted offers over shown offers, in [0, 1]. None if none was shown."""
        taken = {OutcomeKind.ACCEPTED, OutcomeKind.EDITED}
        accepted = sum(count for (_, kind), count in self.offers.items() if kind in taken)
        return accepted / self.offers_shown if self.offers_shown else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTest:
    """A test as it was when the offer was made."""

    id: TestId
    origin: Origin
    setup: str
    expression: str
    expectation_kind: str
    expectation: Mapping[str, object]
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCandidate:
    """A candidate of the group with its row of the matrix. `tier` None means that it was never judged."""

    id: CandidateId
    index: int
    text: str
    problem: str
    duplicate_of: int | None
    temperature: float
    seed: int
    mean_logprob: float | None
    tier: Tier | None
    score: float | None
    reason: str
    verdicts: tuple[Verdict, ...]
    quality: Quality | None

    @property
    def is_refuted(self) -> bool:
        """Whether a test showed it wrong, as its latest judgement has it."""
        return is_refuted(self.tier, self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOutcome:
    """One outcome of the offer. Times are UTC text. `tier` is the label on the screen, if it was recorded."""

    kind: OutcomeKind
    source: str
    accepted_length: int | None
    visible_ms: float | None
    happened_at: str
    tier: Tier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All facts about one offer. `sandbox_tier` and `python_version` are empty if no code was run."""

    offer_id: OfferId
    request_id: RequestId
    candidate_id: CandidateId
    document_uri: str
    function_name: str | None
    tier: Tier
    reason: str
    offered_at: str
    policy_number: int
    model: str
    model_sha256: str
    prompt: str
    sandbox_tier: str
    python_version: str
    stages_ms: Mapping[str, float]
    tests: tuple[KnownTest, ...]
    candidates: tuple[KnownCandidate, ...]
    outcomes: tuple[KnownOutcome, ...]

    @property
    def text(self) -> str:
        """What was offered."""
        return next(one.text for one in self.candidates if one.id == self.candidate_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEvidence:
    """What there is to learn from about one policy version.

    A candidate passes if tests of a specification ran and it passes them all. A mixed group holds passing and failing
    candidates of one request, which is what a preference pair is made of.
    """

    number: int
    model: str
    adapter_sha256: str
    requests: int
    candidates: int
    candidates_run: int
    candidates_passing: int
    groups_mixed: int
    outcomes: int

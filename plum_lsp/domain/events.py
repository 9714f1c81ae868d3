"""What happens during one suggestion, in order. Recorder, status bar and terminal all read the same stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plum_lsp.domain.quality import Quality
from plum_lsp.domain.suggestion import (
    Abstention,
    Candidate,
    CandidateId,
    Context,
    FimPrompt,
    Judged,
    Offer,
    RequestId,
    SamplingOptions,
    SuggestionRequest,
)
from plum_lsp.domain.verification import SandboxTier, TestCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """The context was read and the prompt built."""

    request: SuggestionRequest
    context: Context
    prompt: FimPrompt
    options: SamplingOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesized:
    """The tests that will judge the candidates."""

    request_id: RequestId
    tests: tuple[TestCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A candidate's stream ended. `duplicate_of` is the index of an earlier candidate with the same fingerprint."""

    request_id: RequestId
    candidate: Candidate
    duplicate_of: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A candidate was judged. `isolation` is the sandbox tier it ran in, or None if it was not run."""

    request_id: RequestId
    judged: Judged
    isolation: SandboxTier | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """Tests that the policy wrote support some candidates.

    `judged` are these candidates, with the tests that they pass and a higher score. `tests` are all tests of the
    request, those of the specification first.
    """

    request_id: RequestId
    tests: tuple[TestCase, ...]
    judged: tuple[Judged, ...]
    isolation: SandboxTier


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised:
    """Signals beside the tests were computed for a group. They order candidates that are equally right."""

    request_id: RequestId
    qualities: tuple[tuple[CandidateId, Quality], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The request ended in an offer or an abstention. `stages_ms` holds the time of each stage of the pipeline."""

    request_id: RequestId
    result: Offer | Abstention
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """What the rest of the group says of an offer that was made early.

    `result` is the offer with its new label, or an abstention if the offer is withdrawn. With `has_better` another
    candidate is worth an offer, so that it pays to ask again.
    """

    request_id: RequestId
    offer: Offer
    result: Offer | Abstention
    has_better: bool = False


Event: TypeAlias = Prompted | Synthesized | Sampled | Verified | Supported | Appraised | Ended | Revised

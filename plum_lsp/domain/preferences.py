"""Facts as evidence, and the preferences derived from them. Values only. `feedback.pairs` holds the rules."""

from __future__ import annotations

from dataclasses import dataclass

from plum_lsp.domain.learning import OutcomeKind, PairSource
from plum_lsp.domain.suggestion import Finish, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFacts:
    """One candidate of a prompt. `tests`, `passed` and `timed_out` count its verdicts by tests of a specification.
    `wall_ms` is the sum of their times. `together` counts those of tests that ran in the candidate's own process.
    """

    request_id: str
    id: str
    version_id: int
    text: str
    completion: str
    restored: str
    fingerprint: str
    problem: str
    finish: Finish
    tier: Tier | None
    tests: int
    passed: int
    timed_out: int
    wall_ms: float
    probability: float | None = None
    strength: float | None = None
    together: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """What became of an offer: every kind of outcome it had, and the latest measurement of its survival."""

    request_id: str
    candidate_id: str
    outcomes: tuple[OutcomeKind, ...]
    is_shown: bool
    survival_share: float | None = None
    survival_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFacts:
    """Everything known about one prompt, over all its requests, in a fixed order."""

    prompt_hash: str
    prompt: str
    document_uris: tuple[str, ...]
    candidates: tuple[CandidateFacts, ...]
    offers: tuple[OfferFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencePair:
    """One text of a prompt over another. `chosen_text` is set only for a correction, which no candidate contains."""

    rule: int
    source: PairSource
    prompt_hash: str
    chosen: CandidateFacts
    rejected: CandidateFacts
    weight: float
    distance: float
    chosen_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceLabel:
    """One candidate, desirable or not. `text` is set only for a correction, which no candidate contains."""

    rule: int
    prompt_hash: str
    candidate: CandidateFacts
    is_desirable: bool
    weight: float
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text for training, as its policy wrote it. `ends` says whether the policy ended it by itself."""

    middle: str
    ends: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPair:
    """A pair with its texts, for the trainer and for display."""

    id: int
    rule: int
    source: PairSource
    prompt_hash: str
    prompt: str
    document_uri: str
    policy_number: int
    base_sha256: str
    weight: float
    distance: float
    chosen: Written
    rejected: Written
    author: str = ""
    """The random id of the person whose request it is. Empty for requests from before there were ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLabel:
    """A label with its text, for the trainer and for display."""

    id: int
    rule: int
    prompt_hash: str
    prompt: str
    document_uri: str
    policy_number: int
    base_sha256: str
    weight: float
    is_desirable: bool
    written: Written
    author: str = ""
    """As of a pair."""


def middle_of(text: str, *, completion: str, restored: str) -> str:
    """The completion that makes `text` the inserted text: the policy's own leading blanks, then the text.

    A prompt omits the blanks at its end (`restored`). A policy may write them, or plum-lsp adds them.
    """
    lead = completion[: len(completion) - len(completion.lstrip(" \t\r\n"))]
    body = text.lstrip(" \t")
    return lead + body if completion[len(lead) :].startswith(body) else restored + text

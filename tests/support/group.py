"""Builds candidates and judged candidates for tests that decide on values."""

from __future__ import annotations

from plum_lsp.domain.suggestion import Candidate, CandidateId, Completion, Finish, Judged, PolicyVersion, Tier
from plum_lsp.domain.verification import TestId, Verdict, VerdictStatus

VERSION = PolicyVersion(number=1, model="test-model", model_sha256="0" * 64)


def candidate(text: str, *, index: int = 0, mean_logprob: float | None = -0.5, problem: str = "") -> Candidate:
    """A candidate that a policy might have written as its `index`-th."""
    completion = Completion(
        index=index,
        text=text,
        finish=Finish.STOP,
        temperature=0.2,
        seed=index,
        token_logprobs=() if mean_logprob is None else (mean_logprob,),
        first_token_ms=1.0,
        ended_ms=2.0,
    )
    return Candidate(
        id=CandidateId(f"candidate-{index}"),
        completion=completion,
        text=text,
        fingerprint=text,
        problem=problem,
        mean_logprob=mean_logprob,
        policy_version=VERSION,
    )


def judged(
    text: str,
    *,
    tier: Tier,
    passes: int = 0,
    fails: int = 0,
    index: int = 0,
    score: float = 0.0,
    problem: str = "",
) -> Judged:
    """A judged candidate with that many passed and failed tests."""
    statuses = [VerdictStatus.PASSED] * passes + [VerdictStatus.FAILED] * fails
    verdicts = tuple(
        Verdict(test_id=TestId(f"test-{number}"), status=status, shown="42", wall_ms=0.1)
        for number, status in enumerate(statuses)
    )
    return Judged(
        candidate=candidate(text, index=index, problem=problem),
        verdicts=verdicts,
        tier=tier,
        score=score,
        reason=f"passes {passes} of {passes + fails}",
    )

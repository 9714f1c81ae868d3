"""Turns verdicts into a tier, a score and an order, and the order into an offer or an abstention.

Pure. It runs no code and does not know why a candidate was sampled.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Candidate,
    Judged,
    Offer,
    OfferId,
    RequestId,
    Tier,
)
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import TestCase, Verdict
from plum_lsp.python.fitting.candidates import ONLY_THOUGHTS
from plum_lsp.verification.quality import quality_key

LOGPROB_WEIGHT = 0.1
"""The most that the policy's own confidence adds to the score. One failed test of ten costs more."""
LENGTH_WEIGHT = 0.001
"""Subtracted for each line. Of two candidates that are equally right and likely, the shorter one is read faster."""

CHECKED_MIN = 0.5
"""The probability that a `checked` body needs to be offered while the user types. An unlikely guess is no help.

A body that another one contradicts always needs it: between two words, the choice would be a coin's.
"""

_STRENGTH = {tier: place for place, tier in enumerate(Tier)}


def score(candidate: Candidate, verdicts: Sequence[Verdict], probability: float = 0.0) -> float:
    """Pass rate and probability, plus small terms for confidence and brevity. About [-0.5, 2.1], higher is better."""
    pass_rate = sum(verdict.is_pass for verdict in verdicts) / len(verdicts) if verdicts else 0.0
    likelihood = math.exp(candidate.mean_logprob) if candidate.mean_logprob is not None else 0.0
    lines = min(candidate.text.count("\n") + 1, 500)
    return pass_rate + probability + LOGPROB_WEIGHT * likelihood - LENGTH_WEIGHT * lines


def ranked(group: Sequence[Judged]) -> list[Judged]:
    """The group in order: strongest tier first, then the probability to be right, in steps of a tenth.

    Among equal ones, safe, quick and simple candidates come first, then those with a higher score. Then the shorter one
    wins, then the earlier one."""
    return sorted(
        group,
        key=lambda judged: (
            _STRENGTH[judged.tier],
            -round(judged.probability or 0.0, 1),
            quality_key(judged.quality),
            -judged.score,
            len(judged.candidate.text),
            judged.candidate.completion.index,
        ),
    )


def choose(
    group: Sequence[Judged],
    *,
    request_id: RequestId,
    offer_id: OfferId,
    hole: Span,
    tests: Sequence[TestCase],
    tiers: Collection[Tier],
    checked_min: float = 0.0,
) -> Offer | Abstention:
    """The offer that `group` supports within `tiers`, with its alternatives, or an abstention with the reason.

    A `checked` candidate also needs at least the probability `checked_min`, and `CHECKED_MIN` if it is contradicted.
    One without an estimate counts as 0. A statement of an unfinished function has no estimate, and needs none.
    """
    standing = [judged for judged in ranked(group) if not judged.is_refuted and not judged.candidate.problem]
    offered = [judged for judged in standing if judged.tier in tiers and not _is_doubtful(judged, checked_min)]
    if not offered:
        return _abstain(group, standing, request_id)
    return Offer(
        id=offer_id,
        request_id=request_id,
        hole=hole,
        chosen=offered[0],
        alternatives=tuple(offered[1:]),
        tests=tuple(tests),
    )


def _is_doubtful(judged: Judged, checked_min: float) -> bool:
    enough = max(checked_min, CHECKED_MIN) if judged.is_contradicted else checked_min
    return judged.tier is Tier.CHECKED and not judged.goes_on and (judged.probability or 0.0) < enough


def _abstain(group: Sequence[Judged], standing: Sequence[Judged], request_id: RequestId) -> Abstention:
    """The most telling reason why none of `group` is offered."""
    refuted = [judged for judged in group if judged.is_refuted]
    if not group:
        reason, detail = AbstentionReason.POLICY_SILENT, "The policy gave no complete candidate in time."
    elif not any(judged.candidate.text.strip() for judged in group):
        is_thoughts = any(judged.candidate.problem == ONLY_THOUGHTS for judged in group)
        detail = f"{ONLY_THOUGHTS[0].upper()}{ONLY_THOUGHTS[1:]}." if is_thoughts else "The model adds nothing here."
        reason = AbstentionReason.NO_VALID_CANDIDATE
    elif standing:
        best = standing[0]
        reason = AbstentionReason.TIER_NOT_OFFERED
        detail = f"The best candidate is only {best.tier.value}: {best.reason}."
    elif refuted:
        reason = AbstentionReason.ALL_FAILED
        detail = f"{counted(len(refuted), 'candidate')} failed the tests. The last one: {refuted[-1].reason}."
    else:
        reason = AbstentionReason.NO_VALID_CANDIDATE
        detail = f"{counted(len(group), 'candidate')}, none fit to run. The last one: {group[-1].reason}."
    return Abstention(request_id=request_id, reason=reason, detail=detail)


def counted(number: int, noun: str) -> str:
    """A number with its noun, as text."""
    return f"{number} {noun}" + ("" if number == 1 else "s")

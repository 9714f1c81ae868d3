"""Decides whether an offer is shown, or held back because the user would probably reject it. Pure.

The rule estimates the chance that the user takes the offer, as a product of

    prior[tier] · probability of being right · exp(mean log-probability / 2) · 1 / (1 + lines / 40)
        · 0.7 ** recent rejections

where a `verified` offer, whose tests a person wrote, counts as right. Offers below `offers.probability_min` are held
back. The numbers are the project's own starting values, until a model fitted to outcomes replaces them.
docs/settings.md documents the form. An explicit request is always answered. The chance rests on tests, so it holds
nothing back from the control of a pilot. The threshold on the model's own confidence does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Candidate, Offer, SuggestionRequest, Tier, Trigger

PRIOR = {Tier.VERIFIED: 0.9, Tier.CONSISTENT: 0.7, Tier.CHECKED: 0.4, Tier.UNVERIFIED: 0.2}
LINES_HALF = 40
"""An offer with this many lines costs as much reading as it saves typing."""
REJECTION_FACTOR = 0.7
"""Each rejection in the last minute multiplies the chance by this factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRule:
    """Thresholds.

    With `probability_min` 0, all offers are shown. `logprob_min` is in nats for each token, at most 0.
    """

    probability_min: float = 0.1
    logprob_min: float = -2.5


def acceptance_probability(
    candidate: Candidate, tier: Tier, *, recent_rejections: int, correctness: float | None = None
) -> float:
    """The estimated chance that the user takes the candidate, in [0, 1].

    `correctness` is the estimated probability that it is right. None means that there is no estimate, and counts as 1.
    """
    confidence = math.exp(candidate.mean_logprob / 2) if candidate.mean_logprob is not None else 1.0
    lines = candidate.text.count("\n") + 1
    worth = PRIOR[tier] * (1.0 if correctness is None else correctness)
    return worth * min(confidence, 1.0) * REJECTION_FACTOR**recent_rejections / (1 + lines / LINES_HALF)


def shown_or_silent(offer: Offer, request: SuggestionRequest, rule: ShowRule) -> Offer | Abstention:
    """The offer, or an abstention that says why it is held back."""
    if request.trigger is Trigger.INVOKED or rule.probability_min <= 0:
        return offer
    chosen = offer.chosen
    logprob = chosen.candidate.mean_logprob
    if chosen.tier is not Tier.VERIFIED and logprob is not None and logprob < rule.logprob_min:
        detail = f"The model is too unsure of it: {logprob:.2f} nats a token, below {rule.logprob_min:.2f}."
        return Abstention(request_id=request.id, reason=AbstentionReason.TOO_UNSURE, detail=detail)
    if request.is_control:
        return offer
    chance = acceptance_probability(
        chosen.candidate,
        chosen.tier,
        recent_rejections=request.recent_rejections,
        correctness=None if chosen.tier is Tier.VERIFIED else chosen.probability,
    )
    if chance < rule.probability_min:
        detail = f"It would likely be turned down: {chance:.0%} chance, below {rule.probability_min:.0%}."
        return Abstention(request_id=request.id, reason=AbstentionReason.TOO_UNSURE, detail=detail)
    return offer

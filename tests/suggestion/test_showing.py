"""The rule that keeps back what would be noise: it says why, and never keeps back what the user asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.group import candidate, judged

from plum_lsp.domain.suggestion import (
    Abstention,
    AbstentionReason,
    Offer,
    OfferId,
    RequestId,
    SuggestionRequest,
    Tier,
    Trigger,
)
from plum_lsp.domain.text import Document, PositionEncoding, Span
from plum_lsp.suggestion.showing import ShowRule, acceptance_probability, shown_or_silent

REQUEST = SuggestionRequest(
    id=RequestId("r"),
    document=Document(uri="file:///a.py", version=1, text="", encoding=PositionEncoding.UTF16),
    offset=0,
    trigger=Trigger.AUTOMATIC,
    deadline=1.0,
)


def offer(text: str = "return 1\n", *, tier: Tier = Tier.CHECKED, mean_logprob: float | None = -0.5) -> Offer:
    """An offer of one candidate."""
    chosen = replace(judged(text, tier=tier), candidate=candidate(text, mean_logprob=mean_logprob))
    return Offer(
        id=OfferId("o"), request_id=REQUEST.id, hole=Span(start=0, end=0), chosen=chosen, alternatives=(), tests=()
    )


def test_likely_offer_is_shown() -> None:
    """What is checked and confident passes the default rule unchanged."""
    made = offer()
    assert shown_or_silent(made, REQUEST, ShowRule()) is made


def test_unsure_offer_is_kept_back_with_its_reason() -> None:
    """Below the threshold of log-probability the abstention names both numbers."""
    result = shown_or_silent(offer(mean_logprob=-3.0), REQUEST, ShowRule())
    assert isinstance(result, Abstention)
    assert result.reason is AbstentionReason.TOO_UNSURE
    assert "-3.00" in result.detail and "-2.50" in result.detail


def test_verified_offer_does_not_need_the_model_s_confidence() -> None:
    """A test that passed says more than the model's own opinion."""
    made = offer(tier=Tier.VERIFIED, mean_logprob=-3.0)
    assert shown_or_silent(made, REQUEST, ShowRule()) is made


def test_rejections_silence_weak_offers_first() -> None:
    """After four rejections within a minute only strong evidence interrupts."""
    tired = replace(REQUEST, recent_rejections=4)
    weak, strong = offer(tier=Tier.CHECKED), offer(tier=Tier.VERIFIED)
    assert isinstance(shown_or_silent(weak, tired, ShowRule()), Abstention)
    assert shown_or_silent(strong, tired, ShowRule()) is strong


@pytest.mark.parametrize(
    ("request_", "rule"),
    [(replace(REQUEST, trigger=Trigger.INVOKED), ShowRule()), (REQUEST, ShowRule(probability_min=0.0))],
    ids=["asked for", "switched off"],
)
def test_nothing_is_kept_back(request_: SuggestionRequest, rule: ShowRule) -> None:
    """Whoever asks is answered, and 0 switches the rule off."""
    made = offer("x\n" * 200, mean_logprob=-5.0)
    assert shown_or_silent(made, request_, rule) is made


def test_probability_falls_with_each_term() -> None:
    """Tier, confidence, length and rejections each lower the estimate."""
    best = acceptance_probability(candidate("a", mean_logprob=0.0), Tier.VERIFIED, recent_rejections=0)
    worse = [
        acceptance_probability(candidate("a", mean_logprob=0.0), Tier.CHECKED, recent_rejections=0),
        acceptance_probability(candidate("a", mean_logprob=-1.0), Tier.VERIFIED, recent_rejections=0),
        acceptance_probability(candidate("a\n" * 30, mean_logprob=0.0), Tier.VERIFIED, recent_rejections=0),
        acceptance_probability(candidate("a", mean_logprob=0.0), Tier.VERIFIED, recent_rejections=1),
    ]
    assert all(0 < chance < best <= 1 for chance in worse)

"""Ranking and choosing on plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.group import candidate, judged

from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Judged, Offer, OfferId, RequestId, Tier
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import TestId, Verdict, VerdictStatus
from plum_lsp.verification.rank import choose, ranked, score

ALL_TIERS = tuple(Tier)
DEFAULT_TIERS = (Tier.VERIFIED, Tier.CONSISTENT, Tier.CHECKED)


def chosen(
    group: list[Judged], tiers: tuple[Tier, ...] = DEFAULT_TIERS, checked_min: float = 0.0
) -> Offer | Abstention:
    """What the group comes to."""
    return choose(
        group,
        request_id=RequestId("request"),
        offer_id=OfferId("offer"),
        hole=Span(start=0, end=0),
        tests=(),
        tiers=tiers,
        checked_min=checked_min,
    )


def verdicts(*passes: bool) -> tuple[Verdict, ...]:
    """Verdicts, passed or failed."""
    return tuple(
        Verdict(
            test_id=TestId(str(number)),
            status=VerdictStatus.PASSED if is_pass else VerdictStatus.FAILED,
            shown="",
            wall_ms=0.1,
        )
        for number, is_pass in enumerate(passes)
    )


def test_a_stronger_tier_comes_first_whatever_the_score() -> None:
    """Evidence goes before confidence."""
    checked = judged("likely", tier=Tier.CHECKED, score=1.0, index=0)
    verified = judged("right", tier=Tier.VERIFIED, passes=2, score=0.1, index=1)

    assert ranked([checked, verified]) == [verified, checked]


def test_ties_fall_to_the_shorter_then_the_earlier() -> None:
    """Equal scores leave the order to length, then to the order of sampling."""
    long = judged("longer text", tier=Tier.VERIFIED, passes=1, index=0)
    late = judged("short", tier=Tier.VERIFIED, passes=1, index=2)
    early = judged("brief", tier=Tier.VERIFIED, passes=1, index=1)

    assert ranked([long, late, early]) == [early, late, long]


def test_one_failed_test_weighs_more_than_all_confidence() -> None:
    """A certain candidate that fails one of ten tests scores below a hesitant one that passes all."""
    certain = score(candidate("x", mean_logprob=0.0), verdicts(*[True] * 9, False))
    hesitant = score(candidate("x", mean_logprob=-5.0), verdicts(*[True] * 10))

    assert hesitant > certain


@pytest.mark.parametrize("tiers", [DEFAULT_TIERS, ALL_TIERS])
def test_a_refuted_candidate_is_never_offered(tiers: tuple[Tier, ...]) -> None:
    """Not even where the user lets unverified candidates through."""
    result = chosen([judged("wrong", tier=Tier.UNVERIFIED, passes=2, fails=1)], tiers)

    assert isinstance(result, Abstention)
    assert result.reason is AbstentionReason.ALL_FAILED


def test_a_candidate_with_a_problem_is_never_offered() -> None:
    """What does not parse cannot be inserted, whatever tiers are offered."""
    result = chosen([judged("x = (", tier=Tier.UNVERIFIED, problem="does not parse")], ALL_TIERS)

    assert isinstance(result, Abstention)
    assert result.reason is AbstentionReason.NO_VALID_CANDIDATE


def test_a_tier_that_is_not_offered_is_named() -> None:
    """The user learns that there was something, and why it was held back."""
    result = chosen([judged("pass", tier=Tier.CHECKED)], (Tier.VERIFIED,))

    assert isinstance(result, Abstention)
    assert result.reason is AbstentionReason.TIER_NOT_OFFERED
    assert "checked" in result.detail


def test_an_empty_group_is_the_policys_silence() -> None:
    """Without candidates there is no one to blame but the policy."""
    result = chosen([])

    assert isinstance(result, Abstention)
    assert result.reason is AbstentionReason.POLICY_SILENT


def test_the_others_stand_by_as_alternatives() -> None:
    """The best is chosen; what else may be offered follows in order, without the refuted."""
    group = [
        judged("wrong", tier=Tier.UNVERIFIED, fails=1, index=0),
        judged("fine", tier=Tier.VERIFIED, passes=1, score=1.0, index=1),
        judged("best", tier=Tier.VERIFIED, passes=1, score=1.1, index=2),
    ]

    result = chosen(group)

    assert isinstance(result, Offer)
    assert result.text == "best"
    assert [other.candidate.text for other in result.alternatives] == ["fine"]


@pytest.mark.parametrize(("probability", "is_offered"), [(None, False), (0.49, False), (0.5, True)])
def test_an_unlikely_guess_is_held_back(probability: float | None, is_offered: bool) -> None:
    """Where nothing tells right from wrong the estimate decides. A verified candidate needs none."""
    guess = replace(judged("guess", tier=Tier.CHECKED), probability=probability)
    assert isinstance(chosen([guess], checked_min=0.5), Offer) is is_offered
    assert isinstance(chosen([guess]), Offer)
    assert isinstance(chosen([judged("sure", tier=Tier.VERIFIED, passes=1)], checked_min=0.5), Offer)


@pytest.mark.parametrize(("probability", "is_offered"), [(None, False), (0.49, False), (0.5, True)])
def test_one_word_against_one_is_held_back(probability: float | None, is_offered: bool) -> None:
    """Also if the user asked: the reason says on which input the two differ."""
    guess = replace(judged("guess", tier=Tier.CHECKED), probability=probability, is_contradicted=True)
    assert isinstance(chosen([guess]), Offer) is is_offered

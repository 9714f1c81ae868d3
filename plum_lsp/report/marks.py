"""The signs for results on a page, in a terminal and in a menu of an editor."""

from __future__ import annotations

from typing import NamedTuple

from plum_lsp.domain.suggestion import Offer, Tier
from plum_lsp.domain.verification import Origin, VerdictStatus


class Mark(NamedTuple):
    """One character, and its style in a terminal (rich's words)."""

    sign: str
    style: str


GOOD, WARNING, BAD = Mark("✓", "green"), Mark("!", "yellow"), Mark("✗", "red")
"""The three findings of `plum-lsp doctor`."""

VERDICT = {
    VerdictStatus.PASSED: GOOD,
    VerdictStatus.FAILED: BAD,
    VerdictStatus.ERRORED: Mark("!", "red"),
    VerdictStatus.TIMED_OUT: Mark("⏱", "red"),
    VerdictStatus.OVER_LIMIT: Mark("▲", "red"),
    VerdictStatus.UNDECIDED: Mark("?", "yellow"),
}
"""The verdict of one test."""

TIER = {
    Tier.VERIFIED: Mark("✓", "bold green"),
    Tier.CONSISTENT: Mark("≈", "cyan"),
    Tier.CHECKED: Mark("·", "yellow"),
    Tier.UNVERIFIED: Mark("?", "dim"),
}
"""The tier of a candidate. The plug-in for Neovim repeats these signs (`editor-clients/neovim/lua/plum/draw.lua`)."""


def tier_label(tier: Tier) -> str:
    """A tier with its sign, as a menu shows it."""
    return f"{TIER[tier].sign} {tier.value}"


def offer_label(offer: Offer) -> str:
    """An offer's tier with its sign. Of a result that the sandbox computed, it says so."""
    if any(test.origin is Origin.COMPUTED for test in offer.tests):
        return f"{TIER[Tier.CHECKED].sign} computed"
    return tier_label(offer.chosen.tier)

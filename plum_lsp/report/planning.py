"""What a pilot can be expected to show, before it starts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plum_lsp.domain.pilot import Measure
from plum_lsp.report.pilot import measured_share, smallest_effect
from plum_lsp.report.shares import Z
from plum_lsp.store.usage import OfferRow

SHOWN_MIN = 30
"""With fewer shown suggestions, the pace and the rate are assumed."""
ASSUMED_RATE, ASSUMED_TRIALS_A_WEEK = 0.3, 75.0
"""Without a history: 30 suggestions on each of 5 days, of which half say something new, and 30 % of them counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The smallest difference that a pilot sees with a chance of 80 %. `shown` is what it was estimated from.

    `is_assumed` says that there was too little to estimate it from.
    """

    effect_min: float
    rate: float
    shown: int
    is_assumed: bool


def expectation(
    offers: Sequence[OfferRow], measure: Measure, *, days: float, weeks: int, control_share: float
) -> Expectation:
    """What a pilot of so many weeks can show, from the offers of the last `days`."""
    shown = [row for row in offers if row.is_shown]
    found = measured_share(measure, ((row.unit, row.is_accepted, row.share_left) for row in shown))
    is_assumed = found is None or found.whole < SHOWN_MIN
    rate, a_week = ASSUMED_RATE, ASSUMED_TRIALS_A_WEEK
    if found is not None and not is_assumed:
        rate = min(max(found.value, 0.05), 0.95)
        error = (found.high - found.low) / 2 / Z
        a_week = rate * (1 - rate) / error**2 / max(days / 7, 1 / 7)
    effect_min = smallest_effect(rate, trials=a_week * weeks, control_share=control_share)
    return Expectation(effect_min=effect_min, rate=rate, shown=len(shown), is_assumed=is_assumed)

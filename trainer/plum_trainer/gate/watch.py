"""Whether a version that was just published stays: its users' verdict against that on the version before it. Pure."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from statistics import NormalDist

from plum_lsp.config import GateSettings
from plum_lsp.store.learning import OnlineCounts


class Watch(enum.Enum):
    """What is to be done with the new version."""

    WAIT = "wait"
    KEEP = "keep"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDecision:
    """What is to be done, and why."""

    action: Watch
    reason: str


def watched(
    new: OnlineCounts | None, old: OnlineCounts | None, settings: GateSettings, *, hours: float
) -> WatchDecision:
    """Compare characters kept, candidates passing and time to the first token with the previous version's.

    Latency and pass rate need no users: they are judged as soon as enough candidates ran.
    """
    if new is None or old is None or not old.candidates_run:
        is_over = hours >= settings.watch_hours_max
        return WatchDecision(
            action=Watch.KEEP if is_over else Watch.WAIT, reason="nothing to compare with was served yet"
        )
    worse = _worse(new, old, settings)
    if worse:
        return WatchDecision(action=Watch.ROLL_BACK, reason=worse)
    if new.offers_shown >= settings.watch_offers_min:
        return WatchDecision(action=Watch.KEEP, reason=f"{new.offers_shown} offers shown, none of the measures worse")
    if hours >= settings.watch_hours_max:
        return WatchDecision(action=Watch.KEEP, reason=f"nothing worse was seen in {hours:.0f} hours")
    return WatchDecision(action=Watch.WAIT, reason=f"{new.offers_shown} of {settings.watch_offers_min} offers shown")


def _worse(new: OnlineCounts, old: OnlineCounts, settings: GateSettings) -> str:
    """The measure that got worse with confidence. Empty if none did."""
    least = settings.watch_offers_min
    if new.candidates_run >= least:
        confidence = surely_less(new.candidates_passing, new.candidates_run, old.candidates_passing, old.candidates_run)
        if confidence > settings.watch_confidence:
            return (
                f"candidates pass less often: {new.candidates_passing}/{new.candidates_run} against"
                f" {old.candidates_passing}/{old.candidates_run} (confidence {confidence:.3f})"
            )
        if old.first_token_ms > 0 and new.first_token_ms > old.first_token_ms * settings.latency_ratio_max:
            return f"the first token takes {new.first_token_ms:.0f} ms, it took {old.first_token_ms:.0f} ms"
    if new.offers_shown >= least and old.offers_shown and old.characters_offered and new.characters_offered:
        kept_new = new.offers_shown * new.characters_kept / new.characters_offered
        kept_old = old.offers_shown * old.characters_kept / old.characters_offered
        confidence = surely_less(kept_new, new.offers_shown, kept_old, old.offers_shown)
        if confidence > settings.watch_confidence:
            return (
                f"users keep fewer characters: {kept_new / new.offers_shown:.3f} of those offered, it was"
                f" {kept_old / old.offers_shown:.3f} (confidence {confidence:.3f})"
            )
    return ""


def surely_less(good: float, count: int, good_before: float, count_before: int) -> float:
    """Confidence that a share fell: one-sided, pooled two-proportion z-test, one success and failure added to each.

    The added ones (Agresti and Caffo, 2000) keep small counts from looking certain.
    """
    share, share_before = (good + 1) / (count + 2), (good_before + 1) / (count_before + 2)
    variance = share * (1 - share) / (count + 2) + share_before * (1 - share_before) / (count_before + 2)
    return NormalDist().cdf((share_before - share) / math.sqrt(variance))

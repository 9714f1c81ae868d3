"""Whether a version that was just published stays: its requests against those of the version before it. Pure.

The watch looks again and again, so its test holds at all looks together (`gate.sequential`). One observation is one
request. Only like is compared with like: the same base model, the same temperatures, the same span of time.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from plum_lsp.config import GateSettings
from plum_lsp.store.learning import ServedRequest
from plum_trainer.gate.sequential import Spread, evidence_of_fall, spread

EXPECTED_FALL = 0.1
"""Of a share, where the test is most sensitive. A fall of half as much or twice as much costs it little."""
EXPECTED_DELAY = 0.5
"""The same for the logarithm of a time: two thirds longer."""
MEASURES = 3
"""They share the chance of a wrong rollback."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A version on trial against the one that it was built from, both of the base with this hash.

    `is_shared` tells that both answer requests now. Else the version before answered those until `published_at`.
    """

    version: int
    previous: int
    base_sha256: str
    published_at: str
    is_shared: bool


def watched(requests: Sequence[ServedRequest], trial: Trial, settings: GateSettings, *, hours: float) -> WatchDecision:
    """Compare candidates passing, characters kept and time to the first token with the previous version's.

    Args:
        requests: of the last `watch_hours_max` before the publication, and since.
        trial: what is compared.
        settings: the error that is allowed, and when a trial ends.
        hours: since the publication.
    """
    new, old = _comparable(requests, trial)
    shown = sum(request.characters_offered > 0 for request in new)
    worse = _worse(new, old, settings)
    if worse:
        return WatchDecision(action=Watch.ROLL_BACK, reason=worse)
    if hours >= settings.watch_hours_max:
        return WatchDecision(action=Watch.KEEP, reason=f"no measure got worse in {hours:.0f} hours")
    if not new or not old:
        return WatchDecision(action=Watch.WAIT, reason="no version to compare with was served yet")
    if shown >= settings.watch_offers_min:
        return WatchDecision(action=Watch.KEEP, reason=f"{shown} offers shown, none of the measures worse")
    return WatchDecision(action=Watch.WAIT, reason=f"{shown} of {settings.watch_offers_min} offers shown")


def _comparable(requests: Sequence[ServedRequest], trial: Trial) -> tuple[list[ServedRequest], list[ServedRequest]]:
    """The requests of both versions that may be compared, at the temperatures that the new one is asked for most."""
    own = [request for request in requests if request.base_sha256 in ("", trial.base_sha256)]
    since = [request for request in own if request.asked_at >= trial.published_at]
    before = [request for request in own if request.asked_at < trial.published_at]
    new = [request for request in since if request.policy_number == trial.version]
    old = [one for one in (since if trial.is_shared else before) if one.policy_number == trial.previous]
    usual = Counter(request.temperatures for request in new).most_common(1)
    if not usual:
        return [], old
    temperatures = usual[0][0]
    return _asked_at(new, temperatures), _asked_at(old, temperatures)


def _asked_at(requests: Sequence[ServedRequest], temperatures: str) -> list[ServedRequest]:
    return [request for request in requests if request.temperatures == temperatures]


def _worse(new: Sequence[ServedRequest], old: Sequence[ServedRequest], settings: GateSettings) -> str:
    """The measure that got worse with confidence. Empty if none did."""
    least = MEASURES / (1 - settings.watch_confidence)
    sides = _passing(new), _passing(old)
    if evidence_of_fall(*sides, expected=EXPECTED_FALL) > least:
        return f"candidates pass less often: {_told(*sides)}"
    sides = _kept(new), _kept(old)
    if evidence_of_fall(*sides, expected=EXPECTED_FALL) > least:
        return f"users keep fewer of the characters offered: {_told(*sides)}"
    quick = _quickness(new, tolerated=settings.latency_ratio_max), _quickness(old)
    if evidence_of_fall(*quick, expected=EXPECTED_DELAY) > least:
        ratio = math.exp(quick[1].mean - quick[0].mean) * settings.latency_ratio_max
        return f"the first token takes {ratio:.1f} times as long, over {quick[0].count} requests"
    return ""


def _passing(requests: Sequence[ServedRequest]) -> Spread:
    return spread([one.candidates_passing / one.candidates_run for one in requests if one.candidates_run])


def _kept(requests: Sequence[ServedRequest]) -> Spread:
    return spread([one.characters_kept / one.characters_offered for one in requests if one.characters_offered])


def _quickness(requests: Sequence[ServedRequest], *, tolerated: float = 1.0) -> Spread:
    """Higher is quicker. A time up to `tolerated` times as long counts as equal."""
    return spread([math.log(tolerated / one.first_token_ms) for one in requests if one.first_token_ms > 0])


def _told(new: Spread, old: Spread) -> str:
    return f"{new.mean:.3f} over {new.count} requests, it was {old.mean:.3f} over {old.count}"

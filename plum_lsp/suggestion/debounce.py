"""How long an automatic question waits for the next key, from how fast the user types and the policy answers. Pure.

A question asked in the middle of fast typing is withdrawn by the next key and has only kept the policy busy. Where
answers come faster than keys nothing waits; where they are slow, a question waits a little longer than the gap
between keys that is usual for this user, because who has paused for longer has likely stopped.
"""

from __future__ import annotations

SMOOTHING = 0.2
"""Weight of the latest measurement in the running averages."""
BURST_SECONDS = 0.6
"""Keys further apart are no fast typing: they say nothing about its rhythm, and nothing waits after them."""
GAP_FACTOR = 1.2
PAUSE_SECONDS_MAX = 0.25
"""The longest wait; people notice a quarter of a second."""
LATENCY_SHARE = 0.5
"""A wait is at most this share of the time an answer takes anyway."""
FIRST_GAP_SECONDS = 0.125
FIRST_LATENCY_SECONDS = 0.0
"""Nothing waits before an answer was slow: where waits led to cancellations, no latency would ever be measured."""


class Debounce:
    """Running averages of one connection. Time is an argument, in seconds of any steady clock."""

    def __init__(self) -> None:
        self.gap_seconds = FIRST_GAP_SECONDS
        self.latency_seconds = FIRST_LATENCY_SECONDS
        self._asked_at: dict[str, float] = {}

    def pause_seconds(self, uri: str, now: float) -> float:
        """How long the question asked of a document now has to wait; 0.0 where it is not in the middle of typing."""
        before = self._asked_at.get(uri)
        self._asked_at[uri] = now
        if before is None or now - before > BURST_SECONDS:
            return 0.0
        self.gap_seconds += SMOOTHING * (now - before - self.gap_seconds)
        if self.latency_seconds <= self.gap_seconds:
            return 0.0
        return min(GAP_FACTOR * self.gap_seconds, PAUSE_SECONDS_MAX, LATENCY_SHARE * self.latency_seconds)

    def answered(self, seconds: float) -> None:
        """An answer took this long, waiting not counted."""
        self.latency_seconds += SMOOTHING * (seconds - self.latency_seconds)

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._asked_at.pop(uri, None)

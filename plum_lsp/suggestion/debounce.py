"""Computes how long an automatic request waits for the next key, from typing speed and answer latency. Pure.

A request in the middle of fast typing is cancelled by the next key and has only kept the policy busy. If answers come
faster than keys, requests do not wait. If answers are slow, a request waits a little longer than this user's usual gap
between keys. After a longer pause the user has probably stopped typing.
"""

from __future__ import annotations

SMOOTHING = 0.2
"""Weight of the latest measurement in the running averages."""
BURST_SECONDS = 0.6
"""A longer gap between two keys is not fast typing. It does not count in the average, and the next request does not
wait."""
GAP_FACTOR = 1.2
PAUSE_SECONDS_MAX = 0.25
"""The longest wait. People notice a quarter of a second."""
LATENCY_SHARE = 0.5
"""A wait is at most this share of the time an answer takes anyway."""
FIRST_GAP_SECONDS = 0.125
FIRST_LATENCY_SECONDS = 0.0
"""Requests do not wait until an answer was slow. If waits led to cancellations, no latency would ever be measured."""


class Debounce:
    """Running averages of one connection. Time is an argument, in seconds of any steady clock."""

    def __init__(self) -> None:
        self.gap_seconds = FIRST_GAP_SECONDS
        self.latency_seconds = FIRST_LATENCY_SECONDS
        self._asked_at: dict[str, float] = {}

    def pause_seconds(self, uri: str, now: float) -> float:
        """How long a request for a document has to wait. 0.0 if the user is not in the middle of typing."""
        before = self._asked_at.get(uri)
        self._asked_at[uri] = now
        if before is None or now - before > BURST_SECONDS:
            return 0.0
        self.gap_seconds += SMOOTHING * (now - before - self.gap_seconds)
        if self.latency_seconds <= self.gap_seconds:
            return 0.0
        return min(GAP_FACTOR * self.gap_seconds, PAUSE_SECONDS_MAX, LATENCY_SHARE * self.latency_seconds)

    def answered(self, seconds: float) -> None:
        """Record how long an answer took, without the wait before it."""
        self.latency_seconds += SMOOTHING * (seconds - self.latency_seconds)

    def forget(self, uri: str) -> None:
        """Forget a closed document."""
        self._asked_at.pop(uri, None)

"""The clock of the deadlines, and the times of a request's stages."""

from __future__ import annotations

import time

from plum_lsp.domain.ports import Clock


class MonotonicClock:
    """The clock of the deadlines."""

    def now(self) -> float:
        """Seconds since an arbitrary start. The value never decreases."""
        return time.monotonic()


class Stages:
    """When each rung of the ladder was first reached, in milliseconds from the start of the request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self.reached_ms: dict[str, float] = {}

    def reach(self, stage: str) -> None:
        """Record the time of a stage. Only the first call for a stage counts."""
        self.reached_ms.setdefault(stage, round((self._clock.now() - self._started) * 1000, 3))

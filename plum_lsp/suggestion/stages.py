"""When each rung of the ladder was reached in a request."""

from __future__ import annotations

from plum_lsp.domain.ports import Clock


class Stages:
    """When each rung of the ladder was first reached, in milliseconds from the start of the request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self.reached_ms: dict[str, float] = {}

    def reach(self, stage: str) -> None:
        """Note a stage that is reached for the first time."""
        self.reached_ms.setdefault(stage, round((self._clock.now() - self._started) * 1000, 3))

"""Decides when the next test of a background run may start. It waits for requests and keeps to a budget. Pure."""

from __future__ import annotations

from dataclasses import dataclass

QUIET_SECONDS = 3.0
"""No test runs until the last request is so long ago. The next one often follows within seconds."""
SHARE_MAX = 0.25
"""The most of one core that a background run uses, on average."""
BUDGET_SECONDS = 180.0
"""The most time that the tests of one project take in a window."""
WINDOW_SECONDS = 3600.0
LOOK_SECONDS = 0.2
"""How often it looks whether requests are served."""


@dataclass(slots=True)
class Pacing:
    """The pace of one project's run. All instants are seconds of one clock."""

    last_request: float = float("-inf")
    _free_at: float = float("-inf")
    _window: float = float("-inf")
    _spent: float = 0.0

    def requested(self, now: float) -> None:
        """A request was made."""
        self.last_request = now

    def spent(self, now: float, seconds: float) -> None:
        """A test took so long. The next one waits in proportion."""
        if now - self._window > WINDOW_SECONDS:
            self._window, self._spent = now, 0.0
        self._spent += seconds
        self._free_at = now + seconds * (1 / SHARE_MAX - 1)

    def is_over(self, now: float) -> bool:
        """Whether the budget of this window is spent."""
        return now - self._window <= WINDOW_SECONDS and self._spent >= BUDGET_SECONDS

    def wait_seconds(self, now: float, *, is_busy: bool) -> float:
        """How long to wait before asking again. 0 if the next test may start."""
        if is_busy:
            return LOOK_SECONDS
        return max(0.0, self.last_request + QUIET_SECONDS - now, self._free_at - now)

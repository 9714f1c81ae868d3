"""The clock of the deadlines."""

from __future__ import annotations

import time


class MonotonicClock:
    """The clock of the deadlines."""

    def now(self) -> float:
        """Seconds since an arbitrary start. The value never decreases."""
        return time.monotonic()

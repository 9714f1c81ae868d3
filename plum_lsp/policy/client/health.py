"""The state of a policy server: when to ask one that failed again, and whether it is slower than usual. Decides only.

Time is an argument, in seconds of any clock that never goes back.
"""

from __future__ import annotations

import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

BASE_SECONDS = 0.2
CAP_SECONDS = 8.0
"""The longest pause before the next try. After a restart of the server, the user waits no longer than this."""
SLOW_FACTOR = 4.0
SLOW_MS_MIN = 1000.0
"""A smaller delay than this is not reported, whatever its ratio to the usual time."""
GROUPS_MIN = 5
GROUPS_REMEMBERED = 32


@dataclass(slots=True)
class Backoff:
    """Pauses between questions to a server that fails: each twice as long, up to a cap, and never quite the same.

    The randomness keeps many editors from asking a server that comes up all at once (AWS, "Exponential Backoff And
    Jitter", 2015: here half of the pause is drawn).
    """

    draw: Callable[[], float] = random.random
    failures: int = 0
    until: float = 0.0

    def failed(self, now: float, *, at_least: float = 0.0) -> None:
        """The server failed. `at_least` are the seconds that it asks to be left alone."""
        pause = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(self.failures, 16))
        self.failures += 1
        self.until = now + max(at_least, pause * (1 + self.draw()) / 2)

    def succeeded(self) -> None:
        """The server answered."""
        self.failures, self.until = 0, 0.0

    def left(self, now: float) -> float:
        """Seconds until it may be asked."""
        return max(0.0, self.until - now)


@dataclass(slots=True)
class Pace:
    """How long groups take to their first completion."""

    times_ms: deque[float] = field(default_factory=lambda: deque(maxlen=GROUPS_REMEMBERED))

    def took(self, first_ms: float) -> None:
        """A group had its first completion after so long."""
        self.times_ms.append(first_ms)

    @property
    def usual_ms(self) -> float | None:
        """The median. None until there are enough groups."""
        return statistics.median(self.times_ms) if len(self.times_ms) >= GROUPS_MIN else None

    def is_slow(self, waited_ms: float) -> bool:
        """Whether a wait of this length without an answer is far from usual."""
        usual = self.usual_ms
        return usual is not None and waited_ms > max(SLOW_FACTOR * usual, usual + SLOW_MS_MIN)

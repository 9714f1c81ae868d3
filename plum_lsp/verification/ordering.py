"""The order in which a candidate meets its tests: what tells most for the time it takes comes first.

A child has a limited time for all its tests. One that is slow, or that wrong candidates hang in, must not keep the
quick ones behind it from being run. Runs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plum_lsp.domain.verification import TestCase, TestId, Verdict

QUICK_MS = 10.0
"""Tests that take no longer stay in the order in which somebody wrote them: there is nothing to be gained."""


@dataclass(slots=True)
class _Past:
    """What one test has shown so far."""

    runs: int = 0
    failures: int = 0
    wall_ms: float = 0.0

    @property
    def mean_ms(self) -> float:
        return self.wall_ms / self.runs if self.runs else 0.0

    @property
    def bits(self) -> float:
        """What another run is expected to tell: the entropy of its outcome, failure by the rule of succession."""
        share = (self.failures + 1) / (self.runs + 2)
        return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


@dataclass(slots=True)
class Experience:
    """What the tests of one request cost and told, over the candidates that have met them."""

    _past: dict[TestId, _Past] = field(default_factory=dict)

    def learn(self, verdicts: Iterable[Verdict]) -> None:
        """One candidate has met its tests."""
        for verdict in verdicts:
            past = self._past.setdefault(verdict.test_id, _Past())
            past.runs += 1
            past.failures += not verdict.is_pass
            past.wall_ms += verdict.wall_ms

    def ordered(self, tests: Sequence[TestCase]) -> tuple[TestCase, ...]:
        """The quick tests as they are, then the others by information per millisecond."""
        return tuple(sorted(tests, key=self._rank))

    def _rank(self, test: TestCase) -> float:
        past = self._past.get(test.id, _Past())
        return 0.0 if past.mean_ms <= QUICK_MS else past.mean_ms / past.bits

"""Orders the tests of a candidate: the most information for the time comes first.

A child has a limited time for all its tests. A slow test, or one in which wrong candidates hang, must not prevent the
quick tests after it from running. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plum_lsp.domain.verification import TestCase, TestId, Verdict

QUICK_MS = 10.0
"""Tests that take at most this long keep their written order, because a new order would not save time."""


@dataclass(slots=True)
class _Past:
    """The outcomes and times of one test so far."""

    runs: int = 0
    failures: int = 0
    wall_ms: float = 0.0

    @property
    def mean_ms(self) -> float:
        return self.wall_ms / self.runs if self.runs else 0.0

    @property
    def bits(self) -> float:
        """The expected information of another run: the entropy of its outcome.

        The rule of succession gives the failure rate.
        """
        share = (self.failures + 1) / (self.runs + 2)
        return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


@dataclass(slots=True)
class Experience:
    """The time and the outcomes of the tests of one request, over all candidates so far."""

    _past: dict[TestId, _Past] = field(default_factory=dict)

    def learn(self, verdicts: Iterable[Verdict]) -> None:
        """Record the verdicts of one candidate."""
        for verdict in verdicts:
            past = self._past.setdefault(verdict.test_id, _Past())
            past.runs += 1
            past.failures += not verdict.is_pass
            past.wall_ms += verdict.wall_ms

    def ordered(self, tests: Sequence[TestCase]) -> tuple[TestCase, ...]:
        """The quick tests in their written order, then the others by information per millisecond."""
        return tuple(sorted(tests, key=self._rank))

    def _rank(self, test: TestCase) -> float:
        past = self._past.get(test.id, _Past())
        return 0.0 if past.mean_ms <= QUICK_MS else past.mean_ms / past.bits

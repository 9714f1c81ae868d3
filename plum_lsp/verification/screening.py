"""Drops tests that cannot separate right from wrong candidates. It works on verdicts that the caller obtained."""

from __future__ import annotations

from collections.abc import Sequence

from plum_lsp.domain.verification import TestCase, Verdict


def telling(tests: Sequence[TestCase], reference_verdicts: Sequence[Verdict]) -> tuple[TestCase, ...]:
    """The tests that count as specification, in order.

    `reference_verdicts` are the verdicts on the program without a candidate. A test that it passes already is vacuous.
    """
    paired = zip(tests, reference_verdicts, strict=True)
    return tuple(test for test, verdict in paired if test.origin.is_specification and not verdict.is_pass)

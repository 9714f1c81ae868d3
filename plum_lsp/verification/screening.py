"""Drops tests that cannot separate right from wrong candidates. It works on verdicts that the caller obtained."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plum_lsp.domain.verification import Origin, TestCase, Verdict, VerdictStatus

_UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")


def telling(tests: Sequence[TestCase], reference_verdicts: Sequence[Verdict]) -> tuple[TestCase, ...]:
    """The tests that count as specification, in order.

    `reference_verdicts` are the verdicts on the program without a candidate. A test that it passes already is vacuous.
    An assertion of the project that uses a name which only its own file has was split wrongly.
    """
    paired = zip(tests, reference_verdicts, strict=True)
    return tuple(
        test
        for test, verdict in paired
        if test.origin.is_specification and not verdict.is_pass and not _lacks_a_name(test, verdict)
    )


def _lacks_a_name(test: TestCase, verdict: Verdict) -> bool:
    """Whether a test of the project ended because its own text uses a name that is not there."""
    found = _UNDEFINED.match(verdict.shown) if verdict.status is VerdictStatus.ERRORED else None
    if found is None or test.origin is not Origin.PROJECT:
        return False
    return re.search(rf"\b{found[1]}\b", f"{test.call.setup}\n{test.call.expression}") is not None

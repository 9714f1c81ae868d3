"""Which tests count, by what they say of the program without a candidate."""

from __future__ import annotations

import pytest

from plum_lsp.domain.verification import Call, Equals, Origin, TestCase, TestId, Verdict, VerdictStatus
from plum_lsp.verification.screening import telling

UNDEFINED = "NameError: name 'raises' is not defined"


@pytest.mark.parametrize(
    ("origin", "status", "shown", "counts"),
    [
        (Origin.PROJECT, VerdictStatus.PASSED, "", False),
        (Origin.PROJECT, VerdictStatus.FAILED, "2", True),
        (Origin.PROJECT, VerdictStatus.ERRORED, "NotImplementedError: ", True),
        (Origin.PROJECT, VerdictStatus.ERRORED, UNDEFINED, False),
        (Origin.PROJECT, VerdictStatus.ERRORED, "NameError: name 'helper' is not defined", True),
        (Origin.DOCTEST, VerdictStatus.ERRORED, UNDEFINED, True),
    ],
)
def test_a_test_counts_if_the_unfilled_program_fails_it(
    origin: Origin, status: VerdictStatus, shown: str, counts: bool
) -> None:
    """Unless the text of a project's assertion uses a name that only its own file has."""
    test = TestCase(
        id=TestId("a"),
        call=Call(expression="raises(TypeError, lambda: f(1))"),
        expectation=Equals(expected="True"),
        origin=origin,
        quote="",
    )
    verdict = Verdict(test_id=test.id, status=status, shown=shown, wall_ms=1.0)
    assert telling([test], [verdict]) == ((test,) if counts else ())

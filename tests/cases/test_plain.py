"""Answers as they should be: each kind of hole gets the text that the policy wrote, at its place."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸'
METHOD = 'class Box:\n    def twice(self, n):\n        """>>> Box().twice(2)\n        4"""\n        ‸\n'
LINE = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n    return ‸\n'
WRONG = "return a - b\n"

CASES = [
    Case("a body", ADD, "    return a + b\n", gives=filled(ADD, "return a + b"), tiers=("verified",)),
    Case("a body from the cursor", ADD, "return a + b\n", gives=filled(ADD, "return a + b"), tiers=("verified",)),
    Case("a method", METHOD, "        return 2 * n\n", gives=filled(METHOD, "return 2 * n"), tiers=("verified",)),
    Case("the end of a line", LINE, "a + b\n", gives=filled(LINE, "a + b"), tiers=("verified",)),
    Case("one of several", ADD, (WRONG, WRONG, "return a + b\n"), offered="return a + b", tiers=("verified",)),
    Case("only wrong ones", ADD, WRONG, nothing=True, reason="all_failed"),
    Case("nothing", ADD, "", nothing=True, reason="no_valid_candidate", words="The model adds nothing here"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

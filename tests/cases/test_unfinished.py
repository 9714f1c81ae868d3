"""Functions that are written from the top: a statement behind which more must come is not judged by their tests."""

from __future__ import annotations

from functools import partial

import pytest
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CHECKED, V = ("checked",), ("verified",)
GOES_ON = "the function goes on after it"
MEAN = 'def mean(xs):\n    """\n    >>> mean([1, 2, 6])\n    3.0\n    """\n    ‸\n'
LINE = MEAN.replace("‸", "total = ‸")
NEXT = MEAN.replace("‸", "total = sum(xs)\n    ‸")
BELOW = f"{LINE}\n\ndef other():\n    return mean([1])\n"
LOOP = MEAN.replace("‸", "total = 0\n    for x in xs:\n        ‸")
GUARD = MEAN.replace("‸", "if not ‸")
LAST = MEAN.replace("‸", "total = sum(xs)\n    return ‸")
MIDDLE = MEAN.replace("‸", "total = ‸\n    return total / len(xs)")
METHOD = (
    "class Box:\n    def __init__(self):\n        self.items = []\n\n"
    '    def add(self, item):\n        """\n        >>> box = Box()\n        >>> box.add(2)\n'
    "        >>> box.items\n        [2]\n"
    '        """\n        ‸\n'
)
ITEMS = METHOD.replace("‸", "self.items.‸")
PAIRS = (
    'def pairs(xs):\n    """\n    >>> list(pairs([1, 2]))\n    [(1, 1), (2, 4)]\n    """\n    for x in xs:\n        ‸\n'
)
NESTED = 'def adder(n):\n    """\n    >>> adder(1)(2)\n    3\n    """\n    def add(m):\n        return ‸\n'
while_typing = partial(Case, automatic=True)

PLAIN = 'def spread(xs: list[int]) -> int:\n    """The spread."""\n    low = ‸\n'
THREE = ("min(xs, default=0)\n", "0\n", "len(xs)\n", "sum(xs)\n")
ENDING = PLAIN.replace("low = ", "return ")
ENDS = ("sum(xs)\n", "sum(x for x in xs)\n", "sum([*xs])\n", "max(xs, default=0)\n")

CASES = [
    while_typing("the rest of a line", LINE, "sum(xs)\n", gives=filled(LINE, "sum(xs)"), tiers=CHECKED, words=GOES_ON),
    Case("a line, asked for", LINE, "sum(xs)\n", gives=filled(LINE, "sum(xs)"), tiers=CHECKED, words=GOES_ON),
    while_typing("with code below", BELOW, "sum(xs)\n", gives=filled(BELOW, "sum(xs)"), tiers=CHECKED, words=GOES_ON),
    while_typing("the next line", NEXT, "count = len(xs)\n", gives=filled(NEXT, "count = len(xs)"), tiers=CHECKED),
    while_typing("in a loop", LOOP, "total += x\n", gives=filled(LOOP, "total += x"), tiers=CHECKED),
    while_typing(
        "a block", GUARD, "xs:\n        return 0.0\n", gives=filled(GUARD, "xs:\n        return 0.0"), tiers=CHECKED
    ),
    while_typing("a closure", NESTED, "m + n\n", gives=filled(NESTED, "m + n"), tiers=CHECKED),
    while_typing("a generator", PAIRS, "square = x * x\n", gives=filled(PAIRS, "square = x * x"), tiers=CHECKED),
    Case("no tests, and nothing to agree on", PLAIN, THREE, tiers=CHECKED, unsaid="agree"),
    Case("no tests, and results that agree", ENDING, ENDS, gives=filled(ENDING, "sum(xs)"), tiers=("consistent",)),
    while_typing("what ends it", LAST, "total / len(xs)\n", gives=filled(LAST, "total / len(xs)"), tiers=V),
    while_typing("a procedure's last line", ITEMS, "append(item)\n", gives=filled(ITEMS, "append(item)"), tiers=V),
    while_typing("the wrong end", LAST, "total\n", nothing=True, reason="all_failed"),
    while_typing("a wrong line of a whole function", MIDDLE, "max(xs)\n", nothing=True, reason="all_failed"),
    while_typing("a wrong result in a loop", LOOP, "return x\n", nothing=True, reason="all_failed"),
    while_typing("a name that is not bound yet", LINE, "total + 1\n", nothing=True),
    Case("a whole body without a result", MEAN, "total = sum(xs)\n", nothing=True, reason="all_failed"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_unfinished(desk: Desk, case: Case) -> None:
    """Each is offered, or not, as the table says."""
    await desk.check(case)

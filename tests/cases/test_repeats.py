"""A policy that repeats what stands above the cursor. What repeats is dropped, where the rest then fits."""

from __future__ import annotations

import pytest
from support.buffers import ADD, AREA, HALF, LINE, LOOP, METHOD, SELF_LOOP, TOTAL
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
ADDED = filled(ADD, "return a + b")
HALF_DONE = filled(HALF, "for x in xs:\n        result += x\n    return result")
REST = "    for x in xs:\n        result += x\n    return result\n"
SELF = '''class Box:
    """
    >>> Box(2).twice()
    4
    """

    def __init__(self, size):
        self.size = size

    def twice(self):
        return 2 * self.si‸
'''
CALL = '''def longest(words):
    """
    >>> longest(["a", "bbb"])
    'bbb'
    """
    return max(words, ke‸)
'''
COMMENT = 'def double(n):\n    """\n    >>> double(4)\n    8\n    """\n    # Twice the number.\n    ‸\n'
GUARD = '''def head(xs):
    """
    >>> head([4, 5])
    4
    >>> head([])
    """
    if not xs:
        ‸
    return xs[0]
'''
ASSIGN = 'def mean(xs):\n    """\n    >>> mean([1, 3])\n    2.0\n    """\n    total = ‸\n    return total / len(xs)\n'
DECORATED = '''import functools


@functools.lru_cache
def fib(n):
    """
    >>> fib(7)
    13
    """
    ‸
'''
FIB = "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
LONG = '''def clamp(
    value: float,
    low: float,
    high: float,
) -> float:
    """
    >>> clamp(5, 1, 3)
    3
    """
    ‸
'''
LONG_HEAD = LONG.partition('    """')[0]
READER = '''def second(lines):
    """
    >>> second(iter(["a", "b"]))
    'b'
    """
    next(lines)
    return ‸
'''
CONDITION = '''def is_even(n):
    """
    >>> is_even(4)
    True
    >>> is_even(3)
    False
    """
    if n % 2 == ‸:
        return True
    return False
'''
RANGE = 'def upto(n):\n    """\n    >>> upto(3)\n    [1, 2, 3]\n    """\n    return list(range(1‸))\n'
HALVED = 'def half(number):\n    """\n    >>> half(4)\n    2\n    """\n    return num‸ // 2\n'
PAIRED = 'def pair(n):\n    """\n    >>> pair(3)\n    [3, 1]\n    """\n    return [‸, 1]\n'
DOUBLED = 'def odd(n):\n    """\n    >>> odd(3)\n    7\n    """\n    return 2 * ‸ + 1\n'

CASES = [
    Case("the word at the cursor", AREA, "width * height\n", gives=filled(AREA, "dth * height"), tiers=V),
    Case("the word goes on", AREA, "dth * height\n", gives=filled(AREA, "dth * height"), tiers=V),
    Case("the whole line at the cursor", AREA, "return width * height\n", gives=filled(AREA, "dth * height"), tiers=V),
    Case("the line with its blanks", AREA, "    return width * height\n", gives=filled(AREA, "dth * height"), tiers=V),
    Case("the line around the cursor", HALVED, "return number // 2\n", gives=filled(HALVED, "ber"), tiers=V),
    Case(
        "the line around the cursor, indented", HALVED, "    return number // 2", gives=filled(HALVED, "ber"), tiers=V
    ),
    Case("the word and the rest of the line", HALVED, "number // 2\n", gives=filled(HALVED, "ber"), tiers=V),
    Case("the rest of a list of numbers", PAIRED, "n, 1]\n", gives=filled(PAIRED, "n"), tiers=V),
    Case("an operand like the rest of the line", DOUBLED, "n + 1\n", gives=filled(DOUBLED, "n"), tiers=V),
    Case("the keyword at the cursor", LINE, "return a + b\n", gives=filled(LINE, "a + b"), tiers=V),
    Case("an attribute", SELF, "size\n", gives=filled(SELF, "ze"), tiers=V),
    Case("an attribute with its object", SELF, "self.size\n", gives=filled(SELF, "ze"), tiers=V),
    Case("the word in a call", CALL, "key=len", gives=filled(CALL, "y=len"), tiers=V),
    Case("the word in a call, closed", CALL, "key=len)\n", gives=filled(CALL, "y=len"), tiers=V),
    Case("an assignment", ASSIGN, "total = sum(xs)\n", gives=filled(ASSIGN, "sum(xs)"), tiers=V),
    Case("an assignment without blanks", ASSIGN, "total=sum(xs)\n", gives=filled(ASSIGN, "sum(xs)"), tiers=V),
    Case("a condition", CONDITION, "if n % 2 == 0:", gives=filled(CONDITION, "0"), tiers=V),
    Case("a number goes on", RANGE, ", n + 1)", gives=filled(RANGE, ", n + 1"), tiers=V),
    Case("the header", ADD, "def add(a, b):\n    return a + b\n", gives=ADDED, tiers=V),
    Case(
        "the header and the docstring",
        ADD,
        'def add(a, b):\n    """Add two numbers.\n\n    >>> add(1, 2)\n    3\n    """\n    return a + b\n',
        gives=ADDED,
        tiers=V,
    ),
    Case(
        "the header with annotations and other words",
        ADD,
        'def add(a: int, b: int) -> int:\n    """Return the sum."""\n    return a + b\n',
        gives=ADDED,
        tiers=V,
    ),
    Case(
        "the header, and a call below",
        ADD,
        "def add(a, b):\n    return a + b\n\nprint(add(1, 2))\n",
        gives=ADDED,
        tiers=V,
    ),
    Case("the header on one line", ADD, "def add(a, b): return a + b\n", gives=ADDED, tiers=V),
    Case(
        "imports and the header",
        DECORATED,
        f"import functools\n\n@functools.lru_cache\ndef fib(n):\n{FIB}",
        gives=filled(DECORATED, FIB.strip()),
        tiers=V,
    ),
    Case(
        "a header of several lines",
        LONG,
        f"{LONG_HEAD}    return max(low, min(value, high))\n",
        gives=filled(LONG, "return max(low, min(value, high))"),
        tiers=V,
    ),
    Case(
        "the header of a method",
        METHOD,
        f"    def total(self):\n        {SELF_LOOP}\n",
        gives=filled(METHOD, SELF_LOOP),
        tiers=V,
    ),
    Case(
        "the header of a method from the margin",
        METHOD,
        "def total(self):\n    return sum(self.prices)\n",
        gives=filled(METHOD, "return sum(self.prices)"),
        tiers=V,
    ),
    Case(
        "the class and the method",
        METHOD,
        "class Basket:\n    def total(self):\n        return sum(self.prices)\n",
        gives=filled(METHOD, "return sum(self.prices)"),
        tiers=V,
    ),
    Case(
        "the docstring",
        ADD,
        '    """Add two numbers.\n\n    >>> add(1, 2)\n    3\n    """\n    return a + b\n',
        gives=ADDED,
        tiers=V,
    ),
    Case("a docstring in other words", ADD, '"""Return a plus b."""\n    return a + b\n', gives=ADDED, tiers=V),
    Case("the comment above", COMMENT, "# Twice the number.\n    return 2 * n\n", offered="return 2 * n", tiers=V),
    Case(
        "the comment above, indented",
        COMMENT,
        "    # Twice the number.\n    return 2 * n\n",
        offered="return 2 * n",
        tiers=V,
    ),
    Case("the line above", HALF, f"    result = 0\n{REST}", gives=HALF_DONE, tiers=V),
    Case("the line above, from the cursor", HALF, f"result = 0\n{REST}", gives=HALF_DONE, tiers=V),
    Case("the two lines above", HALF, f"    # Start from nothing.\n    result = 0\n{REST}", gives=HALF_DONE, tiers=V),
    Case("all of the function", HALF, f"{HALF.partition('‸')[0].rstrip()}\n{REST}", gives=HALF_DONE, tiers=V),
    Case("the condition above", GUARD, "if not xs:\n        return None\n", gives=filled(GUARD, "return None")),
    Case("a line that is meant twice", READER, "next(lines)\n", gives=filled(READER, "next(lines)"), tiers=V),
    Case("only the docstring", ADD, '"""Add two numbers.\n\n    >>> add(1, 2)\n    3\n    """\n', nothing=True),
    Case("only the header", ADD, "def add(a, b):\n", nothing=True),
    Case("only the comment", COMMENT, "# Twice the number.\n", nothing=True),
    Case("nothing repeats", TOTAL, f"    {LOOP}\n", gives=filled(TOTAL, LOOP), tiers=V),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

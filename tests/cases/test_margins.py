"""What stands in the margin of an answer: line numbers, list marks, an ellipsis, an invisible first character.

It is no code. Where it may be code (a key of a dictionary, an ellipsis in an index), it stays.
"""

from __future__ import annotations

import pytest
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

TOTAL = '''def total(prices, tax):
    """Sum with tax.

    >>> total([10, 20], 0.5)
    45.0
    """
    ‸
'''
BODY = "subtotal = sum(prices)\n    return subtotal * (1 + tax)"
COLUMNS = f"    {BODY}\n"
MARGIN = "subtotal = sum(prices)\nreturn subtotal * (1 + tax)\n"
AREA = '''def area(width, height):
    """
    >>> area(2, 3)
    6
    """
    return wi‸
'''
CART = '''class Cart:
    """
    >>> c = Cart(); c.add("x", 2); c.count("x")
    2
    """

    def __init__(self):
        self.items = {}

    def add(self, name, n):
        ‸

    def count(self, name):
        return self.items.get(name, 0)
'''
BODY_OF_ADD = "self.items[name] = self.items.get(name, 0) + n"
NAMES = '''one, two = "a", "b"


def names():
    """
    >>> names()[2]
    'b'
    """
    return {
        ‸
    }
'''
COUNTED = '''def last(items):
    """
    >>> last([4, 5])
    5
    """
    ‸
'''
BRACKET = '''def pairs(a, b):
    """
    >>> pairs([1, 2], [3, 4])
    [(1, 3), (2, 4)]
    """
    return list(
        ‸
    )
'''


def right(name: str, says: str, text: str = TOTAL, gives: str = "", never: tuple[str, ...] = ()) -> Case:
    """A case whose answer passes its test once the margin is gone."""
    return Case(name, text, says, gives=gives or filled(TOTAL, BODY), tiers=("verified",), never=never)


CASES = [
    right("bom", "\ufeff" + COLUMNS),
    right("bom margin", "\ufeff" + MARGIN),
    right("zwsp first", "\u200b" + COLUMNS),
    right("nbsp indent", COLUMNS.replace("    ", "\u00a0" * 4)),
    right("numbered 1.", "1. subtotal = sum(prices)\n2. return subtotal * (1 + tax)\n"),
    right("numbered pipe", "12 |     subtotal = sum(prices)\n13 |     return subtotal * (1 + tax)\n"),
    right("numbered colon", "7:     subtotal = sum(prices)\n8:     return subtotal * (1 + tax)\n"),
    right("numbered cat -n", "     7\t    subtotal = sum(prices)\n     8\t    return subtotal * (1 + tax)\n"),
    right("numbered paren", "1) subtotal = sum(prices)\n2) return subtotal * (1 + tax)\n"),
    right("numbered bare", "7     subtotal = sum(prices)\n8     return subtotal * (1 + tax)\n"),
    right("numbered in fence", "```python\n1 | subtotal = sum(prices)\n2 | return subtotal * (1 + tax)\n```\n"),
    right("L7", "L7: subtotal = sum(prices)\nL8: return subtotal * (1 + tax)\n"),
    right("leading dots", "...\n" + COLUMNS),
    right("leading dots same line", "... " + MARGIN),
    right("leading ellipsis char", "…\n" + COLUMNS),
    right("leading ellipsis char same line", "…" + MARGIN),
    right("comment existing code", "    # ... existing code ...\n" + COLUMNS),
    right("trailing existing code", COLUMNS + "# ... rest of the code ...\n", never=("rest of",)),
    right("bullet", "- subtotal = sum(prices)\n- return subtotal * (1 + tax)\n"),
    right("star bullet", "* subtotal = sum(prices)\n* return subtotal * (1 + tax)\n"),
    right("fence no newline end", "```python\n" + MARGIN.rstrip() + "```"),
    right("seed think", "<seed:think>hmm</seed:think>" + MARGIN),
    right("note after", COLUMNS + "\nNote: tax is a fraction.\n"),
    right("def without doc", "def total(prices, tax):\n" + COLUMNS),
    right("docstring tail", '    45.0\n    """\n' + COLUMNS),
    right("closing quotes", '    """\n' + COLUMNS),
    right("tabs", COLUMNS.replace("    ", "\t")),
    right("session dots", ">>> subtotal = sum(prices)\n... return subtotal * (1 + tax)\n"),
    right("search replace", "<<<<<<< SEARCH\n    \n=======\n" + COLUMNS + ">>>>>>> REPLACE\n"),
    right("line bom", "\ufeffdth * height\n", AREA, filled(AREA, "dth * height")),
    right("line dots", "...dth * height\n", AREA, filled(AREA, "dth * height")),
    right("class numbered", "1. " + BODY_OF_ADD + "\n", CART, filled(CART, BODY_OF_ADD)),
    right("class bom", "\ufeff" + BODY_OF_ADD + "\n", CART, filled(CART, BODY_OF_ADD)),
    right(
        "class next method",
        BODY_OF_ADD + "\n\n    def count(self, name):\n        return self.items.get(name, 0)\n",
        CART,
        filled(CART, BODY_OF_ADD),
    ),
    right(
        "class whole",
        "class Cart:\n    def add(self, name, n):\n        " + BODY_OF_ADD + "\n",
        CART,
        filled(CART, BODY_OF_ADD),
    ),
    right("keys of a dictionary", "1: one,\n        2: two,\n", NAMES, filled(NAMES, "1: one,\n        2: two,")),
    right("one number", "1. return items[-1]\n", COUNTED, filled(COUNTED, "return items[-1]")),
    Case("numbers that do not count", TOTAL, "3. subtotal = sum(prices)\n9. return subtotal\n", nothing=True),
    Case("a number and half a body", TOTAL, "1. subtotal = sum(prices)\n2. return subtotal *", nothing=True),
    Case("only dots", TOTAL, "...\n", nothing=True, words="empty body"),
    Case("a statement for an open bracket", BRACKET, "return list(zip(a, b))\n", nothing=True),
    Case("a prompt of a shell", TOTAL, "$ subtotal = sum(prices)\n$ return subtotal\n", nothing=True),
    Case(
        "code in JSON",
        TOTAL,
        '{"code": "return sum(prices) * (1 + tax)"}',
        offered="return sum(prices) * (1 + tax)",
    ),
    Case("escaped line ends", TOTAL, "subtotal = sum(prices)\\n    return subtotal\\n", nothing=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_the_margin_is_no_code(desk: Desk, case: Case) -> None:
    """The code behind it is offered as if it stood alone."""
    await desk.check(case)

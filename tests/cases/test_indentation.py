"""A policy that indents in another way than the file. The body comes in the file's columns, whole, or not at all."""

from __future__ import annotations

import pytest
from support.buffers import HALF, LOOP, METHOD, SELF_LOOP, SIGN, TABS, TOTAL, TWO
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
MARGIN = "result = 0\nfor x in xs:\n    result += x\nreturn result\n"
SUMMED = filled(TOTAL, LOOP)
TABBED = filled(TABS, LOOP.replace("    ", "\t"))
TWOS = filled(TWO, LOOP.replace("    ", "  "))


def indented(text: str, by: str) -> str:
    """Every line of a text further right."""
    return "".join(by + line if line.strip() else line for line in text.splitlines(keepends=True))


SELF_MARGIN = "result = 0\nfor price in self.prices:\n    result += price\nreturn result\n"
FIRST = 'def first(xs):\n    """\n    >>> first([4, 5])\n    4\n    >>> first([])\n    """\n    ‸\n'
FIRST_BODY = "if not xs:\n        return None\n    return xs[0]"
WEAK = 'def absolute(n):\n    """\n    >>> absolute(-3)\n    3\n    """\n    ‸\n'
WEAK_TABS = WEAK.replace("    ", "\t")
WEAK_METHOD = '''class N:
    def absolute(self, n):
        """
        >>> N().absolute(-3)
        3
        """
        ‸
'''
LISTS = 'def pairs(xs):\n    """\n    >>> pairs([1])\n    [(1, 1)]\n    """\n    ‸\n'
OPEN = '''def positive(xs):
    """
    >>> positive([1, -2])
    [1]
    """
    found = []
    for x in xs:
        ‸
    return found
'''
OPEN_BODY = "if x > 0:\n            found.append(x)"
KLASS = 'class Point:\n    """\n    >>> Point(1, 2).sum()\n    3\n    """\n\n    ‸\n'
KLASS_BODY = """def __init__(self, x, y):
        self.x = x
        self.y = y

    def sum(self):
        return self.x + self.y"""
MATCH = '''def size(n):
    """
    >>> size(5)
    'small'
    >>> size(50)
    'large'
    """
    if n > 9:‸
    return 'small'
'''

CASES = [
    Case("as the file does", TOTAL, f"    {LOOP}\n", gives=SUMMED, tiers=V),
    Case("from the cursor", TOTAL, f"{LOOP}\n", gives=SUMMED, tiers=V),
    Case("from the margin", TOTAL, MARGIN, gives=SUMMED, tiers=V),
    Case(
        "from the margin, a guard first",
        FIRST,
        "if not xs:\n    return None\nreturn xs[0]\n",
        gives=filled(FIRST, FIRST_BODY),
        tiers=V,
    ),
    Case(
        "from the margin, with blank lines",
        TOTAL,
        MARGIN.replace("\nfor", "\n\nfor").replace("\nret", "\n\nret"),
        tiers=V,
    ),
    Case("from the margin, and a call below", TOTAL, f"{MARGIN}\nprint(total([1]))\n", gives=SUMMED, tiers=V),
    Case("one level too deep", TOTAL, indented(MARGIN, " " * 8), gives=SUMMED, tiers=V),
    Case("two levels too deep", TOTAL, indented(MARGIN, " " * 12), gives=SUMMED, tiers=V),
    Case("only the first line too deep", TOTAL, f"        {LOOP}\n", gives=SUMMED, tiers=V),
    Case("one blank too few", TOTAL, indented(MARGIN, " " * 3), gives=SUMMED, tiers=V),
    Case("one blank too many", TOTAL, indented(MARGIN, " " * 5), gives=SUMMED, tiers=V),
    Case("two blanks a level", TOTAL, f"    {LOOP}\n".replace("        ", "      "), gives=SUMMED, tiers=V),
    Case("two blanks a level from the margin", TOTAL, MARGIN.replace("    ", "  "), gives=SUMMED, tiers=V),
    Case("eight blanks a level", TOTAL, f"    {LOOP}\n".replace("        r", "            r"), gives=SUMMED, tiers=V),
    Case("tabs in a file of blanks", TOTAL, f"\t{LOOP}\n".replace("    ", "\t"), gives=SUMMED, tiers=V),
    Case("tabs from the margin", TOTAL, MARGIN.replace("    ", "\t"), gives=SUMMED, tiers=V),
    Case("tabs too deep", TOTAL, indented(MARGIN.replace("    ", "\t"), "\t\t"), gives=SUMMED, tiers=V),
    Case("tabs in a file of tabs", TABS, f"\t{LOOP}\n".replace("    ", "\t"), gives=TABBED, tiers=V),
    Case("blanks in a file of tabs", TABS, f"    {LOOP}\n", gives=TABBED, tiers=V),
    Case("blanks from the cursor in a file of tabs", TABS, f"{LOOP}\n", gives=TABBED, tiers=V),
    Case("blanks from the margin in a file of tabs", TABS, MARGIN, gives=TABBED, tiers=V),
    Case("two blanks in a file of tabs", TABS, indented(MARGIN.replace("    ", "  "), "  "), gives=TABBED, tiers=V),
    Case(
        "eight blanks in a file of tabs",
        TABS,
        indented(MARGIN.replace("    ", " " * 8), " " * 8),
        gives=TABBED,
        tiers=V,
    ),
    Case("two blanks in a file of two", TWO, f"  {LOOP}\n".replace("    ", "  "), gives=TWOS, tiers=V),
    Case("four blanks in a file of two", TWO, f"    {LOOP}\n", gives=TWOS, tiers=V),
    Case("four blanks from the cursor in a file of two", TWO, f"{LOOP}\n", gives=TWOS, tiers=V),
    Case("four blanks from the margin in a file of two", TWO, MARGIN, gives=TWOS, tiers=V),
    Case("tabs in a file of two", TWO, indented(MARGIN.replace("    ", "\t"), "\t"), gives=TWOS, tiers=V),
    Case("a method", METHOD, f"        {SELF_LOOP}\n", gives=filled(METHOD, SELF_LOOP), tiers=V),
    Case("a method from the margin", METHOD, SELF_MARGIN, gives=filled(METHOD, SELF_LOOP), tiers=V),
    Case("a method as a function", METHOD, indented(SELF_MARGIN, "    "), gives=filled(METHOD, SELF_LOOP), tiers=V),
    Case(
        "a method's later lines one level short",
        METHOD,
        "        " + indented(SELF_MARGIN, "    ").lstrip(),
        gives=filled(METHOD, SELF_LOOP),
        tiers=V,
    ),
    Case(
        "later lines one level short, from the cursor",
        METHOD,
        indented(SELF_MARGIN, "    ").lstrip(),
        gives=filled(METHOD, SELF_LOOP),
        tiers=V,
    ),
    Case(
        "comments at the margin",
        TOTAL,
        "    result = 0\n# Go over all items.\n# Add each of them.\n# The order does not matter.\n    for x in xs:\n"
        "        result += x\n# Done.\n    return result\n",
        never=("\n#",),
        tiers=V,
    ),
    Case("brackets at the margin", LISTS, "return [\n    (x, x)\n    for x in xs\n]\n", tiers=V),
    Case(
        "a string at the margin",
        LISTS,
        '    note = """\nnot code\n"""\n    return [(x, x) for x in xs if note]\n',
        tiers=V,
    ),
    Case("inside a loop", OPEN, f"        {OPEN_BODY}\n", gives=filled(OPEN, OPEN_BODY), tiers=V),
    Case(
        "inside a loop, from the margin",
        OPEN,
        "if x > 0:\n    found.append(x)\n",
        gives=filled(OPEN, OPEN_BODY),
        tiers=V,
    ),
    Case(
        "inside a loop, as in a function",
        OPEN,
        "    if x > 0:\n        found.append(x)\n",
        gives=filled(OPEN, OPEN_BODY),
        tiers=V,
    ),
    Case("a class", KLASS, f"    {KLASS_BODY}\n", gives=filled(KLASS, KLASS_BODY), tiers=V),
    Case(
        "a class from the margin",
        KLASS,
        "def __init__(self, x, y):\n    self.x = x\n    self.y = y\n\ndef sum(self):\n    return self.x + self.y\n",
        gives=filled(KLASS, KLASS_BODY),
        tiers=V,
    ),
    Case(
        "below a line above",
        HALF,
        "for x in xs:\n    result += x\nreturn result\n",
        gives=filled(HALF, LOOP.partition("\n    ")[2]),
        tiers=V,
    ),
    Case(
        "behind a colon",
        MATCH,
        "\n    return 'large'\nreturn 'small'\n",
        gives=filled(MATCH, "\n        return 'large'"),
        tiers=V,
    ),
    # What is cut is no candidate, however much weak examples let pass.
    Case(
        "a stump at the margin",
        WEAK,
        "if n < 0:\n    return -n\nelif n > 0:\n    return n\nreturn 0\n",
        tiers=V,
        never=("\nelif",),
    ),
    Case(
        "a stump in tabs",
        WEAK_TABS,
        "    if n < 0:\n        return -n\n    return n\n",
        gives=filled(WEAK_TABS, "if n < 0:\n\t\treturn -n\n\treturn n"),
        tiers=V,
    ),
    Case("a stump of a method", WEAK_METHOD, "        if n < 0:\n        return -n\n    return n\n", nothing=True),
    Case("the limit at a line's end", WEAK, "    if n < 0:\n        return -n\n", finish="length", nothing=True),
    Case("the limit in a line", WEAK, "    if n < 0:\n        return -n\n    return", finish="length", nothing=True),
    Case("the limit after a name", WEAK, "    return abs(n)", finish="length", nothing=True),
    Case(
        "the limit after the end",
        WEAK,
        "    return abs(n)\n\n\ndef other(",
        finish="length",
        gives=filled(WEAK, "return abs(n)"),
        tiers=V,
    ),
    Case(
        "the limit in a fenced body",
        WEAK,
        "```python\ndef absolute(n):\n    if n < 0:\n        return -n\n",
        finish="length",
        nothing=True,
    ),
    Case("the limit from the margin", WEAK, "if n < 0:\n    return -n\n", finish="length", nothing=True),
    Case("the limit in tabs", WEAK_TABS, "    if n < 0:\n        return -n\n", finish="length", nothing=True),
    Case("no column fits", SIGN, "    if n < 0:\n        return -1\n      n = 1\n    return n\n", nothing=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

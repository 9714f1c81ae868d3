"""A policy that repeats itself, leaves placeholders, or ignores the input. Equal candidates are no evidence then."""

from __future__ import annotations

import pytest
from support.buffers import TOTAL
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

WEAK = ("checked", "unverified")
SCALE = "def scale(values: list[int], factor: int) -> list[int]:\n    ‸\n"
DOC = 'def scale(values: list[int], factor: int) -> list[int]:\n    """Multiply each value by the factor."""\n    ‸\n'
COUNT = "def count_words(text: str) -> int:\n    ‸\n"
METHOD = """class Cart:
    def __init__(self):
        self.items = []

    def add(self, item, price):
        ‸
"""
GUARD = "def head(xs: list[int]) -> int | None:\n    if not xs:\n        ‸\n    return xs[0]\n"
HANDLER = "STOPPED = []\n\n\ndef on_signal(number, frame):\n    ‸\n"
UNUSED = "def key(_item):\n    ‸\n"
NAME = "class Shape:\n    def name(self):\n        ‸\n"
EVEN = 'def is_even(n: int) -> bool:\n    """\n    >>> is_even(2)\n    True\n    """\n    ‸\n'
GUARDED = "    if not values:\n        return []\n"
NOTHING = '''def find(xs: list[int], wanted: int) -> int | None:
    """
    >>> find([4, 5], 5)
    1
    """
    ‸
'''
RIGHT = "return [value * factor for value in values]"


def many(statement: str, count: int = 100) -> str:
    """The same lines again and again."""
    return "".join(f"    {line}\n" for line in statement.split("\n")) * count


CASES = [
    # The same statement again and again.
    Case("a hundred equal statements", SCALE, many("values = list(values)"), nothing=True, finish="length"),
    Case("a hundred, and an end", SCALE, many("values = list(values)") + "    return values\n", nothing=True),
    Case("five equal statements", SCALE, many("values = values + [factor]", 5) + "    return values\n", nothing=True),
    Case(
        "two in turn",
        COUNT,
        many("text = text.strip()\ntext = text.lower()", 9) + "    return len(text)\n",
        nothing=True,
    ),
    Case("three in turn", COUNT, many("a = text\nb = a\ntext = b", 8) + "    return len(text)\n", nothing=True),
    Case("equal conditions", COUNT, many("if not text:\n    return 0", 8) + "    return len(text)\n", nothing=True),
    Case(
        "inside a loop",
        COUNT,
        "    for word in text:\n" + many("    text += word", 9) + "    return len(text)\n",
        nothing=True,
    ),
    Case("equal calls", METHOD, many("    self.items.append(item)", 20), nothing=True),
    Case("an endless expression", COUNT, f"    return len(text){' + len(text)' * 40}\n", nothing=True),
    Case("an endless list", SCALE, f"    return [{'values[0], ' * 40}]\n", nothing=True),
    # Placeholders.
    Case("your code here", SCALE, "    # your code here\n", nothing=True),
    Case("your code here, with a docstring above", DOC, "    # your code here\n", nothing=True),
    Case("your code here and pass", DOC, "    # Your code here\n    pass\n", nothing=True),
    Case("to do", DOC, "    # TODO: implement this function\n    return None\n", nothing=True),
    Case("pass", DOC, "    pass\n", nothing=True),
    Case("an ellipsis", DOC, "    ...\n", nothing=True),
    Case("not implemented", DOC, "    raise NotImplementedError\n", nothing=True),
    Case("not implemented, with words", DOC, '    raise NotImplementedError("scale")\n', nothing=True),
    Case("not implemented, another exception", DOC, '    raise Exception("Not implemented yet")\n', nothing=True),
    Case("a bare return", DOC, "    return\n", nothing=True),
    Case("return None", DOC, "    return None\n", nothing=True),
    Case("return None where a test asks for more", NOTHING, "    return None\n", nothing=True),
    Case("a printed note", DOC, '    print("TODO")\n', nothing=True),
    # A note above something trivial: it is no evidence, and does not win over a body.
    *(
        Case(
            f"a note: {words}", SCALE, (*(f"    # {words}\n    return values\n",) * 3, f"    {RIGHT}\n"), offered=RIGHT
        )
        for words in (
            "Insert your logic here",
            "Your implementation here",
            "Add logic",
            "TODO: implement",
            "FIXME",
            "Replace this with your implementation",
            "The implementation goes here",
            "Code to be added",
            "For now, return the values",
            "Dummy value",
        )
    ),
    Case("a note alone", SCALE, "    # Add your logic here\n    return values\n", nothing=True),
    Case("a note and a bound result", DOC, "    # Write code here\n    result = []\n    return result\n", nothing=True),
    Case("a note below a guard", DOC, f"{GUARDED}    # Your code here\n    return values\n", nothing=True),
    Case(
        "a note in a loop",
        DOC,
        "    result = []\n    for v in values:\n        # Your logic here\n        pass\n    return result\n",
        nothing=True,
    ),
    Case(
        "a note that an example lets pass",
        EVEN,
        (*("    # TODO: implement\n    return True\n",) * 3, "    return n % 2 == 0\n"),
        offered="return n % 2 == 0",
        tiers=("verified",),
    ),
    Case("a note above a body", DOC, f"    # Your code here\n    {RIGHT}\n", offered=f"# Your code here\n    {RIGHT}"),
    Case("a comment above a body", DOC, f"    # TODO: check the factor\n    {RIGHT}\n", tiers=("checked",)),
    # Bodies that ignore their parameters.
    Case("a number", SCALE, "    return 0\n", nothing=True),
    Case("an empty list", SCALE, "    return []\n", nothing=True),
    Case("a text", COUNT, '    return "text"\n', nothing=True),
    Case("a computed constant", COUNT, "    result = 1 + 2\n    return result\n", tiers=WEAK),
    Case("a list of its own", SCALE, "    return [n * 2 for n in range(3)]\n", tiers=WEAK),
    Case("a printed text", COUNT, '    print("counting")\n    return 1\n', tiers=WEAK),
    # What is no weakness.
    Case("a right one", SCALE, f"    {RIGHT}\n", gives=filled(SCALE, RIGHT)),
    Case("a right one among constants", SCALE, ("    return []\n", "    return 0\n", f"    {RIGHT}\n"), offered=RIGHT),
    Case("a constant in a branch", GUARD, "return None\n", gives=filled(GUARD, "return None")),
    Case("a callback", HANDLER, "    STOPPED.append(True)\n", tiers=WEAK, offered="STOPPED.append(True)"),
    Case("a parameter marked as unused", UNUSED, "    return 0\n", offered="return 0"),
    Case("a method without parameters", NAME, '        return "shape"\n', offered='return "shape"'),
    Case(
        "two equal statements",
        TOTAL,
        "    it = iter(xs)\n    next(it)\n    next(it)\n    return 3 + next(it)\n",
        tiers=("verified",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

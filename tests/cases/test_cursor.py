"""Where the cursor may stand: at the margin of a body, and places where nothing is offered, each with its reason."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V, U = ("verified",), ("unverified",)
DOC = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n‸'
ABOVE = f"{DOC}\n\n\ndef later():\n    return add(1, 1)\n"
BLANK = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n\n‸\n'
HALF = 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n  ‸\n'
ONE_LINE = 'def add(a, b):\n    """>>> add(1, 2)\n    3"""\n‸\n'
HEADER = "# add(1, 2) == 3\ndef add(a, b):\n‸\n"
METHOD = 'class Box:\n    def twice(self, n):\n        """\n        >>> Box().twice(2)\n        4\n        """\n‸\n'
MIDDLE = f"{METHOD}\n    def other(self):\n        return 1\n"
TABS = 'def add(a, b):\n\t"""\n\t>>> add(1, 2)\n\t3\n\t"""\n‸\n'
TWO = 'def add(a, b):\n  """\n  >>> add(1, 2)\n  3\n  """\n‸\n'
CRLF = DOC.replace("\n", "\r\n")
LOOP = 'def total(xs):\n    """\n    >>> total([1, 2, 3])\n    6\n    """\n‸\n'
SUM = "    result = 0\n    for x in xs:\n        result += x\n    return result"
NONE = "nothing_to_complete"
ADD = DOC.replace("‸", "    ‸")
TOTAL = LOOP.replace("‸", "    ‸")
DEEP = LOOP.replace("‸", "        ‸")
DEEP_GIVES = DEEP.replace("‸", f"\n{SUM}")
DEEP_METHOD = METHOD.replace("‸", "            ‸")
BELOW = LOOP.replace("‸", "    result = 0\n        ‸")
FREE = "# total([1, 2]) == 3\ndef total(xs):\n        ‸\n\n\ndef other(a):\n    return a\n"
EDGE = ADD.replace("‸", "return a + \\\n‸\n")
JOINED = {
    "below a backslash": ADD.replace("‸", "return a + \\\n        ‸\n"),
    "below a backslash, with code below": ABOVE.replace("‸", "    return a + \\\n        ‸"),
    "below two backslashes": ADD.replace("‸", "return \\\n        a + \\\n        ‸\n"),
    "below a backslash with CRLF": ADD.replace("‸", "return a + \\\n        ‸\n").replace("\n", "\r\n"),
    "below backslashes, with a statement below": ADD.replace(
        "‸", "result = \\\n        a + \\\n            ‸\n    return result\n"
    ),
}
WITHIN = TOTAL.replace("‸", "if not xs:\n            ‸\n    return sum(xs)")
MARGIN = "result = 0\nfor x in xs:\n    result += x\nreturn result\n"


def right(text: str, by: str) -> str:
    """Every line of a text further right."""
    return "".join(by + line for line in text.splitlines(keepends=True))


DEEPER = [
    *(
        Case(f"too deep below a docstring, {name}", DEEP, says, gives=DEEP_GIVES, tiers=V)
        for name, says in {
            "from the margin": MARGIN,
            "as the file does": f"{SUM}\n",
            "from the cursor": SUM.lstrip(),
            "from the cursor's column": right(MARGIN, " " * 8),
            "from the cursor, in its column": right(MARGIN, " " * 8).lstrip(),
            "a fenced function": f"```python\ndef total(xs):\n{SUM}\n```\n",
            "in tabs": MARGIN.replace("    ", "\t"),
        }.items()
    ),
    Case("one blank too deep", LOOP.replace("‸", "     ‸"), MARGIN, gives=LOOP.replace("‸", f"     \n{SUM}"), tiers=V),
    Case(
        "a tab too deep",
        LOOP.replace("‸", "    \t‸"),
        f"{SUM}\n",
        gives=LOOP.replace("‸", f"    \t\n{SUM}"),
        tiers=V,
    ),
    Case(
        "too deep in a method",
        DEEP_METHOD,
        "return 2 * n\n",
        gives=filled(DEEP_METHOD, "\n        return 2 * n"),
        tiers=V,
    ),
    Case(
        "too deep in a file of tabs",
        TABS.replace("‸", "\t\t‸"),
        "\treturn a + b\n",
        gives=TABS.replace("‸", "\t\t\n\treturn a + b"),
        tiers=V,
    ),
    Case(
        "too deep in a file of two",
        TWO.replace("‸", "    ‸"),
        "    return a + b\n",
        gives=TWO.replace("‸", "    \n  return a + b"),
        tiers=V,
    ),
    Case(
        "too deep with CRLF",
        CRLF.replace("‸", "        ‸"),
        "return a + b\n",
        gives=CRLF.replace("‸", "        \r\n    return a + b"),
        tiers=V,
    ),
    Case(
        "too deep below a statement",
        BELOW,
        "for x in xs:\n    result += x\nreturn result\n",
        gives=filled(BELOW, "\n    for x in xs:\n        result += x\n    return result"),
        tiers=V,
    ),
    Case("deep below a header", FREE, MARGIN, gives=filled(FREE, right(MARGIN, " " * 8).strip()), tiers=V),
    *(
        Case(
            f"in a method, {count} blanks",
            METHOD.replace("‸", " " * count + "‸"),
            "return 2 * n\n",
            gives=METHOD.replace("‸", "        return 2 * n"),
            tiers=V,
        )
        for count in (1, 3, 6)
    ),
    Case(
        "half indented below a statement",
        LOOP.replace("‸", "    result = sum(xs)\n  ‸"),
        "return result\n",
        gives=LOOP.replace("‸", "    result = sum(xs)\n    return result"),
        tiers=V,
    ),
    Case("below a backslash, at the margin", EDGE, "b\n", gives=filled(EDGE, "    b"), tiers=V),
    *(Case(name, text, "b\n", gives=filled(text, "b"), tiers=V) for name, text in JOINED.items()),
    Case("deep in a block", WITHIN, "return 0\n", gives=filled(WITHIN, "return 0")),
]

CASES = [
    Case("below a docstring", DOC, "    return a + b\n", gives=filled(DOC, "    return a + b"), tiers=V),
    Case("below a docstring, from the cursor", DOC, "return a + b\n", gives=filled(DOC, "    return a + b"), tiers=V),
    Case("below a docstring, too deep", DOC, "        return a + b\n", gives=filled(DOC, "    return a + b"), tiers=V),
    Case("below a docstring, in tabs", DOC, "\treturn a + b\n", gives=filled(DOC, "    return a + b"), tiers=V),
    Case("with code below", ABOVE, "    return a + b\n", gives=filled(ABOVE, "    return a + b"), tiers=V),
    Case("after a blank line", BLANK, "    return a + b\n", gives=filled(BLANK, "    return a + b"), tiers=V),
    Case("half indented", HALF, "    return a + b\n", gives=filled(HALF, "  return a + b"), tiers=V),
    Case("half indented, from the cursor", HALF, "return a + b\n", gives=filled(HALF, "  return a + b"), tiers=V),
    Case(
        "below a short docstring", ONE_LINE, "    return a + b\n", gives=filled(ONE_LINE, "    return a + b"), tiers=V
    ),
    Case("below a header", HEADER, "    return a + b\n", gives=filled(HEADER, "    return a + b"), tiers=V),
    Case(
        "below a header, from the cursor", HEADER, "return a + b\n", gives=filled(HEADER, "    return a + b"), tiers=V
    ),
    Case("in a method", METHOD, "        return 2 * n\n", gives=filled(METHOD, "        return 2 * n"), tiers=V),
    Case(
        "in a method, from the cursor", METHOD, "return 2 * n\n", gives=filled(METHOD, "        return 2 * n"), tiers=V
    ),
    Case(
        "in a method, as a function",
        METHOD,
        "    return 2 * n\n",
        gives=filled(METHOD, "        return 2 * n"),
        tiers=V,
    ),
    Case("between methods", MIDDLE, "        return 2 * n\n", gives=filled(MIDDLE, "        return 2 * n"), tiers=V),
    Case("in a file of tabs", TABS, "    return a + b\n", gives=filled(TABS, "\treturn a + b"), tiers=V),
    Case("in a file of two", TWO, "    return a + b\n", gives=filled(TWO, "  return a + b"), tiers=V),
    Case("with CRLF", CRLF, "    return a + b\n", gives=filled(CRLF, "    return a + b"), tiers=V),
    Case("several lines", LOOP, f"{SUM}\n", gives=filled(LOOP, SUM), tiers=V),
    Case(
        "several lines from the margin",
        LOOP,
        "result = 0\nfor x in xs:\n    result += x\nreturn result\n",
        gives=filled(LOOP, SUM),
        tiers=V,
    ),
    Case(
        "the docstring again",
        LOOP,
        f'    """\n    >>> total([1, 2, 3])\n    6\n    """\n{SUM}\n',
        gives=filled(LOOP, SUM),
        tiers=V,
    ),
    # On the line of the header.
    *(
        Case(f"on the header's line, {name}", f"def add(a, b): {head}‸{rest}", "return a + b\n", offered="return a + b")
        for name, head, rest in [
            ("with a suffix", "", "\n\nprint(add(1, 2))\n"),
            ("with code right below", "", "\nprint(add(1, 2))\n"),
            ("before a comment", "", "  # done\n"),
            ("behind a statement", "c = a; ", "\n"),
            ("behind a docstring", '"Add."; ', "\n"),
            ("behind a docstring, with a suffix", '"Add."; ', "\n\nprint(add(1, 2))\n"),
            ("behind an emoji", '"😀"; ', "\n"),
            ("behind an emoji, at the file's end", '"😀"; ', ""),
        ]
    ),
    # Where nothing is offered.
    Case("in a comment", "x = 1  # the num‸\n", "ber\n", offered="ber", tiers=U),
    Case("in a comment of its own", "# add two num‸\nx = 1\n", "bers\n", offered="bers", tiers=U),
    Case(
        "at a comment's end",
        "def f(a):\n    # twice‸\n",
        "\n    return a\n",
        nothing=True,
        words="adds nothing to this comment",
    ),
    Case("before a comment's sign", "x = 1 ‸# one\n", "+ 1\n", words=""),
    Case("in a string", 'name = "A‸"\n', "da\n", nothing=True, reason=NONE, words="in a string"),
    Case("in an open string", 'name = "A‸\n', 'da"\n', nothing=True, reason=NONE, words="in a string"),
    Case(
        "in a docstring",
        'def f(a):\n    """Twice ‸\n    """\n    return 2 * a\n',
        "a.\n",
        offered="a.",
        tiers=U,
    ),
    Case("in an open docstring", 'def f(a):\n    """Twice ‸\n', 'a."""\n', offered="a.", tiers=U),
    Case(
        "in the text of a formatted string",
        'def f(a):\n    return f"{a} and‸"\n',
        " more\n",
        nothing=True,
        reason=NONE,
        words="in a string",
    ),
    Case("in braces of a formatted string", 'def f(a):\n    return f"{a‸}"\n', ".upper()\n", offered=".upper()"),
    Case("in bytes", "data = b'‸'\n", "x\n", nothing=True, reason=NONE, words="in a string"),
    Case("in an empty file", "‸", "x = 1\n", nothing=True, reason=NONE, words="empty"),
    Case("in a blank file", "\n\n‸\n", "x = 1\n", nothing=True, reason=NONE, words="empty"),
]


@pytest.mark.parametrize("case", [*CASES, *DEEPER], ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

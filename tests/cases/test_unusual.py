"""Unusual syntax and untidy files, and places whose code runs while the file loads.

A file that fails without a candidate at such a place is no reason to run none."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk
from support.scripted_policy import Step

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

VERIFIED = ("verified",)
ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'

CASES = [
    Case("lambda", "xs = [3, 1, 2]\nxs.sort(key=lambda x: ‸)\n", "-x)\n", offered="-x"),
    Case("subscript that the editor closed", "xs = [1, 2, 3]\nlast = xs[‸]\n", "-1]\n", offered="-1"),
    Case("annotation", "def f(x: ‸) -> int:\n    return x + 1\n", "int) -> int:\n    return x + 1\n", offered="int"),
    Case("return annotation", "def f(x: int) -> ‸:\n    return str(x)\n", "str:\n    return str(x)\n", offered="str"),
    Case("default value", "def f(x, y=‸):\n    return x + y\n", "0):\n", offered="0"),
    Case(
        "attribute",
        (
            "import math\n"
            "\n"
            "def area(r):\n"
            '    """Area.\n'
            "\n"
            "    >>> round(area(1), 2)\n"
            "    3.14\n"
            '    """\n'
            "    return math.‸ * r ** 2\n"
        ),
        "pi * r ** 2\n",
        offered="pi",
        tiers=VERIFIED,
    ),
    Case(
        "nested function with nonlocal",
        (
            "def counter():\n"
            '    """Count.\n'
            "\n"
            "    >>> c = counter()\n"
            "    >>> c(), c()\n"
            "    (1, 2)\n"
            '    """\n'
            "    n = 0\n"
            "    def step():\n"
            "        nonlocal n\n"
            "        ‸\n"
            "    return step\n"
        ),
        "n += 1\n        return n\n",
        offered="n += 1\n        return n",
        tiers=VERIFIED,
    ),
    Case(
        "async function",
        (
            "import asyncio\n"
            "\n"
            "async def add(a, b):\n"
            '    """Add later.\n'
            "\n"
            "    >>> asyncio.run(add(1, 2))\n"
            "    3\n"
            '    """\n'
            "    ‸\n"
        ),
        "await asyncio.sleep(0)\n    return a + b\n",
        offered="await asyncio.sleep(0)\n    return a + b",
        tiers=VERIFIED,
    ),
    Case(
        "property setter",
        (
            "class T:\n"
            '    """T.\n'
            "\n"
            "    >>> t = T()\n"
            "    >>> t.c = 5\n"
            "    >>> t.c\n"
            "    5\n"
            '    """\n'
            "\n"
            "    _c = 0\n"
            "\n"
            "    @property\n"
            "    def c(self):\n"
            "        return self._c\n"
            "\n"
            "    @c.setter\n"
            "    def c(self, value):\n"
            "        ‸\n"
        ),
        "self._c = value\n",
        offered="self._c = value",
    ),
    Case(
        "enum method",
        (
            "from enum import Enum\n"
            "\n"
            "class C(Enum):\n"
            "    RED = 1\n"
            "    BLUE = 2\n"
            "\n"
            "    def other(self):\n"
            '        """Other.\n'
            "\n"
            "        >>> C.RED.other()\n"
            "        <C.BLUE: 2>\n"
            '        """\n'
            "        ‸\n"
        ),
        "return C.BLUE if self is C.RED else C.RED\n",
        offered="return C.BLUE if self is C.RED else C.RED",
        tiers=VERIFIED,
    ),
    Case(
        "overload",
        (
            "from typing import overload\n"
            "\n"
            "@overload\n"
            "def twice(x: int) -> int: ...\n"
            "@overload\n"
            "def twice(x: str) -> str: ...\n"
            "def twice(x):\n"
            '    """Twice.\n'
            "\n"
            "    >>> twice(2)\n"
            "    4\n"
            '    >>> twice("a")\n'
            "    'aa'\n"
            '    """\n'
            "    ‸\n"
        ),
        "return x * 2\n",
        offered="return x * 2",
        tiers=VERIFIED,
    ),
    Case(
        "body of a match case",
        (
            "def area(shape):\n"
            '    """Area.\n'
            "\n"
            '    >>> area(("square", 3))\n'
            "    9\n"
            '    >>> area(("rect", 2, 3))\n'
            "    6\n"
            '    """\n'
            "    match shape:\n"
            '        case ("square", s):\n'
            "            return s * s\n"
            '        case ("rect", w, h):\n'
            "            ‸\n"
            "        case _:\n"
            "            raise ValueError(shape)\n"
        ),
        "return w * h\n",
        offered="return w * h",
        tiers=VERIFIED,
    ),
    Case(
        "cases of a match",
        (
            "def name(n):\n"
            '    """Name.\n'
            "\n"
            "    >>> name(1)\n"
            "    'one'\n"
            "    >>> name(5)\n"
            "    'many'\n"
            '    """\n'
            "    match n:\n"
            "        ‸\n"
        ),
        'case 1:\n            return "one"\n        case _:\n            return "many"\n',
        offered='case 1:\n            return "one"\n        case _:\n            return "many"',
        tiers=VERIFIED,
    ),
    Case(
        "context manager",
        (
            "from contextlib import contextmanager\n"
            "\n"
            "@contextmanager\n"
            "def pushed(xs, x):\n"
            '    """Push.\n'
            "\n"
            "    >>> xs = []\n"
            "    >>> with pushed(xs, 1):\n"
            "    ...     print(xs)\n"
            "    [1]\n"
            "    >>> xs\n"
            "    []\n"
            '    """\n'
            "    ‸\n"
        ),
        "xs.append(x)\n    try:\n        yield xs\n    finally:\n        xs.pop()\n",
        offered="xs.append(x)\n    try:\n        yield xs\n    finally:\n        xs.pop()",
        tiers=VERIFIED,
    ),
    Case(
        "a decorator of its own",
        (
            "import functools\n"
            "\n"
            "def twice(f):\n"
            '    """Call twice.\n'
            "\n"
            "    >>> twice(lambda x: x + 1)(1)\n"
            "    3\n"
            '    """\n'
            "    @functools.wraps(f)\n"
            "    def inner(x):\n"
            "        ‸\n"
            "    return inner\n"
        ),
        "return f(f(x))\n",
        offered="return f(f(x))",
        tiers=VERIFIED,
    ),
    Case("syntax error above", "def broken(x\n    return x\n\n" + ADD, "return a + b\n", offered="return a + b"),
    Case(
        "a merge conflict below",
        ADD + "\n<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n",
        "return a + b\n",
        offered="return a + b",
    ),
    Case("a print statement of Python 2", 'print "hello"\n\n' + ADD, "return a + b\n", offered="return a + b"),
    Case(
        "magics of a notebook",
        "%matplotlib inline\n!pip install x\nimport math\n\n" + ADD,
        "return a + b\n",
        offered="return a + b",
    ),
    Case(
        "cells by comments",
        "# %% [markdown]\n# Title\n# %%\n" + ADD + "# %%\nprint(add(1, 2))\n",
        "return a + b\n",
        offered="return a + b",
        tiers=VERIFIED,
    ),
    Case(
        "CRLF from the model",
        ADD,
        "total = a + b\r\n    return total\r\n",
        gives=ADD.replace("‸", "total = a + b\n    return total"),
        tiers=VERIFIED,
    ),
    Case(
        "exception groups",
        (
            "def f():\n"
            '    """>>> f()\n'
            '    1"""\n'
            "    try:\n"
            '        raise ExceptionGroup("g", [ValueError(1)])\n'
            "    except* ValueError as e:\n"
            "        n = ‸\n"
            "    return n\n"
        ),
        "len(e.exceptions)\n",
        offered="len(e.exceptions)",
        tiers=VERIFIED,
    ),
    Case(
        "in parentheses over lines",
        ('def add(a, b, c):\n    """>>> add(1, 2, 3)\n    6"""\n    return (\n        a\n        ‸\n    )\n'),
        "+ b\n        + c\n    )\n",
        offered="+ b\n        + c",
        tiers=VERIFIED,
    ),
    Case("a zero byte in the file", 'X = "a\x00b"\n\n' + ADD, "return a + b\n", offered="return a + b"),
]


DEEP = {
    "lists": "X = " + "[" * 150 + "]" * 150,
    "calls": "f = abs\nX = " + "f(" * 150 + "1" + ")" * 150,
    "a sum": "X = " + " + ".join(["1"] * 400),
    "branches": "def g(n):\n    if n == 0:\n        return 0\n"
    + "".join(f"    elif n == {number}:\n        return {number}\n" for number in range(1, 200)),
}
CASES += [
    *(Case(f"below deep {name}", f"{code}\n\n{ADD}", "return a + b\n", tiers=VERIFIED) for name, code in DEEP.items()),
    Case("above deep lists", f"{ADD}\n\n{DEEP['lists']}\n", "return a + b\n", tiers=VERIFIED),
    Case(
        "deep lists at the cursor",
        f"X = {'[' * 150}‸",
        f"1{']' * 150}\n",
        nothing=True,
        words="over 150 levels are not read, because Python's own tools would fail",
    ),
]
STUBS = {
    "a body": ("def add(a: int, b: int) -> int:\n    ‸\n", "...\n"),
    "a body with code": ("def add(a: int, b: int) -> int:\n    ‸\n", "return a + b\n"),
    "a body on the header's line": ("def add(a: int, b: int) -> int: ‸\n", "...\n"),
    "a method's body": ("class A:\n    def add(self, a: int) -> int: ‸\n", "...\n"),
    "a body below a docstring": (ADD, "return a + b\n"),
}


@pytest.mark.parametrize("name", STUBS)
async def test_body_in_a_stub_file(desk: Desk, name: str) -> None:
    """It has none. The reason says so, and the model is not asked."""
    text, says = STUBS[name]
    desk.policy.forget()
    desk.policy.will(Step(text=says))
    await desk.editor.open(text, path="stub.pyi")
    assert await desk.editor.suggest() is None
    told = await desk.editor.explain()
    assert told["reason"] == "nothing_to_complete"
    assert "stub file (.pyi) has no body" in str(told["text"])
    assert desk.policy.completions == []


@pytest.mark.parametrize("text", ["class A:\n    def f(self) -> int: ...\n    ‸\n", "def f() -> int: ...\n‸\n"])
async def test_declaration_in_a_stub_file(desk: Desk, text: str) -> None:
    """Declarations are suggested there."""
    desk.policy.forget()
    desk.policy.will(Step(text="def g() -> int: ...\n"))
    await desk.editor.open(text, path="more.pyi")
    offer = await desk.editor.suggest()
    assert offer is not None and offer.text.strip() == "def g() -> int: ..."


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the row says holds."""
    await desk.check(case)

"""Somebody types a function from the top, or changes a line of it. The policy writes the line that is right.

Nothing may hold such a line back: it is offered, with the label that its evidence supports.
"""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

NETWORK = '''import socket


def ask(host, text):
    """Send a text.

    >>> ask("localhost", b"ab")
    2
    """
    with socket.create_connection((host, 80)) as line:
        {line}
        return sent
'''
BRANCH = '''def name(n):
    """Name a number.

    >>> name(1)
    'one'
    """
    if n == 1:
        return "one"
    if n < 0:
        {line}
    return "many"
'''
TRY = '''import json


def load(text):
    """Read JSON.

    >>> load("[1]")
    [1]
    """
    try:
        {lines}
'''
LOADED = "value = json.loads(text)"
HANDLED = "    except ValueError:\n        return None\n    return value"


def _case(name: str, text: str, says: str, *, offered: str = "") -> Case:
    """The policy says the right text, and it is offered while the user types."""
    return Case(name, text, f"{says}\n", offered=offered or says, tiers=("checked",), automatic=True)


CASES = [
    _case("no example reaches the line", BRANCH.format(line="‸"), 'return "minus"'),
    _case("no example reaches the rest of a line", BRANCH.format(line="return ‸"), '"minus"'),
    _case("no example reaches the argument", BRANCH.format(line="return str(‸)"), '"minus"'),
    _case("the examples need the network", NETWORK.format(line="‸"), "sent = line.send(text)"),
    _case("the rest of a line needs the network", NETWORK.format(line="sent = ‸"), "line.send(text)"),
    _case("a try without a handler", TRY.format(lines="‸"), f"{LOADED}\n{HANDLED}", offered=LOADED),
    _case(
        "the second line of a try",
        TRY.format(lines=f"{LOADED}\n        ‸"),
        f"return value\n{HANDLED}",
        offered="return value",
    ),
    _case(
        "the rest of a line in a try",
        TRY.format(lines="value = ‸"),
        f"json.loads(text)\n{HANDLED}",
        offered="json.loads(text)",
    ),
    _case(
        "a try at the margin",
        "try:\n    ‸\n",
        "import json\nexcept ImportError:\n    json = None",
        offered="import json",
    ),
    _case(
        "a try in a try",
        "def f(n):\n    try:\n        try:\n            ‸\n\n\nx = f(1)\n",
        "return 1 / n\n        except TypeError:\n            pass",
        offered="return 1 / n",
    ),
    _case(
        "a dict over several lines",
        "def f(o):\n    args = {\n        ‸\n",
        '"a": o.a,\n        "b": o.b,\n    }\n    return args',
        offered='"a": o.a,',
    ),
    _case(
        "a call over several lines",
        "def f(o):\n    return dict(\n        a=o.a,\n        ‸\n\n\nx = 1\n",
        "b=o.b,\n    )",
        offered="b=o.b,",
    ),
    _case(
        "a call in a try",
        "def f(o):\n    try:\n        o.a(\n            ‸\n",
        "b=o.b,\n        )\n    except OSError:\n        pass",
        offered="b=o.b,",
    ),
    _case("parameters over several lines", "def f(\n    a,\n    ‸\n", "b,\n):\n    return a + b", offered="b,"),
    Case(
        "a wrong value in a try",
        TRY.format(lines=f"{LOADED}\n        ‸"),
        f"return [value]\n{HANDLED}\n",
        nothing=True,
        reason="all_failed",
        automatic=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_typing(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

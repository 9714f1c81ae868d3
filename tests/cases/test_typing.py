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


def _case(name: str, text: str, says: str, *, tiers: tuple[str, ...] = ("checked",)) -> Case:
    """The policy says the right text, and it is offered while the user types."""
    return Case(name, text, f"{says}\n", offered=says, tiers=tiers, automatic=True)


CASES = [
    _case("no example reaches the line", BRANCH.format(line="‸"), 'return "minus"'),
    _case("no example reaches the rest of a line", BRANCH.format(line="return ‸"), '"minus"'),
    _case("no example reaches the argument", BRANCH.format(line="return str(‸)"), '"minus"'),
    _case("the examples need the network", NETWORK.format(line="‸"), "sent = line.send(text)"),
    _case("the rest of a line needs the network", NETWORK.format(line="sent = ‸"), "line.send(text)"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_typing(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

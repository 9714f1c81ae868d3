"""Examples that wrap the call: in a coroutine that the session defines and runs, in a loop, or in `with`."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)


def double(session: str) -> str:
    """A coroutine with a session in its docstring."""
    lines = "".join(f"    {line}\n" for line in session.split("\n"))
    return f'import asyncio\n\n\nasync def double(x):\n    """Double it.\n\n{lines}    """\n    ‸\n'


MAIN = ">>> async def main():\n...     {}\n>>> asyncio.run(main())"
SESSIONS = {
    "a run": ">>> asyncio.run(double(2))\n4",
    "a coroutine that returns": MAIN.format("return await double(2)") + "\n4",
    "one with an end of its own": MAIN.format("return await double(2)\n...") + "\n4",
    "a coroutine that prints": MAIN.format("print(await double(2))") + "\n4",
    "a coroutine that asserts": MAIN.format("result = await double(2)\n...     assert result == 4"),
    "a coroutine with lines above": MAIN.format("n = 1 + 1\n...     return await double(n)") + "\n4",
    "a coroutine that adds": MAIN.format("return await double(2) + 1") + "\n5",
    "a loop": ">>> loop = asyncio.new_event_loop()\n>>> loop.run_until_complete(double(2))\n4",
    "a loop that is asked for": ">>> asyncio.get_event_loop().run_until_complete(double(2))\n4",
    "a loop with a coroutine": (
        ">>> async def main():\n...     return await double(2)\n"
        ">>> loop = asyncio.new_event_loop()\n>>> loop.run_until_complete(main())\n4"
    ),
    "several at once": MAIN.format("return await asyncio.gather(double(1), double(2))") + "\n[2, 4]",
    "a block": MAIN.format("async with asyncio.timeout(1):\n...         return await double(2)") + "\n4",
}
UNREAD = {
    "two awaits": MAIN.format("return await double(await double(1))") + "\n4",
    "a loop with several at once": ">>> loop = asyncio.new_event_loop()\n"
    ">>> loop.run_until_complete(asyncio.gather(double(1), double(2)))\n[2, 4]",
}
METHOD = '''import asyncio


class Client:
    async def get(self, key):
        """
        >>> async def main():
        ...     client = Client()
        ...     return await client.get("a")
        >>> asyncio.run(main())
        'A'
        """
        ‸
'''
ITEMS = '''import asyncio


async def count(n):
    """
    >>> async def main():
    ...     return [x async for x in count(3)]
    >>> asyncio.run(main())
    [0, 1, 2]
    """
    ‸
'''
ENTER = '''class Thing:
    """
    >>> with Thing() as t:
    ...     t.go()
    1
    """

    def __enter__(self):
        ‸

    def __exit__(self, *args):
        return False

    def go(self):
        return 1
'''
SECOND = '''class Bag:
    """
    >>> with Bag() as b:
    ...     b.add(2)
    ...     b.total()
    3
    """

    def __init__(self):
        self.n = 0

    def __enter__(self):
        ‸

    def __exit__(self, *args):
        return False

    def add(self, n):
        self.n += n

    def total(self):
        return self.n
'''
EXIT = '''class Door:
    """
    >>> d = Door()
    >>> with d:
    ...     d.items.append(1)
    >>> d.items
    []
    """

    def __init__(self):
        self.items = []

    def __enter__(self):
        return self

    def __exit__(self, *args):
        ‸
'''
EXIT_AS = EXIT.replace("    >>> d = Door()\n    >>> with d:", "    >>> with Door() as d:")
TAG = '''from contextlib import contextmanager


@contextmanager
def tag(name):
    """
    >>> with tag("b"):
    ...     print("x")
    <b>
    x
    </b>
    """
    ‸
'''
CASES = [
    *(Case(name, double(session), "return x * 2\n", tiers=V) for name, session in SESSIONS.items()),
    *(Case(f"{name}, wrong", double(text), "return x * 3\n", nothing=True) for name, text in SESSIONS.items()),
    *(Case(name, double(text), "return x * 2\n", tiers=("checked",)) for name, text in UNREAD.items()),
    Case("a method", METHOD, "return key.upper()\n", tiers=V),
    Case("a method, wrong", METHOD, "return key\n", nothing=True),
    Case("items", ITEMS, "for x in range(n):\n        yield x\n", tiers=V),
    Case("items, wrong", ITEMS, "for x in range(n + 1):\n        yield x\n", nothing=True),
    Case("enter", ENTER, "return self\n", tiers=V),
    Case("enter, nothing", ENTER, "return None\n", nothing=True),
    Case("enter, something else", ENTER, "return 5\n", nothing=True),
    Case("enter, the second line", SECOND, "self.n += 1\n        return self\n", tiers=V),
    Case("enter, the second line, wrong", SECOND, "return self\n", nothing=True),
    Case("exit", EXIT, "self.items.clear()\n", tiers=V),
    Case("exit, wrong", EXIT, "self.items.append(2)\n", nothing=True),
    Case("exit, with a name", EXIT_AS, "self.items.clear()\n", tiers=V),
    Case("exit, with a name, wrong", EXIT_AS, "self.items.append(2)\n", nothing=True),
    Case("a context manager", TAG, 'print(f"<{name}>")\n    yield\n    print(f"</{name}>")\n', tiers=V),
    Case("a context manager, wrong", TAG, 'print(f"<{name}>")\n    yield\n', nothing=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

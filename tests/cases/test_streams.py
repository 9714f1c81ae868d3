"""Streams that repeat themselves: every event holds the whole text so far, or the last one holds it once more."""

from __future__ import annotations

import pytest
from support.answers import DONE, chat, document, event
from support.cases import Case, Desk
from support.raw_server import text_event
from support.scripted_policy import Step

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

VERIFIED = ("verified",)
ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'
PUT = (
    'class Bag:\n    """Bag.\n\n    >>> b = Bag()\n    >>> b.put(1)\n    >>> b.items\n    [1]\n    """\n\n'
    "    def __init__(self):\n        self.items = []\n\n    def put(self, item):\n        ‸\n"
)
TOTAL = (
    'def total(items):\n    """Sum up.\n\n    >>> total([1, 2, 3])\n    6\n    >>> total([])\n    0\n    """\n    ‸\n'
)
LOOP = "result = 0\n    for item in items:\n        result += item\n    return result\n"
TWICE = 'def after(it):\n    """Skip two.\n\n    >>> after(iter([1, 2, 3]))\n    3\n    """\n    ‸\n'
STOP = text_event("", finish_reason="stop") + DONE


def raw(*parts: bytes) -> Step:
    """A step that sends a hand-made stream."""
    return Step(text=b"".join(parts).decode(), ending="raw")


def growing(text: str, *, step: int = 7) -> list[str]:
    """The beginnings of a text, the whole of it last."""
    return [*(text[:end] for end in range(step, len(text), step)), text]


CASES = [
    Case("whole texts", ADD, raw(*map(text_event, growing("    return a + b\n", step=9)), STOP), tiers=VERIFIED),
    Case(
        "whole texts of a chat", ADD, raw(*map(chat, growing("return a + b\n")), STOP), "return a + b", tiers=VERIFIED
    ),
    Case(
        "whole texts of several lines", TOTAL, raw(*map(text_event, growing(LOOP)), STOP), offered=LOOP, tiers=VERIFIED
    ),
    Case(
        "whole texts, one character more each time",
        TOTAL,
        raw(*map(text_event, growing(LOOP, step=1)), STOP),
        offered=LOOP,
        tiers=VERIFIED,
    ),
    Case(
        "whole texts behind blanks",
        TOTAL,
        raw(*map(text_event, growing("    " + LOOP, step=4)), STOP),
        offered=LOOP,
        tiers=VERIFIED,
    ),
    Case(
        "whole texts, the last one twice",
        PUT,
        raw(
            *map(text_event, growing("self.items.append(item)\n")),
            text_event("self.items.append(item)\n", finish_reason="stop"),
            DONE,
        ),
        offered="self.items.append(item)",
        tiers=VERIFIED,
    ),
    Case(
        "pieces, then the whole text",
        PUT,
        raw(
            text_event("self.items."),
            text_event("append(item)\n"),
            text_event("self.items.append(item)\n", finish_reason="stop"),
            DONE,
        ),
        offered="self.items.append(item)",
        tiers=VERIFIED,
    ),
    Case(
        "pieces, then a message",
        PUT,
        raw(
            chat("self.items."),
            chat("append(item)\n"),
            event({"choices": [{"message": {"content": "self.items.append(item)\n"}, "finish_reason": "stop"}]}),
        ),
        offered="self.items.append(item)",
        tiers=VERIFIED,
    ),
    Case(
        "two equal statements in two events",
        TWICE,
        raw(text_event("next(it)\n    "), text_event("next(it)\n    "), text_event("return next(it)\n"), STOP),
        offered="next(it)\n    next(it)\n    return next(it)",
        tiers=VERIFIED,
    ),
    Case(
        "a text below another key",
        ADD,
        raw(event({"completion": "return a + b\n", "stop_reason": "stop_sequence"})),
        offered="return a + b",
        tiers=VERIFIED,
    ),
    Case(
        "one document",
        ADD,
        raw(document(text="return a + b\n")),
        offered="return a + b",
        tiers=VERIFIED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_streams(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

"""A policy that writes characters nobody sees. They are refused, unless the file has them already."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

GREET = 'def greet(name):\n    """\n    >>> greet("Ada")[-3:]\n    \'Ada\'\n    """\n    ‸\n'
HIDDEN = [
    ("right-to-left override", "\u202e"),
    ("right-to-left embedding", "\u202b"),
    ("left-to-right isolate", "\u2066"),
    ("pop isolate", "\u2069"),
    ("right-to-left mark", "\u200f"),
    ("Arabic letter mark", "\u061c"),
    ("zero width space", "\u200b"),
    ("zero width joiner", "\u200d"),
    ("word joiner", "\u2060"),
    ("byte order mark", "\ufeff"),
    ("soft hyphen", "\xad"),
    ("Hangul filler", "\u3164"),
    ("tag character", "\U000e0041"),
    ("line separator", "\u2028"),
    ("backspace", "\x08"),
    ("escape", "\x1b"),
    ("bell", "\x07"),
    ("delete", "\x7f"),
    ("vertical tab", "\x0b"),
    ("next line", "\x85"),
]
HAS = 'MARK = "\u200e"\n\n\n' + GREET
CASES = [
    *(Case(f"in a string: {name}", GREET, f'    return "hi {sign} " + name\n', nothing=True) for name, sign in HIDDEN),
    *(
        Case(f"in a comment: {name}", GREET, f"    return name  # {sign} ok\n", nothing=True)
        for name, sign in HIDDEN[:6]
    ),
    Case("in a name", GREET, "    na\u200bme = name\n    return na\u200bme\n", nothing=True),
    Case("a zero byte", GREET, '    return "\x00" + name\n', nothing=True),
    Case(
        "a single carriage return",
        GREET,
        '    x = 1\r    return "hi " + name\n',
        offered='x = 1\n    return "hi " + name',
        never=("\r",),
    ),
    Case("another where the file has one", HAS, '    return "\u202e" + name\n', nothing=True),
    Case("what the file has already", HAS, '    return "\u200e" + name\n', offered='return "\u200e" + name'),
    Case("letters of other scripts", GREET, '    return "שלום " + name\n', offered='return "שלום " + name'),
    Case("an emoji", GREET, '    return "👋🏽 ❤️ " + name\n', offered='return "👋🏽 ❤️ " + name'),
    Case("escapes", GREET, '    return "\\u202e" + name\n', offered='return "\\u202e" + name'),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

"""Streams that repeat themselves, or that bring a character in parts."""

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


HELLO = 'def hello(name):\n    """\n    >>> hello("Ann")\n    \'Grüße, Ann\'\n    """\n    ‸\n'
GREETING = "return f'Grüße, {name}'"
LOST = "\ufffd"
HELD = HELLO.replace("Grüße", f"Gr{LOST}e")


def halves(*parts: str) -> list[bytes]:
    """Events with texts as JSON writes them."""
    return [b'data: {"choices": [{"index": 0, "text": "' + part.encode("ascii") + b'"}]}\n\n' for part in parts]


def tokens(*parts: bytes, style: str) -> bytes:
    """One event of tokens, whose texts hold U+FFFD for the parts of a character."""
    texts = [part.decode("utf-8", "replace") for part in parts]
    content = [{"token": text, "logprob": -0.1, "bytes": list(part)} for text, part in zip(texts, parts, strict=True)]
    names = [
        text if LOST not in text else "bytes:" + "".join(f"\\x{byte:02x}" for byte in part)
        for text, part in zip(texts, parts, strict=True)
    ]
    old = {"tokens": names, "token_logprobs": [-0.1] * len(parts)}
    logprobs = {"content": content} if style == "list" else old
    return event({"choices": [{"index": 0, "text": "".join(texts), "logprobs": logprobs}]})


PARTS = (b"return f'Gr", b"\xc3", b"\xbc", b"\xc3", b"\x9f", b"e, {name}'\n")

CASES = [
    # A character that comes in parts.
    *(
        Case(
            f"the bytes of a token, as a {style}",
            HELLO,
            raw(*(tokens(part, style=style) for part in PARTS), STOP),
            offered=GREETING,
            tiers=VERIFIED,
        )
        for style in ("list", "name")
    ),
    Case(
        "several tokens in an event",
        HELLO,
        raw(tokens(*PARTS[:3], style="list"), tokens(*PARTS[3:], style="list"), STOP),
        offered=GREETING,
        tiers=VERIFIED,
    ),
    Case(
        "bytes as lone surrogates",
        HELLO,
        raw(*halves("return f'Gr\\udcc3", "\\udcbc\\udcc3", "\\udc9fe, {name}'\\n"), STOP),
        offered=GREETING,
        tiers=VERIFIED,
    ),
    Case(
        "halves of UTF-16",
        HELLO.replace("Grüße", "😀"),
        raw(*halves("return f'\\ud83d", "\\ude00, {name}'\\n"), STOP),
        offered="return f'😀, {name}'",
        tiers=VERIFIED,
    ),
    Case("a lost character", HELLO, f"return f'Gr{LOST}{LOST}e, {{name}}'\n", nothing=True, words="U+FFFD"),
    Case("a lost one in a comment", ADD, f"return a + b  # Gr{LOST}n\n", nothing=True, words="U+FFFD"),
    Case("a lost one in a string", ADD, f"print('{LOST}')\n    return a + b\n", nothing=True, words="U+FFFD"),
    Case(
        "a lost half",
        ADD,
        raw(*halves("note = '\\ud83d", "'\\n    return a + b\\n"), STOP),
        nothing=True,
        words="U+FFFD",
    ),
    Case("a lost one behind the body", ADD, f"return a + b\n\n\ndef caf{LOST}", offered="return a + b", tiers=VERIFIED),
    Case("one that the file has", HELD, f"return f'Gr{LOST}e, {{name}}'\n", offered=f"return f'Gr{LOST}e, {{name}}'"),
    Case("the alphabet of GPT-2, beyond ASCII", HELLO, "returnĠf'GrÃ¼ÃŁe,Ġ{name}'Ċ", offered=GREETING, tiers=VERIFIED),
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

"""Completions that a server did not decode, or wrapped once more. What is inserted is the code that they mean."""

from __future__ import annotations

import json

import pytest
from support.buffers import ADD, LINE, LOOP, SIGN, TOTAL
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
ADDED = filled(ADD, "return a + b")
SUMMED = filled(TOTAL, LOOP)
SIGNED = "if n < 0:\n        return -1\n    return 1 if n > 0 else 0"
NAMED = 'def greet(name):\n    """\n    >>> greet("Ann")\n    \'ĠAnn\'\n    """\n    ‸\n'

CASES = [
    Case("the byte alphabet of GPT-2", ADD, "ĠĠĠĠreturnĠaĠ+ĠbĊ", gives=ADDED, tiers=V),
    Case("the same on several lines", TOTAL, LOOP.replace("\n", "Ċ").replace(" ", "Ġ"), gives=SUMMED, tiers=V),
    Case("the blank of SentencePiece", TOTAL, LOOP.replace(" ", "▁"), gives=SUMMED, tiers=V),
    Case("its byte tokens", TOTAL, LOOP.replace("\n", "<0x0A>").replace(" ", "▁"), gives=SUMMED, tiers=V),
    Case("byte tokens beside blanks", TOTAL, LOOP.replace("\n", "<0x0A>"), gives=SUMMED, tiers=V),
    Case(
        "byte tokens of one character", ADD, "return a + b<0x20># <0xC3><0xA9>", gives=filled(ADD, "return a + b # é")
    ),
    Case("a character that the document has", NAMED, "return 'Ġ' + name", gives=filled(NAMED, "return 'Ġ' + name")),
    Case("escaped line ends", TOTAL, LOOP.replace("\n", "\\n"), gives=SUMMED, tiers=V),
    Case("CR alone", TOTAL, LOOP.replace("\n", "\r"), gives=SUMMED, tiers=V),
    Case("CRLF", TOTAL, LOOP.replace("\n", "\r\n"), gives=SUMMED, tiers=V),
    Case("line separators", TOTAL, LOOP.replace("\n", "\u2028"), gives=SUMMED, tiers=V),
    Case("next lines", TOTAL, LOOP.replace("\n", "\u0085"), gives=SUMMED, tiers=V),
    Case("entities", SIGN, SIGNED.replace("<", "&lt;").replace(">", "&gt;"), gives=filled(SIGN, SIGNED), tiers=V),
    Case("the sign of subtraction", SIGN, SIGNED.replace("-", "\u2212"), gives=filled(SIGN, SIGNED), tiers=V),
    Case("a JSON object", ADD, json.dumps({"code": "return a + b"}), gives=ADDED, tiers=V),
    Case("a JSON object with talk", ADD, json.dumps({"text": "Sure:\n```\nreturn a + b\n```"}), gives=ADDED, tiers=V),
    Case("a JSON object without code", ADD, json.dumps({"a": 1}), nothing=True),
    Case("an instruction's end first", ADD, "[/INST] return a + b", gives=ADDED, tiers=V),
    Case("a comment above a fence", ADD, "# Solution\n```python\n    return a + b\n```\n", gives=ADDED, tiers=V),
    Case("a heading above a fence", ADD, "## Solution\n\n```python\nreturn a + b\n```\n", gives=ADDED, tiers=V),
    Case("a tag of two words", ADD, "<code_edit>\n    return a + b\n</code_edit>", gives=ADDED, tiers=V),
    Case("a step in bold", ADD, "**Step 1:** add the numbers\n\nreturn a + b\n", gives=ADDED, tiers=V),
    Case("code in a sentence", ADD, "Use `return a + b`.", gives=ADDED, tiers=V),
    Case("code in a sentence, in a line", LINE, "Use `a + b` here.", gives=filled(LINE, "a + b"), tiers=V),
    Case("the docstring's end once more", ADD, '>>> add(1, 2)\n    3\n    """\n    return a + b', gives=ADDED, tiers=V),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

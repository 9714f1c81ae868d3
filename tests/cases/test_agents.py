"""Answers of chat models and agents of 2026: thoughts between control strings, calls of tools, values, other blanks."""

from __future__ import annotations

import pytest
from support.cases import Case, Desk

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n\n\ndef sub(a, b):\n    return a - b\n'
MEAN = 'def mean(xs):\n    """Mean.\n\n    >>> mean([1, 3])\n    2.0\n    """\n    ‸\n'
FUNCTION = 'def f(a, b):\n    """>>> f(1, 2)\n    3"""\n    return‸\n'
BODY = "return a + b"
VERIFIED = ("verified",)

SUMS = {
    "cursor token at the end": "return a + b<|cursor|>\n",
    "cursor in brackets": "return a + b[CURSOR]\n",
    "completion tag": "<COMPLETION>return a + b</COMPLETION>",
    "completion tag on lines": "<COMPLETION>\n    return a + b\n</COMPLETION>",
    "echo of a hole": "{{FILL_HERE}}return a + b",
    "solution tag with a fence": "<solution>\n```python\nreturn a + b\n```\n</solution>",
    "harmony channels": (
        "<|channel|>analysis<|message|>We need to add the numbers.<|end|><|start|>assistant<|channe"
        "l|>final<|message|>return a + b<|return|>"
    ),
    "harmony words without tokens": "analysisWe need to add two numbers.assistantfinalreturn a + b",
    "harmony final with a fence": "<|channel|>final<|message|>```python\nreturn a + b\n```<|return|>",
    "end of thought alone": "The user wants the sum.\n</think>\n\nreturn a + b\n",
    "thought with code in it": "<think>\nMaybe `return a - b`? No.\n\n"
    "```python\nreturn a - b\n```\n</think>\nreturn a + b\n",
    "reasoning tag": "<reasoning>\nSum.\n</reasoning>\nreturn a + b",
    "mistral thought": "[THINK]Sum them.[/THINK]return a + b",
    "kimi thought": "◁think▷Sum them.◁/think▷return a + b",
    "gemma channel": "<|channel>thought\nSum.<channel|>return a + b",
    "gemma turn": "return a + b<end_of_turn>\n<start_of_turn>user\nThanks!",
    "mistral middle": "[MIDDLE]return a + b[SUFFIX]",
    "granite end": "return a + b<|end_of_text|><|start_of_role|>user<|end_of_role|>",
    "glm": "<|assistant|>\nreturn a + b<|user|>",
    "minimax": "return a + b[e~[",
    "exaone": "return a + b[|endofturn|]",
    "tool call": '<tool_call>\n{"name": "insert_code", "arguments": {"code": "return a + b"}}\n</tool_call>',
    "function call of a parameter": (
        "<tool_call>\n<function=edit>\n<parameter=new_text>\nreturn a + b\n</parameter>\n</function>\n</tool_call>"
    ),
    "apply patch": (
        "*** Begin Patch\n"
        "*** Update File: add.py\n"
        "@@ def add(a, b):\n"
        "     >>> add(1, 2)\n"
        "     3\n"
        '     """\n'
        "+    return a + b\n"
        "*** End Patch\n"
    ),
    "search and replace": "<<<<<<< SEARCH\n    \n=======\n    return a + b\n>>>>>>> REPLACE\n",
    "unified diff": '```diff\n--- a/add.py\n+++ b/add.py\n@@ -5,1 +5,2 @@\n     """\n+    return a + b\n```\n',
    "existing code comment": "# ... existing code ...\n    return a + b\n    # ... rest of the code ...\n",
    "bold file name": "**add.py**\n\n```python\n    return a + b\n```\n",
    "fence with a file name": "```python:src/add.py\nreturn a + b\n```\n",
    "language on its own line": "python\nreturn a + b\n",
    "question at the end": "return a + b\n\nWould you like me to add tests?\n",
    "emoji talk": "✅ Done!\n\n```python\nreturn a + b\n```\n",
    "test function below": "return a + b\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "prompts of a notebook": "In [1]: return a + b\n",
    "wide punctuation": "return a ＋ b\n",
    "no-break spaces": "return\xa0a\xa0+\xa0b\n",
    "zero width space": "return a\u200b + b\n",
    "ansi colours": "\x1b[32mreturn a + b\x1b[0m\n",
    "quoted by a mail": "> return a + b\n",
    "line numbers with an arrow": "     7→    return a + b\n",
    "json in a fence": '```json\n{"code": "return a + b"}\n```',
    "json list": '["return a + b"]',
    "yaml": "code: |\n  return a + b\n",
    "a Python string": '"return a + b"\n',
    "triple quotes around": '"""\nreturn a + b\n"""\n',
    "begin solution": "BEGIN SOLUTION\nreturn a + b\nEND SOLUTION\n",
}
"""Answers that hold the sum of two arguments, and no other code."""

CASES = [
    Case(
        "a helper before the function",
        MEAN,
        ("def total(values):\n    return sum(values)\n\ndef mean(xs):\n    return total(xs) / len(xs)\n"),
        offered="def total(values):\n        return sum(values)\n    return total(xs) / len(xs)",
        tiers=VERIFIED,
    ),
    Case("no blank after a keyword", FUNCTION, "a + b\n", offered=" a + b", tiers=VERIFIED),
    Case("a keyword that goes on", "xs = [1]\nn = ‸\n", "notes\n", nothing=True),
    Case("a docstring alone", ADD, '"""Add two numbers."""\n', nothing=True),
    Case("a thought that the limit ended", ADD, "<|channel|>analysis<|message|>We add", nothing=True, finish="length"),
    Case("a thought in brackets without an end", ADD, "[THINK]We need return a - b", nothing=True),
]


@pytest.mark.parametrize("name", SUMS)
async def test_sum(desk: Desk, name: str) -> None:
    """The code in the answer is offered, and it alone."""
    await desk.check(Case(name, ADD, SUMS[name], offered=BODY, tiers=VERIFIED))


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the row says holds."""
    await desk.check(case)

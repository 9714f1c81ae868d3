"""A policy that thinks, tries and corrects itself in one answer. What it gave up is no answer."""

from __future__ import annotations

import pytest
from support.answers import DONE, chat, event
from support.buffers import ADD, LINE, LOOP, TOTAL
from support.cases import Case, Desk, filled
from support.scripted_policy import Step

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
ADDED = filled(ADD, "return a + b")
SPENT = "wrote only its thoughts"
PLAIN = 'def add(a, b):\n    """Add two numbers."""\n    ‸\n'
WRONG = "```python\ndef add(a, b):\n    return a - b\n```\n"
RIGHT = "```python\ndef add(a, b):\n    return a + b\n```\n"
USE = "```python\nprint(add(1, 2))\n```\n"
WHOLE = f"```python\ndef total(xs):\n    {LOOP}\n```\n"
STOP = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + DONE
CUT = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})


def beside(key: str) -> bytes:
    """An event with a thought beside the text."""
    return event({"choices": [{"index": 0, "delta": {key: "    return a + b\\n"}}]})


def raw(*parts: bytes) -> Step:
    """A step that sends a hand-made stream."""
    return Step(text=b"".join(parts).decode(), ending="raw")


THOUGHTS = {
    "in a tag": "<think>\nThe sum.\n    return a + b\n",
    "in a tag, with a fence": f"<think>\nMaybe:\n{RIGHT}But",
    "in a tag of another name": "<thinking>\n    return a + b\n",
    "in capitals": "<THINK>\nreturn a + b\n",
    "in a tag with an attribute": '<reasoning effort="high">\nreturn a + b\n',
    "below a sentence": "Let me see.\n<think>\n    return a + b\n",
    "in a fence": "```python\n<think>\n    return a + b\n",
    "that end, and no code": "<think>\n    return a + b\n</think>\n",
    "of harmony": "<|channel|>analysis<|message|>The sum:\n    return a + b\n",
    "of Magistral": "[THINK]The sum:\n    return a + b\n",
    "in sentences": "Okay, the user wants a sum. For example,\n\nreturn a + b\n\nwould do, but",
    "in sentences, with an open fence": "Let me think. The sum is\n```python\nreturn a + b\n",
    "in sentences, indented": "We need to add both.\n\n    return a + b\n\nHmm, but what if",
}

FIRST = "def add(a, b):\n    return a - b\n"
LAST = "def add(a, b):\n    return a + b\n"
VERSIONS = {
    "twice": f"```python\n{FIRST}\n{LAST}```\n",
    "below a word": f"```python\n{FIRST}\n# corrected:\n{LAST}```\n",
    "bodies": "```python\n    return a - b\n\n# corrected:\n    return a + b\n```\n",
}
CASES = [
    *(Case(f"two versions, {name}", ADD, says, gives=ADDED, tiers=V) for name, says in VERSIONS.items()),
    *(
        Case(f"thoughts {name}", ADD, says, finish="length", nothing=True, words=SPENT)
        for name, says in THOUGHTS.items()
    ),
    Case("thoughts that the model ended", ADD, THOUGHTS["in a tag"], nothing=True, words=SPENT),
    Case("thoughts in a line", LINE, "<think>\na + b\n", finish="length", nothing=True, words=SPENT),
    *(
        Case(f"thoughts in {key}", ADD, raw(beside(key), beside(key), CUT, DONE), nothing=True, words=SPENT)
        for key in ("reasoning_content", "reasoning")
    ),
    Case("thoughts beside a text", ADD, raw(beside("reasoning"), chat("return a + b"), STOP), gives=ADDED, tiers=V),
    Case("sentences that end in code", ADD, "We need to add both:\n\n    return a + b\n", gives=ADDED, tiers=V),
    Case("no thoughts and no code", ADD, "\n", nothing=True, words="adds nothing", unsaid="thoughts"),
    # Corrections.
    *(
        Case(f"corrected: {said.strip() or 'nothing'}", ADD, f"{WRONG}{said}{RIGHT}", gives=ADDED, tiers=V)
        for said in (
            "",
            "\n\n",
            "Wait,\n",
            "\nCorrection:\n\n",
            "Actually, it should add:\n",
            "Oops, that's wrong:\n",
            "Hmm, this subtracts.\n\nFixed:\n",
            "**Corrected version:**\n",
            "Sorry, here it is.\n",
            "That is not right.\n",
            "Let me fix the sign:\n",
        )
    ),
    Case("corrected where no test tells", PLAIN, f"{WRONG}Wait,\n{RIGHT}", gives=filled(PLAIN, "return a + b")),
    Case("corrected with nothing between, and no test", PLAIN, WRONG + RIGHT, gives=filled(PLAIN, "return a + b")),
    Case("corrected twice", ADD, f"{WRONG}Wait:\n{WRONG.replace('-', '*')}No.\n{RIGHT}", gives=ADDED, tiers=V),
    Case("a corrected body", ADD, "```\nreturn a - b\n```\n```\nreturn a + b\n```\n", gives=ADDED, tiers=V),
    Case("a function corrected by a body", ADD, f"{WRONG}Wait:\n```\nreturn a + b\n```\n", gives=ADDED, tiers=V),
    Case("a corrected answer with talk before", TOTAL, f"Sure:\n{WHOLE.replace('+=', '-=')}Oops.\n{WHOLE}", tiers=V),
    Case("a corrected line", LINE, "```\na - b\n```\nWait:\n```\na + b\n```\n", gives=filled(LINE, "a + b"), tiers=V),
    Case("a use below", ADD, f"{RIGHT}{USE}", gives=ADDED, tiers=V, never=("print",)),
    Case("a use below a word", ADD, f"{RIGHT}Wait, let me try it:\n{USE}", gives=ADDED, tiers=V, never=("print",)),
    Case("another way below", ADD, f"{RIGHT}Alternatively:\n{WRONG}", gives=ADDED, tiers=V),
    Case("talk below", ADD, f"{RIGHT}This function adds two numbers, and it should be quick.\n", gives=ADDED, tiers=V),
    Case(
        "a correction that was cut",
        PLAIN,
        f"{WRONG}Wait:\n```python\ndef add(a, b):\n    ret",
        finish="length",
        nothing=True,
    ),
    Case("a doubt that was cut", PLAIN, f"{RIGHT}Wait, does this handle", finish="length", nothing=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

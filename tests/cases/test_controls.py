"""A policy whose control strings come as text. They end a completion, whatever the model's name tells."""

from __future__ import annotations

import pytest
from support.buffers import ADD, AREA, LINE, LOOP, METHOD, SELF_LOOP, TOTAL
from support.cases import Case, Desk, filled

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

V = ("verified",)
ADDED = filled(ADD, "return a + b")
SUMMED = filled(TOTAL, LOOP)
NEVER = ("<", "｜", "[/", "[INST", "assistant", "other")
OTHER = "import os\n\n\ndef other():\n    return os.name\n"
WEAK = 'def floor(n):\n    """\n    >>> floor(-3)\n    0\n    """\n    ‸\n'
MARKS = 'def strip_mark(text):\n    """\n    >>> strip_mark("a</s>")\n    \'a\'\n    """\n    ‸\n'

ENDS = [
    ("Qwen", "<|endoftext|>"),
    ("a chat's end", "<|im_end|>"),
    ("Qwen's padding", "<|fim_pad|>"),
    ("Qwen's next file", "<|file_sep|>src/other.py\n"),
    ("StarCoder2", "<file_sep>"),
    ("StarCoder's prefix", "<fim_prefix>"),
    ("Llama 2", "</s>"),
    ("CodeLlama", " <EOT>"),
    ("DeepSeek", "<｜end▁of▁sentence｜>"),
    ("DeepSeek's instruct", "<|EOT|>"),
    ("Llama 3", "<|eot_id|>"),
    ("Granite", "<|end_of_text|>"),
    ("Gemma", "<end_of_turn>"),
    ("CodeGemma", "<|file_separator|>"),
    ("Phi", "<|end|>"),
    ("Mistral", "[/INST]"),
    ("T5", "<pad>"),
]
CASES = [
    *(
        Case(f"at the end: {name}", ADD, f"    return a + b{mark}", gives=ADDED, tiers=V, never=NEVER)
        for name, mark in ENDS
    ),
    *(
        Case(f"before more: {name}", TOTAL, f"    {LOOP}\n{mark}{OTHER}", gives=SUMMED, tiers=V, never=NEVER)
        for name, mark in ENDS
    ),
    Case("at the beginning", ADD, "<fim_middle>    return a + b\n", gives=ADDED, tiers=V, never=NEVER),
    Case("at the beginning, CodeLlama's", ADD, " <MID>    return a + b <EOT>", gives=ADDED, tiers=V, never=NEVER),
    Case(
        "at the beginning, DeepSeek's",
        ADD,
        "<｜fim▁end｜>return a + b<｜end▁of▁sentence｜>",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "a chat's beginning", ADD, "<|im_start|>assistant\nreturn a + b<|im_end|>\n", gives=ADDED, tiers=V, never=NEVER
    ),
    Case(
        "Llama's beginning",
        ADD,
        "<|start_header_id|>assistant<|end_header_id|>\n\nreturn a + b<|eot_id|>",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case(
        "Granite's beginning",
        ADD,
        "<|start_of_role|>assistant<|end_of_role|>return a + b<|end_of_text|>",
        gives=ADDED,
        tiers=V,
        never=NEVER,
    ),
    Case("in a line", LINE, "a + b<|endoftext|>\nimport os\n", gives=filled(LINE, "a + b"), tiers=V, never=NEVER),
    Case("in a word", AREA, "dth * height<|fim_suffix|>\n", gives=filled(AREA, "dth * height"), never=NEVER),
    Case(
        "in a method",
        METHOD,
        f"        {SELF_LOOP}\n<|endoftext|>",
        gives=filled(METHOD, SELF_LOOP),
        tiers=V,
        never=NEVER,
    ),
    Case("of an unknown family", ADD, "return a + b<|im_sep|>other text\n", gives=ADDED, tiers=V, never=NEVER),
    Case("after a fence", ADD, "```python\nreturn a + b\n```<|im_end|>", gives=ADDED, tiers=V, never=NEVER),
    Case("nothing else", ADD, "<|endoftext|>", nothing=True),
    Case("nothing but another text", ADD, f"<|endoftext|>{OTHER}", nothing=True),
    Case("in the middle", WEAK, "    if n < 0:\n        return 0\n<|fim_middle|>    return n\n", nothing=True),
    Case("in the middle, an end", WEAK, "    if n < 0:\n        return 0\n<|endoftext|>    return n\n", nothing=True),
    Case(
        "in a statement", WEAK, "    return max(n, 0)<fim_suffix>", gives=filled(WEAK, "return max(n, 0)"), never=NEVER
    ),
    Case(
        "in a string it is text",
        MARKS,
        'return text.replace("</s>", "")\n',
        offered='return text.replace("</s>", "")',
        tiers=V,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_case(desk: Desk, case: Case) -> None:
    """What the table says."""
    await desk.check(case)

"""Benchmark rows beside the held-out prompts. They are sampled in the same way and judged by their own tests.

A row is JSON with `task_id`, `prompt`, `tests` and, if the hole is followed by code, `suffix`. A program passes if it
runs to its end with its tests appended. A program could deceive these tests, but they only measure: their results are
neither offered nor trained on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Completion, Context, FimTemplate, PolicyVersion
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Call, Ending, Limits, Program
from plum_lsp.evaluation.offline import PREFIX_TOKENS, SUFFIX_TOKENS
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.reading.window import read_context
from plum_lsp.suggestion.prompt import build_prompt
from plum_trainer.data.prompts import HeldOut

SECONDS_MAX = 10.0
"""These tests are larger than what candidates are tried on."""


def gold_prompts(path: Path, template: FimTemplate | None) -> tuple[HeldOut, ...]:
    """The rows of a file as prompts for a base with these sentinels (None: it has none).

    Raises:
        ConfigError: the file cannot be read, or a line is no such row.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return tuple(_prompt(line, number, template) for number, line in enumerate(lines, 1) if line.strip())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be used as gate.benchmark: {error}") from error


async def passing_gold(prompt: HeldOut, texts: Sequence[str], sandbox: Sandbox, limits: Limits) -> set[str]:
    """Those of the texts with which the row's program runs to the end of its tests."""
    context = _context(prompt.before, prompt.after)
    assert context is not None  # it had one when its prompt was made
    wide = replace(limits, wall_seconds=SECONDS_MAX, cpu_seconds=SECONDS_MAX)
    passing = set()
    for text in texts:
        (seen,) = await sandbox.observe(
            Program(source=_program(prompt, text, context)), [Call(expression="True")], wide
        )
        if seen.ending is Ending.RETURNED and seen.value is True:
            passing.add(text)
    return passing


def _program(prompt: HeldOut, text: str, context: Context) -> str:
    """The row's code with a sample in its hole, and its tests behind it."""
    fitted = make_candidate(Completion.written(text), context, PolicyVersion(number=0, model="", model_sha256="")).text
    whole = prompt.before + prompt.after
    return f"{whole[: context.hole.start]}{fitted}{whole[context.hole.end :]}\n{prompt.tests}\n"


def _context(before: str, after: str) -> Context | None:
    document = Document(uri="file:///benchmark.py", version=0, text=before + after)
    return read_context(document, len(before), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)


def _prompt(line: str, number: int, template: FimTemplate | None) -> HeldOut:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no JSON object")
    row = {"suffix": "", **row}
    names = ("task_id", "prompt", "suffix", "tests")
    if not all(isinstance(row.get(name), str) for name in names):
        raise ValueError(f"line {number} has no texts named {', '.join(names)}")
    context = _context(row["prompt"], row["suffix"])
    if context is None or not row["tests"].strip():
        raise ValueError(f"line {number} has no hole, or no tests")
    return HeldOut(
        id=f"benchmark:{row['task_id']}",
        prompt=build_prompt(context, template).text,
        before=row["prompt"],
        after=row["suffix"],
        kind=context.block.kind.value,
        indent=context.block.indent,
        line_head=context.block.line_head,
        tests=row["tests"],
    )

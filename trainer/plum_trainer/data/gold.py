"""Benchmark rows beside the held-out prompts. They are sampled in the same way and judged by their own tests
(`evaluation.tasks`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Completion, Context, FimTemplate, PolicyVersion
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import PREFIX_TOKENS, SUFFIX_TOKENS
from plum_lsp.evaluation.tasks import MalformedTask, passes_gold, task_of
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.reading.window import read_context
from plum_lsp.suggestion.prompt import build_prompt
from plum_trainer.data.prompts import HeldOut, JudgedBy


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
    return {text for text in texts if await passes_gold(_program(prompt, text, context), prompt.tests, sandbox, limits)}


def _program(prompt: HeldOut, text: str, context: Context) -> str:
    """The row's code with a sample in its hole."""
    fitted = make_candidate(Completion.written(text), context, PolicyVersion(number=0, model="", model_sha256="")).text
    whole = prompt.before + prompt.after
    return f"{whole[: context.hole.start]}{fitted}{whole[context.hole.end :]}"


def _context(before: str, after: str) -> Context | None:
    document = Document(uri="file:///benchmark.py", version=0, text=before + after)
    return read_context(document, len(before), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)


def _prompt(line: str, number: int, template: FimTemplate | None) -> HeldOut:
    try:
        task = task_of(line, needs=("tests",))
    except MalformedTask as error:
        raise ValueError(f"line {number}: {error}") from None
    context = _context(task.prompt, task.suffix)
    if context is None:
        raise ValueError(f"line {number} has no hole")
    return HeldOut(
        id=f"benchmark:{task.id}",
        function=f"benchmark:{task.id}",
        prompt=build_prompt(context, template).text,
        shown=task.prompt,
        before=task.prompt,
        after=task.suffix,
        kind=context.block.kind.value,
        indent=context.block.indent,
        line_head=context.block.line_head,
        judged_by=JudgedBy.ROW.value,
        tests=task.tests,
    )

"""Samples held-out prompts from a policy and runs what it wrote. The verdicts are the sandbox's, as in the editor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plum_lsp.context.window import read_context
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits
from plum_lsp.store.learning import KnownProgram
from plum_lsp.verifying import PREFIX_TOKENS, SUFFIX_TOKENS, Task, verify
from plum_lsp.wiring import MonotonicClock
from plum_trainer.measures import Measures, Sample, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A prompt that is never trained on, and the code around its hole."""

    id: str
    prompt: str
    before: str
    after: str
    kind: str
    indent: str
    line_head: str


def held_out(program: KnownProgram) -> HeldOut | None:
    """The prompt as it is sampled and run; None if the code around it no longer reads as a hole."""
    document = Document(uri=program.document_uri, version=0, text=program.before + program.after)
    context = read_context(document, len(program.before), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
    if context is None:
        return None
    return HeldOut(
        id=program.prompt_hash,
        prompt=program.prompt,
        before=program.before,
        after=program.after,
        kind=context.block.kind.value,
        indent=context.block.indent,
        line_head=context.block.line_head,
    )


def read_samples(path: Path) -> tuple[list[dict[str, Any]], float]:
    """The samples of a file, and how far their policy stands from the base."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8", errors="surrogatepass").splitlines()]
    kl = sum(row["kl_nats_per_token"] for row in rows if "kl_nats_per_token" in row)
    return [row for row in rows if "id" in row], kl


async def judged_samples(prompts: Sequence[HeldOut], path: Path, sandbox: Sandbox, *, limits: Limits) -> Measures:
    """Run every sample of a file; equal texts of one prompt are run once.

    Raises:
        SandboxError: the jail broke: no verdict is better than a wrong one.
    """
    rows, kl = read_samples(path)
    samples: list[Sample] = []
    for prompt in prompts:
        own = [row for row in rows if row["id"] == prompt.id]
        passing = await _passing(prompt, sorted({row["text"] for row in own}), sandbox, limits)
        samples += [
            Sample(
                prompt_id=prompt.id,
                text=row["text"],
                ends=row["finish"] != "length",
                passes=row["finish"] != "length" and row["text"] in passing,
            )
            for row in own
        ]
    return measured(samples, kl_nats_per_token=kl)


async def _passing(prompt: HeldOut, texts: Sequence[str], sandbox: Sandbox, limits: Limits) -> set[str]:
    """Those of the texts that pass every test of the prompt's own specification."""
    task = Task(id=prompt.id, prompt=prompt.before, suffix=prompt.after, candidates=tuple(texts))
    done = await verify(task, sandbox, MonotonicClock(), limits=limits)
    return {
        texts[judged.candidate.completion.index]
        for judged in done.group
        if judged.verdicts and all(verdict.is_pass for verdict in judged.verdicts)
    }


def evaluated(prompts: Sequence[HeldOut], path: Path, sandbox_of: Any, *, limits: Limits) -> Measures:
    """`judged_samples` for callers that have no event loop; `sandbox_of` opens the sandbox."""

    async def run() -> Measures:
        sandbox = await sandbox_of()
        try:
            return await judged_samples(prompts, path, sandbox, limits=limits)
        finally:
            await sandbox.close()

    return asyncio.run(run())

"""Samples held-out prompts from a policy and runs what it wrote. The verdicts are the sandbox's, as in the editor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import verify
from plum_lsp.evaluation.tasks import Task
from plum_lsp.suggestion.clock import MonotonicClock
from plum_trainer.data.gold import passing_gold
from plum_trainer.data.prompts import HeldOut
from plum_trainer.gate.measures import Measures, Sample, measured


def read_samples(path: Path) -> tuple[list[dict[str, Any]], float]:
    """The samples of a file, and how far their policy stands from the base."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8", errors="surrogatepass").splitlines()]
    kl = sum(row["kl_nats_per_token"] for row in rows if "kl_nats_per_token" in row)
    return [row for row in rows if "id" in row], kl


async def judged_samples(prompts: Sequence[HeldOut], path: Path, sandbox: Sandbox, *, limits: Limits) -> Measures:
    """Run every sample of a file. Equal texts of one prompt run once.

    Raises:
        SandboxError: the sandbox failed, so there are no verdicts.
    """
    rows, kl = read_samples(path)
    samples: list[Sample] = []
    for prompt in prompts:
        own = [row for row in rows if row["id"] == prompt.id]
        judge = passing_gold if prompt.tests else _passing
        passing = await judge(prompt, sorted({row["text"] for row in own}), sandbox, limits)
        samples += [
            Sample(
                prompt_id=prompt.id,
                text=row["text"],
                ends=row["finish"] != "length",
                passes=row["finish"] != "length" and row["text"] in passing,
                is_benchmark=bool(prompt.tests),
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
    """`judged_samples` for callers without an event loop. `sandbox_of` opens the sandbox."""

    async def run() -> Measures:
        sandbox = await sandbox_of()
        try:
            return await judged_samples(prompts, path, sandbox, limits=limits)
        finally:
            await sandbox.close()

    return asyncio.run(run())

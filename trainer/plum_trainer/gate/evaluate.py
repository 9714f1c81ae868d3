"""Samples held-out prompts from a policy and runs what it wrote. The verdicts are the sandbox's, as in the editor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import OFFERED, verify
from plum_lsp.evaluation.tasks import Task
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.verification.judge import index_of
from plum_lsp.verification.rank import ranked
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
    offers: dict[str, bool] = {}
    for prompt in prompts:
        own = [row for row in rows if row["id"] == prompt.id]
        if prompt.tests:
            passing = await passing_gold(prompt, ended_texts(own), sandbox, limits)
        else:
            passing = await _right(prompt, ended_texts(own), sandbox, limits)
            ladder = ended_texts(row for row in own if not row["decides"])
            offers[prompt.id] = await offered(prompt, ladder, sandbox, limits) in passing
        samples += graded(prompt, own, passing, is_benchmark=bool(prompt.tests))
    return measured(samples, offers=offers, kl_nats_per_token=kl)


def graded(
    prompt: HeldOut, rows: Iterable[Mapping[str, Any]], passing: Set[str], *, is_benchmark: bool = False
) -> list[Sample]:
    """The samples of a prompt. One passes if its end is its own and its text is among the `passing` ones."""
    return [
        Sample(
            prompt_id=prompt.id,
            function=prompt.function,
            text=row["text"],
            ends=row["finish"] != "length",
            passes=row["finish"] != "length" and row["text"] in passing,
            decides=row["decides"],
            is_benchmark=is_benchmark,
        )
        for row in rows
    ]


def ended_texts(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The different texts that have an end of their own, in a stable order."""
    return sorted({row["text"] for row in rows if row["finish"] != "length"})


async def _right(prompt: HeldOut, texts: Sequence[str], sandbox: Sandbox, limits: Limits) -> set[str]:
    """Those of the texts that reach an offered tier by all tests, those that the prompt does not show among them.

    All samples of a policy are one group, so that they can be compared on generated inputs. A text that only recites
    examples does not reach the tier.
    """
    task = Task(id=prompt.id, prompt=prompt.before, suffix=prompt.after, candidates=tuple(texts))
    done = await verify(task, sandbox, MonotonicClock(), limits=limits, project=prompt.project)
    return {texts[index_of(one)] for one in done.group if one.tier in OFFERED and not one.is_refuted}


async def offered(prompt: HeldOut, texts: Sequence[str], sandbox: Sandbox, limits: Limits) -> str | None:
    """The text that would be offered, judged as in the editor by what the prompt shows. None if none would be."""
    task = Task(id=prompt.id, prompt=prompt.shown, suffix=prompt.after, candidates=tuple(texts))
    done = await verify(task, sandbox, MonotonicClock(), limits=limits, project=prompt.project)
    standing = (one for one in ranked(done.group) if one.tier in OFFERED and not one.is_refuted)
    return next((texts[index_of(one)] for one in standing), None)


def evaluated(prompts: Sequence[HeldOut], path: Path, sandbox_of: Any, *, limits: Limits) -> Measures:
    """`judged_samples` for callers without an event loop. `sandbox_of` opens the sandbox."""

    async def run() -> Measures:
        sandbox = await sandbox_of()
        try:
            return await judged_samples(prompts, path, sandbox, limits=limits)
        finally:
            await sandbox.close()

    return asyncio.run(run())

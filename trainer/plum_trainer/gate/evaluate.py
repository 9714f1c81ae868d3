"""Samples held-out prompts from a policy and runs what it wrote. The verdicts are the sandbox's, as in the editor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Limits
from plum_lsp.evaluation.offline import OFFERED, verify
from plum_lsp.evaluation.tasks import Task
from plum_lsp.suggestion.clock import MonotonicClock
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
            passing = await passing_gold(prompt, _texts(own), sandbox, limits)
        else:
            ladder = await _passing(prompt, _texts(row for row in own if not row["decides"]), sandbox, limits)
            deciding = await _passing(prompt, _texts(row for row in own if row["decides"]), sandbox, limits)
            offers[prompt.id], passing = ladder.is_right, ladder.texts | deciding.texts
        samples += [
            Sample(
                prompt_id=prompt.id,
                function=prompt.function,
                text=row["text"],
                ends=row["finish"] != "length",
                passes=row["finish"] != "length" and row["text"] in passing,
                decides=row["decides"],
                is_benchmark=bool(prompt.tests),
            )
            for row in own
        ]
    return measured(samples, offers=offers, kl_nats_per_token=kl)


def _texts(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The different texts that have an end of their own, in a stable order."""
    return sorted({row["text"] for row in rows if row["finish"] != "length"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judgement:
    """The texts of a group that pass, and whether the text that would be offered is one of them."""

    texts: set[str]
    is_right: bool


async def _passing(prompt: HeldOut, texts: Sequence[str], sandbox: Sandbox, limits: Limits) -> _Judgement:
    """One group, judged as in the editor by the specification in its own code."""
    task = Task(id=prompt.id, prompt=prompt.before, suffix=prompt.after, candidates=tuple(texts))
    done = await verify(task, sandbox, MonotonicClock(), limits=limits)
    passing = {
        judged.candidate.completion.index
        for judged in done.group
        if judged.verdicts and all(verdict.is_pass for verdict in judged.verdicts)
    }
    offered = [one for one in ranked(done.group) if one.tier in OFFERED and not one.is_refuted]
    return _Judgement(
        texts={texts[index] for index in passing},
        is_right=bool(offered) and offered[0].candidate.completion.index in passing,
    )


def evaluated(prompts: Sequence[HeldOut], path: Path, sandbox_of: Any, *, limits: Limits) -> Measures:
    """`judged_samples` for callers without an event loop. `sandbox_of` opens the sandbox."""

    async def run() -> Measures:
        sandbox = await sandbox_of()
        try:
            return await judged_samples(prompts, path, sandbox, limits=limits)
        finally:
            await sandbox.close()

    return asyncio.run(run())

"""Samples held-out prompts from one policy: by the engine that serves an editor where that is llama.cpp of our own.

Otherwise (a base in a folder, or a running policy server) a child samples with transformers, in the precision of the
weights. The policies of one round are all sampled in the same way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from plum_lsp.config.folder import gguf_folder
from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import (
    Block,
    FimPrompt,
    FimTemplate,
    Finish,
    HoleKind,
    PolicyVersion,
    SamplingOptions,
)
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.serving import read_state
from plum_lsp.policy.hosting.unpublished import unpublished_policy
from plum_lsp.policy.models.families import template_for
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit import children
from plum_trainer.fit.job import SampleJob, write_text
from plum_trainer.loop.rounds import Round
from plum_trainer.loop.trainer import Trainer

PROMPT_SECONDS_MAX = 300.0
"""For all samples of one prompt on a busy machine. An editor would have given up long before."""

Report = Callable[[str], None]


def sample(
    trainer: Trainer, current: Round, job: SampleJob, *, name: str, report: Report, has_distance: bool = True
) -> Path:
    """The file with the samples of one policy, made now or before.

    Args:
        trainer: its settings and base.
        current: the round.
        job: which policy and how.
        name: of the policy in this round.
        report: gets a line now and then.
        has_distance: whether the distance to the base is measured, too. That takes transformers in any case.

    Raises:
        PlumError: a server or child failed.
    """
    path = current.folder / f"{name}.jsonl"
    if path.is_file():
        return path
    if trainer.base.source is not None and read_state(trainer.data_dir) is None:
        texts = asyncio.run(_served(trainer, trainer.base.source, current, job, report))
        is_whole = not (job.adapter and has_distance)
        written = path if is_whole else current.folder / f"{name}.texts.jsonl"
        write_text(written, "".join(json.dumps(line) + "\n" for line in texts))
        if is_whole:
            return path
        job = replace(job, texts=str(written))
    return children.sample(job, current.folder, name=name, report=report)


async def _served(
    trainer: Trainer, source: Path, current: Round, job: SampleJob, report: Report
) -> list[dict[str, Any]]:
    """Every prompt with every temperature."""
    prompts = current.held_out()
    template = template_for(PolicyVersion(number=0, model=trainer.base.name, model_sha256=trainer.base.sha256))
    lines: list[dict[str, Any]] = []
    async with unpublished_policy(
        source,
        policy_options(trainer.settings),
        name=trainer.base.name,
        adapter=Path(job.adapter) if job.adapter else None,
        cache=gguf_folder(current.folder),
    ) as policy:
        count = len(job.temperatures)
        for number, prompt in enumerate(prompts):
            options = SamplingOptions(
                temperatures=job.temperatures,
                top_p=job.top_p,
                max_tokens=job.max_tokens,
                seed=job.seed + number * count,
            )
            lines += [line async for line in samples_of(policy, prompt, options, template, deciding=job.deciding)]
            report(f"sampled {len(lines)}/{len(prompts) * count}")
    return lines


async def samples_of(
    policy: Policy, prompt: HeldOut, options: SamplingOptions, template: FimTemplate | None, *, deciding: int
) -> AsyncIterator[dict[str, Any]]:
    """The samples of one prompt, in the order in which they end. The gate decides on the last `deciding` temperatures.

    Raises:
        PolicyError: a sample could not be had.
    """
    asked = FimPrompt(
        text=prompt.prompt,
        stop=template.stop if template else (),
        restored="",
        block=Block(kind=HoleKind(prompt.kind), indent=prompt.indent, line_head=prompt.line_head),
        suffix=prompt.after,
        template=template,
    )
    count = len(options.temperatures)
    deadline = asyncio.get_running_loop().time() + PROMPT_SECONDS_MAX
    seen: list[int] = []
    async with aclosing(policy.sample(asked, options, deadline=deadline)) as stream:
        async for one in stream:
            seen.append(one.index)
            yield {
                "id": prompt.id,
                "index": one.index,
                "text": one.text,
                "finish": "length" if one.finish is Finish.LENGTH else "stop",
                "prompt": prompt.prompt,
                "decides": one.index >= count - deciding,
            }
    if sorted(seen) != list(range(count)):
        raise PolicyUnavailable(f"{count} samples were asked for, {len(seen)} came")

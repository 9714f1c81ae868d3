"""Samples held-out prompts from the policy server that answers an editor, with its active version.

The trainer's gate compares two sets of weights in one precision. This module measures what a user gets: the quantised
base under llama.cpp with the published adapter. The sandbox gives the verdicts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from plum_lsp.config import Settings
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Block, FimPrompt, Finish, HoleKind, SamplingOptions
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.verification.options import sandbox_options
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit.job import write_text
from plum_trainer.gate.evaluate import judged_samples
from plum_trainer.gate.measures import Measures

PROMPT_SECONDS_MAX = 300.0


async def served_measures(
    settings: Settings, policy: Policy, prompts: Sequence[HeldOut], path: Path, *, seed: int
) -> Measures:
    """Sample every prompt as often as the gate does, and run the samples. They are kept at `path`."""
    lines = [line for number, one in enumerate(prompts) for line in await _samples(settings, policy, one, seed, number)]
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))
    sandbox = await open_sandbox(sandbox_options(settings))
    try:
        return await judged_samples(prompts, path, sandbox, limits=pipeline_options(settings).limits)
    finally:
        await sandbox.close()


async def _samples(
    settings: Settings, policy: Policy, held_out: HeldOut, seed: int, number: int
) -> list[dict[str, object]]:
    block = Block(kind=HoleKind(held_out.kind), indent=held_out.indent, line_head=held_out.line_head)
    prompt = FimPrompt(text=held_out.prompt, stop=(), restored="", block=block, suffix=held_out.after)
    ladder = temperature_ladder(
        settings.gate.samples, settings.sampling.temperature_min, settings.sampling.temperature_max
    )
    options = SamplingOptions(
        temperatures=(*ladder, *(settings.gate.temperature,) * settings.gate.samples),
        top_p=settings.sampling.top_p,
        max_tokens=settings.sampling.max_tokens,
        seed=seed + number * 2 * settings.gate.samples,
    )
    deadline = asyncio.get_running_loop().time() + PROMPT_SECONDS_MAX
    lines: list[dict[str, object]] = []
    async with aclosing(policy.sample(prompt, options, deadline=deadline)) as stream:
        async for one in stream:
            finish = "length" if one.finish is Finish.LENGTH else "stop"
            decides = one.index >= len(ladder)
            lines.append(
                {"id": held_out.id, "index": one.index, "text": one.text, "finish": finish, "decides": decides}
            )
    if len(lines) != len(options.temperatures):
        raise RuntimeError(f"{len(options.temperatures)} samples were asked for, {len(lines)} came")
    return lines

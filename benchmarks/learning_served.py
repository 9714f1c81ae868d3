"""Samples held-out prompts from the policy server that answers an editor, with its active version.

The trainer's gate samples a policy before it is published. This module measures what a user gets: the published version
from the server that an editor would ask. The sandbox gives the verdicts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from plum_lsp.config import Settings
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import SamplingOptions
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.verification.options import sandbox_options
from plum_trainer.data.prompts import HeldOut
from plum_trainer.fit.job import write_text
from plum_trainer.gate.evaluate import judged_samples
from plum_trainer.gate.measures import Measures
from plum_trainer.loop.sampling import samples_of


async def served_measures(
    settings: Settings, policy: Policy, prompts: Sequence[HeldOut], path: Path, *, seed: int
) -> Measures:
    """Sample every prompt as often as the gate does, and run the samples. They are kept at `path`."""
    deciding = settings.gate.samples
    ladder = temperature_ladder(deciding, settings.sampling.temperature_min, settings.sampling.temperature_max)
    lines: list[dict[str, object]] = []
    for number, prompt in enumerate(prompts):
        options = SamplingOptions(
            temperatures=(*ladder, *(settings.gate.temperature,) * deciding),
            top_p=settings.sampling.top_p,
            max_tokens=settings.sampling.max_tokens,
            seed=seed + number * 2 * deciding,
        )
        lines += [line async for line in samples_of(policy, prompt, options, None, deciding=deciding)]
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))
    sandbox = await open_sandbox(sandbox_options(settings))
    try:
        return await judged_samples(prompts, path, sandbox, limits=pipeline_options(settings).limits)
    finally:
        await sandbox.close()

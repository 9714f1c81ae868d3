"""What the tests of real servers ask and publish, and how far two answers are apart."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from e2e.serving.conftest import Served
from support.contexts import prompt_at

from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.policy.hosting.engines import served_engine
from plum_lsp.policy.hosting.served_policy import ServedPolicy
from plum_lsp.policy.models.weights import read_base
from plum_lsp.policy.versions.engines import Sampled
from plum_lsp.policy.versions.publish import publish

PROMPT = prompt_at("def double(number):\n    return ‸\n")
FIRST_TOKENS = 3
CLEAR = 1.5
"""Nats between two versions' answers; beside other requests a version's own moves by up to 0.4 (bfloat16)."""


def sampling(count: int, tokens: int = 6) -> SamplingOptions:
    """Greedy options, so that what is written depends on the version alone."""
    return SamplingOptions(temperatures=(0.0,) * count, top_p=1.0, max_tokens=tokens, seed=0)


async def complete(
    served: Served, version: PolicyVersion | None = None, *, seconds: float = 200, prompt: FimPrompt = PROMPT
) -> Completion:
    """One completion through the port."""
    policy = ServedPolicy(served.data_dir)
    try:
        deadline = asyncio.get_running_loop().time() + seconds
        async with aclosing(policy.sample(prompt, sampling(1), deadline=deadline, version=version)) as stream:
            return await anext(stream)
    finally:
        await policy.close()


async def publish_to(served: Served, adapter: Path) -> tuple[str, float]:
    """Publish and return the new version's name and how long the swap took."""
    state = served.state
    engine = served_engine(state)
    base = read_base(Path(state.model_path), cache_dir=served.data_dir, name=state.model)
    try:
        done = await publish(adapter, store=served.store, engine=engine, base=base, rank_max=state.lora_rank)
    finally:
        await engine.close()
    return done.version.name, done.swap_ms


def distance(one: Completion | Sampled, other: Completion | Sampled) -> float:
    """How far apart the log-probabilities of the first tokens are, in nats; text that differs counts one more."""
    pairs = list(zip(_logprobs(one), _logprobs(other), strict=False))[:FIRST_TOKENS]
    return sum(abs(a - b) for a, b in pairs) + (one.text != other.text)


def _logprobs(answer: Completion | Sampled) -> tuple[float, ...]:
    return answer.token_logprobs if isinstance(answer, Completion) else answer.logprobs

"""How fast the policy server in the settings is: tokens a second, first verified offer, and a swap under load.

    python -m benchmarks.serving [--candidates N] [--adapter DIR]

Every figure is printed beside the same with one candidate, in the same run. With an adapter, it is published to
`plum-lsp policy serve` while groups are being sampled.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from pathlib import Path

import click

from benchmarks.functions import FUNCTIONS
from plum_lsp.config import data_dir
from plum_lsp.context.prompt import build_prompt
from plum_lsp.context.window import read_context
from plum_lsp.domain.events import Ended, Event
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import FimPrompt, RequestId, SamplingOptions, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document, PositionEncoding
from plum_lsp.pipeline import Pipeline
from plum_lsp.policy.client import open_policy
from plum_lsp.policy.engines import VllmEngine
from plum_lsp.policy.publish import publish
from plum_lsp.policy.serving import read_state
from plum_lsp.policy.versions import ADAPTERS, VersionStore
from plum_lsp.policy.weights import read_base
from plum_lsp.sandbox.host import open_sandbox
from plum_lsp.wiring import (
    MonotonicClock,
    load_for_command,
    pipeline_options,
    policy_options,
    sandbox_options,
    template_for,
)

SECONDS = 600.0
TOKENS = 64


class Stages:
    """Keeps the stages of the last request."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}

    def record(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Ended):
            self.last = event.stages_ms


def document(text: str) -> Document:
    """A function whose body is missing."""
    return Document(uri="file:///f.py", version=1, text=text, encoding=PositionEncoding.UTF16)


async def prompts(policy: Policy) -> list[FimPrompt]:
    """The benchmark's functions as prompts."""
    template = template_for(await policy.version())
    made = []
    for text in FUNCTIONS.values():
        context = read_context(document(text), len(text), prefix_tokens=1200, suffix_tokens=300)
        assert context is not None
        made.append(build_prompt(context, template))
    return made


async def tokens_a_second(policy: Policy, asked: list[FimPrompt], candidates: int) -> float:
    """Tokens kept, over the time of all groups, one group after another."""
    options = SamplingOptions(temperatures=(0.8,) * candidates, top_p=0.95, max_tokens=TOKENS, seed=0)
    tokens, started = 0, time.monotonic()
    for prompt in asked:
        async for completion in policy.sample(prompt, options, deadline=time.monotonic() + SECONDS):
            tokens += len(completion.token_logprobs)
    return tokens / (time.monotonic() - started)


async def first_verified_ms(candidates: int) -> list[float]:
    """From the request to its first verified candidate, where there is one."""
    settings = load_for_command({"sampling": {"candidates": candidates}})
    sandbox, policy, stages = (
        await open_sandbox(sandbox_options(settings)),
        open_policy(policy_options(settings)),
        Stages(),
    )
    found = []
    try:
        pipeline = Pipeline(
            policy=policy, sandbox=sandbox, clock=MonotonicClock(), recorder=stages, options=pipeline_options(settings)
        )
        for text in FUNCTIONS.values():
            await pipeline.suggest(
                SuggestionRequest(
                    id=RequestId(uuid.uuid4().hex),
                    document=document(text),
                    offset=len(text),
                    trigger=Trigger.INVOKED,
                    deadline=time.monotonic() + SECONDS,
                )
            )
            if "first_verified" in stages.last:
                found.append(stages.last["first_verified"])
    finally:
        await policy.close()
        await sandbox.close()
    return found


async def swap(adapter: Path, policy: Policy, asked: list[FimPrompt]) -> None:
    """Publish while groups are sampled, and print what it took."""
    folder = data_dir(load_for_command({}))
    state = read_state(folder)
    assert state is not None, "start the server with: plum-lsp policy serve"
    engine = VllmEngine(state.url, state.connection())
    load = asyncio.create_task(tokens_a_second(policy, asked, 8))
    try:
        base = read_base(Path(state.model_path), cache_dir=folder, name=state.model)
        done = await publish(
            adapter, store=VersionStore(folder / ADAPTERS), engine=engine, base=base, rank_max=state.lora_rank
        )
        print(f"swap to {done.version.name}: probe {done.probe_ms:.0f} ms, swap {done.swap_ms:.0f} ms")
        await load
    finally:
        await engine.close()


async def measure(candidates: int, adapter: Path | None) -> None:
    """Print every figure."""
    policy = open_policy(policy_options(load_for_command({})))
    try:
        asked = await prompts(policy)
        await tokens_a_second(policy, asked[:1], 1)
        one, many = [await tokens_a_second(policy, asked, count) for count in (1, candidates)]
        print(f"tokens/s: n = 1 {one:.1f}, n = {candidates} {many:.1f}, ratio {many / one:.2f}")
        alone, group = [await first_verified_ms(count) for count in (1, candidates)]
        for count, times in ((1, alone), (candidates, group)):
            middle = f"{statistics.median(times):.0f} ms" if times else "never"
            print(f"first verified, n = {count}: {len(times)} of {len(FUNCTIONS)} functions, median {middle}")
        if adapter is not None:
            await swap(adapter, policy, asked)
    finally:
        await policy.close()


@click.command()
@click.option("--candidates", default=8, show_default=True)
@click.option("--adapter", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(candidates: int, adapter: Path | None) -> None:
    """Measure the policy server of the settings."""
    asyncio.run(measure(candidates, adapter))


if __name__ == "__main__":
    main()

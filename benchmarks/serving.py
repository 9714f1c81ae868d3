"""Measures the policy server in the settings: tokens per second, first verified offer, and a swap under load.

    python -m benchmarks.serving [--candidates N] [--rounds N] [--adapter DIR] [--requests N]

Every figure is printed beside a comparison from the same run, for example with one candidate. The other measurements
need a `plum-lsp policy serve`. They compare one request with n choices against n requests, on prompts that are new to
the server. They publish an adapter while groups are sampled. They read the memory of the server before and after many
short requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
import uuid
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.functions import FUNCTIONS
from plum_lsp.config import data_dir
from plum_lsp.config.folder import versions_folder
from plum_lsp.domain.events import Ended, Event
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import FimPrompt, RequestId, SamplingOptions, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document, PositionEncoding
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.hosting.engines import served_engine
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.serving import ServingState, read_state
from plum_lsp.policy.models.families import template_for
from plum_lsp.policy.models.weights import read_base
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import publish
from plum_lsp.python.reading.window import read_context
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.clock import MonotonicClock
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.pipeline import Pipeline
from plum_lsp.suggestion.prompt import build_prompt
from plum_lsp.verification.options import sandbox_options
from plum_lsp.wiring import load_for_command

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
    """Kept tokens divided by the time of all groups, one group after another."""
    options = SamplingOptions(temperatures=(0.8,) * candidates, top_p=0.95, max_tokens=TOKENS, seed=0)
    tokens, started = 0, time.monotonic()
    for prompt in asked:
        async for completion in policy.sample(prompt, options, deadline=time.monotonic() + SECONDS):
            tokens += len(completion.token_logprobs)
    return tokens / (time.monotonic() - started)


async def first_verified_ms(candidates: int) -> list[float]:
    """The time from the request to its first verified candidate, if there is one."""
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


async def shared_prompt(state: ServingState, asked: list[FimPrompt], candidates: int, rounds: int) -> None:
    """Compare one request with n choices and n requests: milliseconds to the first and to the last completion."""
    options = SamplingOptions(temperatures=(0.8,) * candidates, top_p=0.95, max_tokens=TOKENS, seed=0)
    first: dict[bool, list[float]] = {True: [], False: []}
    last: dict[bool, list[float]] = {True: [], False: []}
    active = VersionStore(versions_folder(data_dir(load_for_command({})))).active()
    name = active.name if active else state.model
    for number, prompt in enumerate(asked * rounds):
        for shares in (True, False) if number % 2 else (False, True):
            policy = CompletionsPolicy(state.url, model=name, connection=state.connection(), shares_prompt=shares)
            new = replace(prompt, text=f"# {uuid.uuid4().hex}\n{prompt.text}")
            await policy.version()
            ended = [one.ended_ms async for one in policy.sample(new, options, deadline=time.monotonic() + SECONDS)]
            await policy.close()
            if shares and not policy.shares_prompt:
                print("the server gives one choice a request, so a comparison is impossible")
                return
            first[shares].append(min(ended))
            last[shares].append(max(ended))
    for what, times in (("first", first), ("all", last)):
        one, many = statistics.median(times[True]), statistics.median(times[False])
        ratios = sorted(a / b for a, b in zip(times[True], times[False], strict=True))
        spread = f"middle half of the ratios {ratios[len(ratios) // 4]:.2f} to {ratios[-1 - len(ratios) // 4]:.2f}"
        print(
            f"n = {candidates}, {what} complete, {len(ratios)} groups: one request {one:.0f} ms, {candidates} requests "
            f"{many:.0f} ms, ratio {one / many:.2f}; {spread}"
        )


async def swap(state: ServingState, adapter: Path, policy: Policy, asked: list[FimPrompt]) -> None:
    """Publish while groups are sampled, and print the times."""
    folder = data_dir(load_for_command({}))
    engine = served_engine(state)
    load = asyncio.create_task(tokens_a_second(policy, asked, 8))
    try:
        base = read_base(Path(state.model_path), cache_dir=folder, name=state.model)
        done = await publish(
            adapter, store=VersionStore(versions_folder(folder)), engine=engine, base=base, rank_max=state.lora_rank
        )
        print(f"swap to {done.version.name}: probe {done.probe_ms:.0f} ms, swap {done.swap_ms:.0f} ms")
        await load
    finally:
        await engine.close()


def memory_mib(pid: int) -> float:
    """Memory of a process and its descendants, with shared pages counted once (PSS)."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    tree = {pid}
    while new := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= new
    total = 0
    for one in tree:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


async def growth(state: ServingState, policy: Policy, asked: list[FimPrompt], requests: int) -> None:
    """The server's memory before and after many requests of two tokens, eight at a time."""
    options = SamplingOptions(temperatures=(0.8,), top_p=0.95, max_tokens=2, seed=0)
    left = iter(range(requests))

    async def ask() -> None:
        for number in left:
            prompt = replace(asked[0], text=f"# {number}\n{asked[number % len(asked)].text}")
            async for _ in policy.sample(prompt, options, deadline=time.monotonic() + SECONDS):
                pass

    marks = []
    for share in (0.1, 0.9):
        left = iter(range(int(requests * share)))
        await asyncio.gather(*(ask() for _ in range(8)))
        marks.append(memory_mib(state.pid))
    warm, end = marks
    print(
        f"server memory: {warm:.0f} MiB after {requests // 10} requests, {end:.0f} after {requests}, {end / warm:.3f}"
    )


async def measure(candidates: int, rounds: int, adapter: Path | None, requests: int) -> None:
    """Print every figure."""
    state = read_state(data_dir(load_for_command({})))
    assert state is not None or not (adapter or requests), "start the server with: plum-lsp policy serve"
    policy = open_policy(policy_options(load_for_command({})))
    try:
        asked = await prompts(policy)
        await tokens_a_second(policy, asked[:1], 1)
        if state is not None:
            await shared_prompt(state, asked, candidates, rounds)
            print(f"server memory: {memory_mib(state.pid):.0f} MiB")
        one, many = [await tokens_a_second(policy, asked, count) for count in (1, candidates)]
        print(f"tokens/s: n = 1 {one:.1f}, n = {candidates} {many:.1f}, ratio {many / one:.2f}")
        alone, group = [await first_verified_ms(count) for count in (1, candidates)]
        for count, times in ((1, alone), (candidates, group)):
            middle = f"{statistics.median(times):.0f} ms" if times else "never"
            print(f"first verified, n = {count}: {len(times)} of {len(FUNCTIONS)} functions, median {middle}")
        if state is not None and adapter is not None:
            await swap(state, adapter, policy, asked)
        if state is not None and requests:
            await growth(state, policy, asked, requests)
    finally:
        await policy.close()


@click.command()
@click.option("--candidates", default=8, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--requests", default=0, help="Requests after which the server's memory is compared. 0 means none.")
@click.option("--adapter", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(candidates: int, rounds: int, adapter: Path | None, requests: int) -> None:
    """Measure the policy server of the settings."""
    asyncio.run(measure(candidates, rounds, adapter, requests))


if __name__ == "__main__":
    main()

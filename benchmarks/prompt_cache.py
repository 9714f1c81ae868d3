"""Measures the share of a prompt in an engine's prefix cache while a user types, if its window moves in steps or not.

    python -m benchmarks.prompt_cache [--keys N] [--asked N]

The script types a part of a real file of this project in its middle, with the project's other files as neighbours. For
each key it builds the prompt as the server does and compares it with the previous prompt. A prefix cache can supply
their common beginning. The share is a share of all characters. `--asked` prompts of the shipped variant are also
completed (one token each) by the vLLM of `plum-lsp policy serve`, or else by the default model's own server. The cached
tokens that it reports are printed beside the computed share. Baseline: the window begins where the budget ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import click
import httpx

import plum_lsp
from plum_lsp.config import data_dir
from plum_lsp.domain.suggestion import PolicyVersion, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.policy.hosting.launch import LaunchOptions, ServedModel, launch
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.serving import ServingState, read_state
from plum_lsp.policy.hosting.sources import find_model
from plum_lsp.policy.hosting.vllm.settings import VLLM
from plum_lsp.policy.models.families import template_for
from plum_lsp.project.around.modules import NeighbourFiles
from plum_lsp.python.reading import window
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.prompt import build_prompt
from plum_lsp.suggestion.survey import Budget, survey
from plum_lsp.wiring import load_for_command

FILE = Path(plum_lsp.__file__).parent / "server" / "session.py"
START_LINE = 190
VARIANTS = ("window moves with each line", "shipped", "shipped, without neighbours")


def prompts(keys: int, budget: Budget, version: PolicyVersion, *, step_share: float) -> list[str]:
    """The prompt after each key."""
    window.STEP_SHARE = step_share
    text = FILE.read_text(encoding="utf-8")
    start = sum(map(len, text.splitlines(keepends=True)[:START_LINE]))
    files, found = NeighbourFiles(exclude=()), []
    for typed in range(1, keys + 1):
        shown = text[: start + typed] + text[text.index("\n", start + keys) :]
        document = Document(uri=FILE.as_uri(), version=typed, text=shown)
        request = SuggestionRequest(
            id=RequestId("r"), document=document, offset=start + typed, trigger=Trigger.AUTOMATIC, deadline=0.0
        )
        around = survey(request, budget, lambda uri, name, folders: (), files.near)
        if around is not None:
            template = template_for(version)
            found.append(build_prompt(around.context, template, around.excerpts, path=around.path).text)
    return found


def shared(first: str, second: str) -> int:
    """How many characters two prompts share at their beginning."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


async def measure(keys: int, asked: int) -> None:
    """Print the share of each variant, and its ratio to the baseline's."""
    settings = load_for_command({})
    options, policy = pipeline_options(settings), policy_options(settings)
    model = await asyncio.to_thread(find_model, policy.model, cache_dir=policy.cache_dir, folder=policy.model_folder)
    version = PolicyVersion(number=0, model=model.name, model_sha256=model.sha256)
    budget, alone = options.budget, replace(options.budget, neighbours=0)
    shipped = window.STEP_SHARE
    texts = {
        VARIANTS[0]: prompts(keys, budget, version, step_share=0.0),
        VARIANTS[1]: prompts(keys, budget, version, step_share=shipped),
        VARIANTS[2]: prompts(keys, alone, version, step_share=shipped),
    }
    baseline = 0.0
    for name, group in texts.items():
        hits = [shared(before, after) for before, after in pairwise(group)]
        whole = sum(map(len, group[1:]))
        share = sum(hits) / whole
        baseline = baseline or share
        anew = sum(hit < len(after) / 2 for hit, after in zip(hits, group[1:], strict=True))
        print(
            f"{name:30s} {len(hits)} keys, {whole / len(hits):.0f} characters a prompt, cached {share:.3f} "
            f"(ratio {share / baseline:.2f}), read anew a key {(whole - sum(hits)) / len(hits):.0f}, "
            f"more than half of the prompt {anew} times",
            flush=True,
        )
    if asked:
        group, state = texts["shipped"][-asked:], read_state(data_dir(settings))
        if state is not None and state.engine == VLLM.name:
            cached, whole = await _counted_by_vllm(state, group)
        else:
            cached, whole = await _counted_by_llama(model, policy.context_tokens, group)
        expected = sum(shared(*pair) for pair in pairwise(group)) / max(1, sum(map(len, group[1:])))
        print(
            f"the server's own count over {len(group) - 1} keys: {cached} of {whole} tokens, "
            f"{cached / max(1, whole):.3f}; computed for the same {expected:.3f}"
        )


async def _counted_by_llama(model: ServedModel, context_tokens: int, group: Sequence[str]) -> tuple[int, int]:
    """Complete prompts one after the other. Returns the cached tokens and all tokens, without the first prompt."""
    process = await launch(model, LaunchOptions(threads=1, context_tokens=context_tokens, idle_seconds=600.0))
    headers = {"Authorization": f"Bearer {process.api_key}"}
    cached = whole = 0
    try:
        async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=300, trust_env=False) as client:
            for place, text in enumerate(group):
                body = {"prompt": text, "n_predict": 1, "cache_prompt": True}
                timings = (await client.post("/completion", json=body)).json()["timings"]
                if place:
                    cached += timings["cache_n"]
                    whole += timings["cache_n"] + timings["prompt_n"]
    finally:
        await process.close()
    return cached, whole


async def _counted_by_vllm(state: ServingState, group: Sequence[str]) -> tuple[int, int]:
    """The same from the metrics of a server, which must have no other clients meanwhile."""
    url, headers = state.url.removesuffix("/v1"), {"Authorization": f"Bearer {state.api_key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=300, trust_env=False) as client:
        counts = []
        for text in group:
            body = {"model": state.model, "prompt": text, "max_tokens": 1}
            (await client.post("/v1/completions", json=body)).raise_for_status()
            counts.append(_totals((await client.get("/metrics")).text))
    (cached_before, before), (cached, whole) = counts[0], counts[-1]
    return cached - cached_before, whole - before


def _totals(metrics: str) -> tuple[int, int]:
    """Tokens that vLLM found in its prefix cache, and tokens that it looked up there, since its start."""
    hits, queries = (
        sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith(f"{name}{{"))
        for name in ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_queries_total")
    )
    return int(hits), int(queries)


@click.command()
@click.option("--keys", type=click.IntRange(2), default=600, show_default=True)
@click.option("--asked", type=click.IntRange(0), default=20, show_default=True)
def main(keys: int, asked: int) -> None:
    """Measure prefix cache hits."""
    asyncio.run(measure(keys, asked))


if __name__ == "__main__":
    main()

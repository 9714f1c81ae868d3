"""A policy that is not published yet, in the engine that an editor would use: llama.cpp with a server of its own.

Editors do not see it. It is for measuring an adapter, or the base alone, as it would be served: quantised, with the
same stops and the same sampler.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import PolicyVersion
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.hosting.launch import LaunchOptions, ServedModel, launch
from plum_lsp.policy.hosting.llama.adapter import gguf_adapter
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.models.catalogue import identify


@asynccontextmanager
async def unpublished_policy(
    base: Path, options: PolicyOptions, *, name: str, adapter: Path | None, cache: Path
) -> AsyncIterator[Policy]:
    """Serve a base model's GGUF file, with an adapter if one is given, for as long as the context is open.

    Args:
        base: the file.
        options: threads and context as for an editor.
        name: what the model is called.
        adapter: its folder as training leaves it. It is converted into `cache`.
        cache: a folder of the caller's, because converted files are known by the adapter's folder name.

    Raises:
        AdapterError: the adapter cannot be expressed.
        PolicyUnavailable: llama.cpp is missing or does not start.
    """
    found = await asyncio.to_thread(identify, base, cache_dir=options.cache_dir)
    converted = await asyncio.to_thread(gguf_adapter, adapter, base=base, cache=cache) if adapter else None
    model = ServedModel(name=name, path=base, engine=LLAMA_CPP, sha256=found.sha256, entry=found.entry)
    wanted = LaunchOptions(
        threads=options.threads,
        context_tokens=options.context_tokens,
        idle_seconds=options.idle_seconds,
        adapter=converted,
    )
    process = await launch(model, wanted)
    client = CompletionsPolicy(
        f"{process.url}/v1",
        model=name,
        api_key=process.api_key,
        version=PolicyVersion(number=0, model=name, model_sha256=found.sha256),
        shares_prompt=LLAMA_CPP.shares_prompt,
    )
    try:
        yield client
    finally:
        await client.close()
        await process.close()

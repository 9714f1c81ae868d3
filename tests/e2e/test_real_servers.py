"""llama.cpp's own server, asked by its address with the real model: a short context, `n`, and its chat alone."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
from support.contexts import prompt_at
from support.raw_server import Answer, RawServer, Seen, refuse

from plum_lsp.config import cache_dir, load_settings
from plum_lsp.domain.suggestion import Completion, FimPrompt, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.hosting.launch import LaunchOptions, PolicyProcess, launch
from plum_lsp.policy.hosting.sources import find_model

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PROMPT = prompt_at('def double(number):\n    """Return twice the number."""\n    ‸\n')
ABOVE = "".join(f"NUMBER_{number} = {number}\n" for number in range(400))
CONTEXT_TOKENS = 512


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[PolicyProcess]:
    """The server with one slot and a short context."""
    cache = cache_dir(load_settings(environ=os.environ).settings)
    model = await asyncio.to_thread(find_model, "qwen2.5-coder-0.5b-instruct", cache_dir=cache)
    process = await launch(model, LaunchOptions(context_tokens=CONTEXT_TOKENS))
    yield process
    await process.close()


async def written(policy: CompletionsPolicy, prompt: FimPrompt = PROMPT) -> list[Completion]:
    """Two candidates of one temperature."""
    options = SamplingOptions(temperatures=(0.1, 0.1), top_p=0.95, max_tokens=40, seed=1)
    try:
        async with aclosing(policy.sample(prompt, options, deadline=time.monotonic() + 200)) as stream:
            return [one async for one in stream]
    finally:
        await policy.close()


async def test_several_choices_with_one_slot(server: PolicyProcess) -> None:
    """The server refuses `n`, and no candidate is lost."""
    policy = CompletionsPolicy(f"{server.url}/v1", api_key=server.api_key)
    found = await written(policy)
    assert [one.index for one in found] == [0, 1]
    assert all(one.token_logprobs for one in found)
    assert (policy.shares_prompt, policy.server_kind) == (False, "llama.cpp")


async def test_prompt_longer_than_the_context(server: PolicyProcess, caplog: pytest.LogCaptureFixture) -> None:
    """It is shortened to what fits, and the setting is named."""
    policy = CompletionsPolicy(f"{server.url}/v1", api_key=server.api_key)
    found = await written(policy, replace(PROMPT, text=ABOVE + PROMPT.text))
    assert len(found) == 2
    assert "sampling.prefix_tokens" in caplog.text
    assert 200 < (policy.habits.prompt_characters_max or 0) < 4 * CONTEXT_TOKENS


async def test_chat_alone(server: PolicyProcess) -> None:
    """Behind a proxy without `/completions`, the chat of the model answers."""

    def forward(seen: Seen) -> Answer:
        if seen.path == "/v1/completions":
            return refuse(404, {"detail": "Not Found"})
        headers = {"Authorization": f"Bearer {server.api_key}"}
        answer = httpx.post(f"{server.url}{seen.path}", json=seen.body, headers=headers, timeout=200)
        return Answer(status=answer.status_code, body=[answer.content])

    models = Answer(body=[json.dumps({"data": [{"id": "any"}]}).encode()])
    with RawServer(forward, models=models) as front:
        policy = CompletionsPolicy(front.url)
        found = await written(policy)
    assert policy.habits.is_chat
    assert len(found) == 2
    assert "number" in found[0].text

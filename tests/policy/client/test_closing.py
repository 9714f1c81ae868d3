"""No connection is lost to a task that is cancelled, at whatever moment."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

import httpx
import pytest
from support.contexts import prompt_at
from support.scripted_policy import ScriptedPolicy

from plum_lsp.domain.suggestion import SamplingOptions
from plum_lsp.policy.client.closing import ClosingClient
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.connection import Connection

OPTIONS = SamplingOptions(temperatures=(0.2, 0.4, 0.6, 0.8, 1.0), top_p=1.0, max_tokens=50, seed=0)


class Counting(ClosingClient):
    """Counts the connections that its pool holds."""

    @property
    def held(self) -> int:
        """Open ones, whatever the pool believes of them."""
        return len(self._transport._pool.connections)  # type: ignore[attr-defined]


async def ask(policy: CompletionsPolicy, *, stops: bool) -> None:
    """A group; `stops` ends it at its first completion, as a verified candidate does."""
    deadline = asyncio.get_running_loop().time() + 30
    async with aclosing(policy.sample(prompt_at("def f():\n    ‸"), OPTIONS, deadline=deadline)) as stream:
        async for _ in stream:
            if stops:
                break


@pytest.mark.slow
@pytest.mark.parametrize("is_cancelled", [False, True], ids=["ended early", "cancelled"])
async def test_groups_that_end_early_keep_no_connection(is_cancelled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred groups, ended at their first candidate or taken back at a random moment: the pool is empty after."""
    chance = random.Random(1)
    monkeypatch.setattr("plum_lsp.policy.client.connection.ClosingClient", Counting)
    with ScriptedPolicy() as server:
        server.will_complete("return 1\n")
        policy = CompletionsPolicy(server.url, connection=Connection(api_key=server.api_key))
        for _ in range(200):
            asking = asyncio.create_task(ask(policy, stops=not is_cancelled))
            if is_cancelled:
                await asyncio.sleep(chance.random() * 0.02)
                asking.cancel()
            await asyncio.wait({asking})
        server.wait_until_idle()
        assert isinstance(policy._exchange._http, Counting)
        for _ in range(50):  # what was abandoned is closed in the background
            if not policy._exchange._http.held and not policy._streams:
                break
            await asyncio.sleep(0.02)
        assert policy._exchange._http.held == 0
        assert not policy._streams
        await policy.close()


async def test_cancelled_request_to_nobody_ends_soon() -> None:
    """An address that never answers holds up whoever takes the question back for a moment only."""
    async with ClosingClient() as client:
        asking = asyncio.create_task(client.get("http://192.0.2.1:9/", timeout=30.0))
        await asyncio.sleep(0.05)
        asking.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({asking})
        assert asking.cancelled() or isinstance(asking.exception(), httpx.TransportError)

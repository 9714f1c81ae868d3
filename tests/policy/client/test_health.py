"""When a policy that failed is asked again, and what the user is told of one that is down, slow or out of memory."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from support.contexts import prompt_at
from support.scripted_policy import ScriptedPolicy

from plum_lsp.domain.errors import PolicyOutOfMemory, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import SamplingOptions
from plum_lsp.policy.client.health import BASE_SECONDS, CAP_SECONDS, GROUPS_MIN, Backoff, Pace
from plum_lsp.policy.client.watched import WatchedPolicy
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import PolicyOptions

PROMPT = prompt_at("def add(a, b):\n    ‸\n")
OPTIONS = SamplingOptions(temperatures=(0.2,), top_p=1.0, max_tokens=20, seed=0)


@pytest.fixture
def server() -> Iterator[ScriptedPolicy]:
    """A scripted policy server."""
    with ScriptedPolicy() as running:
        yield running


def policy_at(url: str, api_key: str = "scripted-key") -> Policy:
    """The policy of a user who set this address."""
    return open_policy(PolicyOptions(url=url, api_key=api_key, cache_dir=Path("unused")))


async def texts(policy: Policy, seconds: float = 20.0) -> list[str]:
    """What a group says."""
    async with aclosing(policy.sample(PROMPT, OPTIONS, deadline=time.monotonic() + seconds)) as stream:
        return [completion.text async for completion in stream]


def test_pauses_double_up_to_a_cap_and_are_spread() -> None:
    """Each pause lies between half and all of twice the one before, and an answer ends them."""
    shortest, longest = Backoff(draw=lambda: 0.0), Backoff(draw=lambda: 1.0)
    for number in range(12):
        full = min(CAP_SECONDS, BASE_SECONDS * 2**number)
        for backoff, share in ((shortest, 0.5), (longest, 1.0)):
            backoff.failed(100.0)
            assert backoff.left(100.0) == pytest.approx(full * share)
    assert shortest.left(200.0) == 0.0
    shortest.succeeded()
    shortest.failed(100.0)
    assert shortest.left(100.0) == pytest.approx(BASE_SECONDS / 2)


def test_slow_is_told_by_what_is_usual() -> None:
    """Nothing is slow before there is a usual; afterwards it takes both a multiple and a second more."""
    pace = Pace()
    assert not pace.is_slow(60_000)
    for _ in range(GROUPS_MIN):
        pace.took(100.0)
    assert (pace.is_slow(1_000), pace.is_slow(1_200)) == (False, True)
    for _ in range(100):
        pace.took(5_000.0)
    assert (pace.is_slow(19_000), pace.is_slow(21_000)) == (False, True)


async def test_failure_that_passes_costs_nothing_but_time(server: ScriptedPolicy) -> None:
    """A server that answers 503 twice and then well is asked until it does."""
    for _ in range(2):
        server.will_fail(503, "loading")
    server.will_complete("    return a\n")
    policy = policy_at(server.url)
    assert await texts(policy) == ["    return a\n"]
    await policy.close()
    assert len(server.completions) == 3


async def test_server_that_is_down_is_not_asked_at_every_key(server: ScriptedPolicy) -> None:
    """After some failures the user is told at once, and the server left alone; nothing but our errors is raised."""
    server.will_fail(500, "the engine is dead")
    policy = policy_at(server.url)
    with pytest.raises(PolicyUnavailable, match="the engine is dead") as caught:
        await texts(policy)
    assert "server's log" in caught.value.remedy
    for _ in range(20):
        with pytest.raises(PolicyUnavailable):
            await texts(policy)
        if len(server.completions) >= 5:
            break
    asked = len(server.completions)
    for _ in range(20):
        with pytest.raises(PolicyUnavailable, match="asked again in"):
            await texts(policy)
    assert len(server.completions) == asked
    await policy.close()


async def test_server_that_comes_up_is_used_again() -> None:
    """Nobody at the address first, then a server: the same policy answers once its pause is over."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    policy = policy_at(f"http://127.0.0.1:{port}/v1")
    with pytest.raises(PolicyUnavailable, match="cannot be reached") as caught:
        await policy.version()
    assert "PLUM_POLICY_URL" in caught.value.remedy
    with ScriptedPolicy(port=port) as server:
        server.will_complete("    return b\n")
        assert await texts(policy) == ["    return b\n"]
    await policy.close()


@pytest.mark.parametrize(
    "said",
    ["CUDA out of memory. Tried to allocate 2.00 GiB", "ggml: failed to allocate buffer", "std::bad_alloc"],
)
async def test_out_of_memory_is_told_with_what_helps(server: ScriptedPolicy, said: str) -> None:
    """In an HTTP error and in mid-stream alike."""
    policy = policy_at(server.url)
    server.will_fail(500, said)
    with pytest.raises(PolicyOutOfMemory, match="answered 500") as caught:
        await texts(policy)
    assert "smaller model" in caught.value.remedy
    await policy.close()
    server.forget()
    policy = policy_at(server.url)
    server.will_send('data: {"error": {"message": "' + said + '"}}\n\n')
    with pytest.raises(PolicyOutOfMemory):
        await texts(policy)
    await policy.close()


async def test_refused_key_is_not_tried_again(server: ScriptedPolicy) -> None:
    """A wrong key stays wrong: told at once, with the setting, and free to be corrected."""
    policy = policy_at(server.url, api_key="wrong")
    for _ in range(3):
        with pytest.raises(PolicyRefused, match="401") as caught:
            await policy.version()
        assert "PLUM_POLICY_API_KEY" in caught.value.remedy
    await policy.close()
    assert len(server.requests) == 3


async def test_policy_much_slower_than_usual_is_told_so(server: ScriptedPolicy) -> None:
    """A server that has always been quick and then says nothing until the deadline is slow, not silent."""
    for _ in range(GROUPS_MIN):
        server.will_complete("    return a\n")
    server.will_hang()
    policy = policy_at(server.url)
    for _ in range(GROUPS_MIN):
        await texts(policy)
    with pytest.raises(PolicyUnavailable, match="the model is slow") as caught:
        await texts(policy, seconds=1.5)
    assert "sampling.candidates" in caught.value.remedy
    assert await asyncio.to_thread(server.wait_until_idle)
    await policy.close()


async def test_policy_that_was_never_quick_is_only_late(server: ScriptedPolicy) -> None:
    """Without a usual there is nothing to compare with: an empty group, as before."""
    server.will_hang()
    policy = policy_at(server.url)
    assert isinstance(policy, WatchedPolicy)
    assert await texts(policy, seconds=0.3) == []
    await policy.close()

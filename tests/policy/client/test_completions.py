"""The policy port over a scripted server: streams, cutting, deadline, cancellation and everything that goes wrong."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from support.contexts import prompt_at
from support.raw_server import Answer, RawServer, text_event
from support.scripted_policy import ScriptedPolicy

from plum_lsp.domain.errors import PolicyError, PolicyProtocolError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, Finish, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy

PROMPT = prompt_at("def add(a, b):\n    ‸\n")


@pytest.fixture
def server() -> Iterator[ScriptedPolicy]:
    """A scripted policy server."""
    with ScriptedPolicy() as running:
        yield running


@pytest.fixture
async def policy(server: ScriptedPolicy) -> AsyncIterator[CompletionsPolicy]:
    """A client of the scripted server."""
    client = CompletionsPolicy(server.url, api_key=server.api_key)
    yield client
    await client.close()


def _options(count: int = 1, max_tokens: int = 100) -> SamplingOptions:
    temperatures = tuple(0.2 + 0.1 * index for index in range(count))
    return SamplingOptions(temperatures=temperatures, top_p=0.95, max_tokens=max_tokens, seed=40)


async def _sample(policy: CompletionsPolicy, options: SamplingOptions, seconds: float = 5.0) -> list[Completion]:
    deadline = time.monotonic() + seconds
    async with aclosing(policy.sample(PROMPT, options, deadline=deadline)) as stream:
        return [completion async for completion in stream]


async def test_completion_keeps_text_logprobs_temperature_and_seed(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """What a stream brought comes out whole, with the parameters it was asked for with."""
    server.will_complete("    return a + b\n", mean_logprob=-0.5)
    (completion,) = await _sample(policy, _options())
    assert completion.text == "    return a + b\n"
    assert completion.finish is Finish.STOP
    assert completion.token_logprobs == (-0.5,) * 5
    assert (completion.temperature, completion.seed) == (0.2, 40)
    assert 0 < completion.first_token_ms <= completion.ended_ms


async def test_requests_leave_in_order_each_with_its_own_parameters(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """Candidate i is asked for with temperatures[i] and seed + i, the first one first."""
    server.will_complete("    return a\n")
    completions = await _sample(policy, _options(4))
    assert sorted((c.index, c.seed) for c in completions) == [(0, 40), (1, 41), (2, 42), (3, 43)]
    seen = [(round(request.payload["temperature"], 2), request.payload["seed"]) for request in server.completions]
    assert sorted(seen) == [(0.2, 40), (0.3, 41), (0.4, 42), (0.5, 43)]


async def test_stream_is_closed_at_the_first_line_outside(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """A stream that leaves the block is cut there, and its server learns of it at once."""
    server.will_complete("    return a\n\n\nprint(1)\n" + "print(2)\n" * 100, pause_s=0.01)
    (completion,) = await _sample(policy, _options())
    assert (completion.text, completion.finish) == ("    return a\n", Finish.CUT)
    assert len(completion.token_logprobs) == 3
    assert await asyncio.to_thread(server.wait_until_idle)
    assert server.completions[0].closed_early
    assert len(server.completions[0].text_sent) < 100


async def test_each_completion_is_yielded_as_it_ends(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """A fast stream does not wait for a slow one, and leaving the iterator cancels the rest."""
    server.will_hang("    x = 1")
    server.will_complete("    return b\n", is_held=True)
    deadline = time.monotonic() + 30
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.release_once(lambda: server.hanging))
        async with aclosing(policy.sample(PROMPT, _options(2), deadline=deadline)) as stream:
            async for completion in stream:
                assert completion.text == "    return b\n"
                break
    assert await asyncio.to_thread(server.wait_until_idle)
    assert [seen.closed_early for seen in server.hanging] == [True]


def _same(*temperatures: float) -> SamplingOptions:
    return SamplingOptions(temperatures=temperatures, top_p=0.95, max_tokens=100, seed=40)


async def test_candidates_of_one_temperature_are_one_request(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """The server reads the prompt once for them; each keeps its index, temperature and seed."""
    for name in "abcd":
        server.will_complete(f"    return {name}\n")
    completions = await _sample(policy, _same(0.2, 0.8, 0.8, 0.8))
    seen = [one.payload for one in server.completions]
    asked = sorted((one["temperature"], one.get("n", 1), one["seed"]) for one in seen)
    assert asked == [(0.2, 1, 40), (0.8, 3, 41)]
    got = sorted(completions, key=lambda one: one.index)
    assert [(one.temperature, one.seed) for one in got] == [(0.2, 40), (0.8, 41), (0.8, 42), (0.8, 43)]
    assert sorted(one.text for one in got) == [f"    return {name}\n" for name in "abcd"]
    assert [one.text for one in got[1:]] == sorted(one.text for one in got[1:])  # one answer, in the server's order
    assert all(one.token_logprobs for one in completions)


async def test_choices_are_cut_alone_and_the_last_closes_the_stream(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """A choice that has left its block is yielded while others go on; nothing is paid for after the last."""
    server.will_complete("    return a\n\n\nprint(1)\n" + "print(2)\n" * 100, pause_s=0.01)
    server.will_complete("    x = 1\n    return x\n\n\nprint(1)\n" + "print(2)\n" * 100, pause_s=0.01)
    completions = await _sample(policy, _same(0.5, 0.5))
    assert [one.text for one in completions] == ["    return a\n", "    x = 1\n    return x\n"]
    assert completions[0].ended_ms < completions[1].ended_ms
    assert await asyncio.to_thread(server.wait_until_idle)
    assert server.completions[0].closed_early


@pytest.mark.parametrize("many", ["refuses", "ignores"])
async def test_server_without_n_is_asked_for_each_alone(many: str) -> None:
    """Once it has refused or ignored `n`, it is not asked that way again; no candidate is lost."""
    with ScriptedPolicy(many=many) as server:
        for name in "abc":
            server.will_complete(f"    return {name}\n")
        policy = CompletionsPolicy(server.url, api_key=server.api_key)
        for _ in range(2):
            completions = await _sample(policy, _same(0.5, 0.5, 0.5))
            assert sorted(one.index for one in completions) == [0, 1, 2]
        await policy.close()
        counts = [seen.payload.get("n", 1) for seen in server.completions]
        assert counts == ([3, 1, 1, 1, 1, 1, 1] if many == "refuses" else [3, 1, 1, 1, 1, 1])


async def test_refusal_of_everything_is_told_once_asked_alone(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """A request refused for another reason than `n` is an error with the server's own words."""
    server.will_fail(400, "the prompt is too long")
    with pytest.raises(PolicyProtocolError, match="the prompt is too long"):
        await _sample(policy, _same(0.5, 0.5))


async def test_a_number_that_is_too_large_is_a_fault_of_the_server() -> None:
    """An answer of a form that was not foreseen ends the request with an error of the policy."""
    event = text_event("x", logprobs={"tokens": ["x"], "token_logprobs": [10**400]})
    with RawServer(lambda seen: Answer(body=[event])) as server:
        policy = CompletionsPolicy(server.url)
        with pytest.raises(PolicyProtocolError, match="OverflowError"):
            await _sample(policy, _options())
        await policy.close()


async def test_a_fault_of_ours_is_passed_on(policy: CompletionsPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of the policy server, and the caller's boundary reports it."""

    async def broken(*_: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr(policy._exchange, "complete", broken)
    with pytest.raises(AssertionError, match="ours"):
        await _sample(policy, _options(2))


async def test_length_is_told(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """A completion that ran out of tokens says so."""
    server.will_complete("    return a", finish="length")
    assert [completion.finish for completion in await _sample(policy, _options())] == [Finish.LENGTH]


async def test_deadline_yields_what_has_ended_and_closes_the_rest(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """Streams that have not ended at the deadline are not yielded and their connections are closed."""
    server.will_complete("    return a\n")
    server.will_hang("    return")
    completions = await _sample(policy, _options(2), seconds=2)
    assert [completion.text for completion in completions] == ["    return a\n"]
    assert await asyncio.to_thread(server.wait_until_idle)
    assert [seen.closed_early for seen in server.hanging] == [True]


async def test_deadline_with_nothing_is_an_empty_group(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """A policy that is only slow is no error."""
    server.will_hang()
    assert await _sample(policy, _options(2), seconds=0.1) == []


async def test_cancelling_the_consumer_reaches_the_server(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """A cancelled request closes all its connections."""
    server.will_hang("    x")
    task = asyncio.create_task(_sample(policy, _options(3), seconds=30))
    while len(server.completions) < 3:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.wait_until_idle)
    assert server.closed_early == 3


async def test_cancelling_twice_still_closes_every_connection(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """A second cancellation while the connections are being closed leaves none of them open, and nothing kept."""
    server.will_hang("    x")
    task = asyncio.create_task(_sample(policy, _options(3), seconds=30))
    while len(server.completions) < 3:
        await asyncio.sleep(0.01)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.to_thread(server.wait_until_idle)
    assert server.closed_early == 3
    async with asyncio.timeout(10):
        while policy._streams:
            await asyncio.sleep(0.01)


async def test_closing_the_policy_cancels_what_is_in_flight(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """`close` ends streams in flight, may be called twice, and leaves a policy that says it is closed."""
    server.will_hang("    x")
    task = asyncio.create_task(_sample(policy, _options(2), seconds=30))
    while len(server.completions) < 2:
        await asyncio.sleep(0.01)
    await policy.close()
    await policy.close()
    with pytest.raises(PolicyUnavailable, match="closed"):
        await task
    with pytest.raises(PolicyUnavailable, match="closed"):
        await _sample(policy, _options())


async def test_closing_before_a_stream_has_begun_is_told_at_once(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """A task that is cancelled before its first step runs none of its own code, and nobody waits for it in vain."""
    server.will_hang("    x")
    task = asyncio.create_task(_sample(policy, _options(2), seconds=30))
    while not policy._streams:
        await asyncio.sleep(0)
    await policy.close()
    with pytest.raises(PolicyUnavailable, match="closed"):
        await asyncio.wait_for(task, 10)
    assert not server.completions


async def test_stream_that_breaks_off_loses_only_itself(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """A dropped connection costs its candidate, not the others."""
    server.will_disconnect("    return")
    server.will_complete("    return b\n")
    assert [completion.text for completion in await _sample(policy, _options(2))] == ["    return b\n"]


async def test_server_that_dies_with_nothing_said_is_an_error(
    server: ScriptedPolicy, policy: CompletionsPolicy
) -> None:
    """When every stream breaks off, the policy is unavailable."""
    server.will_disconnect("    return")
    with pytest.raises(PolicyUnavailable, match="broke off"):
        await _sample(policy, _options(2))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>It works!</html>\n", PolicyProtocolError),
        ("", PolicyProtocolError),
        ('data: {"choices": [{"text": "", "finish_reason": null}]}\n\n', PolicyProtocolError),
        ('data: {"error": {"message": "no slot"}}\n\n', PolicyError),
    ],
    ids=["page", "nothing", "no end", "error event"],
)
async def test_nonsense_is_a_policy_error(
    server: ScriptedPolicy, policy: CompletionsPolicy, body: str, kind: type[PolicyError]
) -> None:
    """A server that speaks something else is an error, never a candidate."""
    server.will_send(body)
    with pytest.raises(kind):
        await _sample(policy, _options())


@pytest.mark.parametrize(
    ("status", "kind"), [(500, PolicyUnavailable), (429, PolicyUnavailable), (400, PolicyProtocolError)]
)
async def test_http_errors_are_policy_errors(
    server: ScriptedPolicy, policy: CompletionsPolicy, status: int, kind: type[PolicyError]
) -> None:
    """A refusal carries the server's own message."""
    server.will_fail(status, "too much")
    with pytest.raises(kind, match="too much"):
        await _sample(policy, _options())


async def test_version_names_what_the_server_serves(server: ScriptedPolicy, policy: CompletionsPolicy) -> None:
    """Without a name the first model listed is used, and asked for in every request."""
    version = await policy.version()
    assert (version.number, version.model, version.model_sha256) == (0, "scripted", "")
    server.will_complete("    return a\n")
    await _sample(policy, _options())
    assert server.completions[0].payload["model"] == "scripted"
    assert len([request for request in server.requests if request.path == "/v1/models"]) == 1


async def test_model_the_server_lacks_is_refused(server: ScriptedPolicy) -> None:
    """A name the server does not list is an error that lists those it has."""
    policy = CompletionsPolicy(server.url, api_key=server.api_key, model="other")
    with pytest.raises(PolicyUnavailable) as caught:
        await policy.version()
    assert "scripted" in caught.value.remedy
    await policy.close()


async def test_wrong_key_names_the_setting(server: ScriptedPolicy) -> None:
    """A refused key is told with the setting to change."""
    policy = CompletionsPolicy(server.url, api_key="wrong")
    with pytest.raises(PolicyUnavailable) as caught:
        await _sample(policy, _options())
    assert "PLUM_POLICY_API_KEY" in caught.value.remedy
    await policy.close()


async def test_nobody_at_the_address_is_unavailable() -> None:
    """A refused connection and a wrong address are errors with a remedy, at once."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/v1", "nonsense", "http://[broken"):
        policy = CompletionsPolicy(url)
        with pytest.raises(PolicyUnavailable) as caught:
            await policy.version()
        assert "PLUM_POLICY_URL" in caught.value.remedy
        await policy.close()


async def test_server_silent_about_its_models_is_unavailable_at_the_deadline() -> None:
    """A server that accepts and says nothing does not hold a request beyond its deadline."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        policy = CompletionsPolicy(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        with pytest.raises(PolicyUnavailable, match="before the deadline"):
            await _sample(policy, _options(), seconds=0.1)
        await policy.close()

"""The embedded server for real: SmolLM2 under llama.cpp in a child process, from first request to last breath."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.contexts import context_at, prompt_at
from support.processes import is_alive, until_gone

from plum_lsp.config import cache_dir, load_settings
from plum_lsp.domain.errors import ModelError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, FimPrompt, Finish, HoleKind, SamplingOptions
from plum_lsp.policy.hosting.embedded_policy import EmbeddedPolicy
from plum_lsp.policy.hosting.launch import choose_threads
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.hosting.sources import find_model
from plum_lsp.policy.models import catalogue as models
from plum_lsp.python.fitting.candidates import make_candidate

pytestmark = pytest.mark.model

NAME = "smollm2-135m-instruct"
DOCUMENT = 'def add(a, b):\n    """Return the sum of a and b.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'
CACHE_DIR = cache_dir(load_settings(environ=os.environ).settings)
OPTIONS = PolicyOptions(cache_dir=CACHE_DIR, model=NAME, threads=1, context_tokens=2048)


def _prompt() -> FimPrompt:
    """SmolLM2 wants three of the four spaces."""
    prompt = prompt_at(DOCUMENT)
    return dataclasses.replace(prompt, text=prompt.text + "   ", restored=" ")


def _options(*temperatures: float, max_tokens: int = 48) -> SamplingOptions:
    return SamplingOptions(temperatures=temperatures or (0.2,), top_p=0.95, max_tokens=max_tokens, seed=0)


async def _sample(policy: EmbeddedPolicy, options: SamplingOptions, seconds: float = 60.0) -> list[Completion]:
    async with aclosing(policy.sample(_prompt(), options, deadline=time.monotonic() + seconds)) as stream:
        return [completion async for completion in stream]


async def _ask(policy: EmbeddedPolicy, path: str) -> Any:
    """What the real server says about itself."""
    assert policy.process is not None
    headers = {"Authorization": f"Bearer {policy.process.api_key}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as client:
        return await client.get(policy.process.url + path)


@pytest.fixture
async def policy() -> AsyncIterator[EmbeddedPolicy]:
    """An embedded policy with the real SmolLM2, not started yet."""
    embedded = EmbeddedPolicy(OPTIONS)
    yield embedded
    await embedded.close()


async def test_completes_a_real_function(policy: EmbeddedPolicy) -> None:
    """A real model's group arrives with log-probabilities, cut to the body; one of it is the right body."""
    completions = await _sample(policy, _options(0.0, 0.3, 0.6))
    assert sorted((c.index, c.temperature, c.seed) for c in completions) == [(0, 0.0, 0), (1, 0.3, 1), (2, 0.6, 2)]
    version = await policy.version()
    entry = models.find_entry(NAME)
    assert (version.model, version.model_sha256) == (entry.name, entry.sha256)
    candidates = [make_candidate(completion, context_at(DOCUMENT), version) for completion in completions]
    assert "return a + b" in {candidate.text for candidate in candidates}
    for completion, candidate in zip(completions, candidates, strict=True):
        assert len(completion.token_logprobs) > 1
        assert candidate.mean_logprob is not None and candidate.mean_logprob < 0
        assert "def " not in candidate.text


async def test_same_seeds_give_the_same_texts(policy: EmbeddedPolicy) -> None:
    """A recorded seed and temperature repeat a completion."""
    first = await _sample(policy, _options(0.9, 0.9))
    again = await _sample(policy, _options(0.9, 0.9))
    assert sorted((c.index, c.text) for c in first) == sorted((c.index, c.text) for c in again)


async def test_prompt_of_a_group_is_evaluated_once(policy: EmbeddedPolicy) -> None:
    """All candidates but the first find their prompt in the server's cache."""
    await _sample(policy, _options(0.2, 0.5, 0.8, 1.0))
    lines = [
        line.split() for line in (await _ask(policy, "/metrics")).text.splitlines() if line.startswith("llamacpp:")
    ]
    counted = {name: float(value) for name, value in lines}
    evaluated, cached = counted["llamacpp:prompt_tokens_total"], counted["llamacpp:prompt_tokens_cached_total"]
    assert cached >= 3 * (evaluated - 8)


async def test_cancelled_streams_leave_the_slot_idle(policy: EmbeddedPolicy) -> None:
    """Closing the iterator stops what runs and what waits: the slot is idle at once and stays idle."""
    endless = dataclasses.replace(_prompt(), text="1, 2, 3, 4, 5, 6,", stop=())
    await policy.version()
    deadline = time.monotonic() + 60
    group = _options(0.1, 0.2, 0.3, max_tokens=2000)
    task = asyncio.ensure_future(anext(policy.sample(endless, group, deadline=deadline)))

    async def is_busy() -> bool:
        return any(slot["is_processing"] for slot in (await _ask(policy, "/slots")).json())

    async with asyncio.timeout(20):
        while not await is_busy():
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(20):
        while await is_busy():
            await asyncio.sleep(0.02)
    assert not await is_busy()


async def test_candidate_cut_on_the_client_costs_no_more_tokens(policy: EmbeddedPolicy) -> None:
    """A stream that leaves its hole is closed there, long before the tokens it may use."""
    block = context_at("x = ‸", kind=HoleKind.LINE, indent="").block
    line = dataclasses.replace(_prompt(), text="x = 1\ny = 2\nz =", block=block)
    deadline = time.monotonic() + 60
    async with aclosing(policy.sample(line, _options(0.0, max_tokens=1000), deadline=deadline)) as stream:
        (completion,) = [completion async for completion in stream]
    assert completion.finish is Finish.CUT
    assert completion.text.count("\n") == 1
    assert len(completion.token_logprobs) < 60


async def test_wrong_key_is_refused_and_the_key_is_in_no_argument_list(policy: EmbeddedPolicy) -> None:
    """Other users of the machine can neither use the server nor read its key from the process list."""
    await policy.version()
    process = policy.process
    assert process is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{process.url}/v1/completions", json={"prompt": "x"})
    assert answer.status_code == 401
    assert process.url.startswith("http://127.0.0.1:")
    assert process.api_key.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert process.api_key.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()


async def test_server_that_was_killed_is_started_again(policy: EmbeddedPolicy) -> None:
    """A server that dies between requests costs the next request a start, not an error."""
    await policy.version()
    first = policy.process
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    assert not await until_gone({first.pid})
    assert await _sample(policy, _options())
    assert policy.process is not None and policy.process.pid != first.pid


async def test_server_that_dies_mid_request_is_started_once_more(policy: EmbeddedPolicy) -> None:
    """Killed while nothing has come yet, the server is started again and the request is answered."""
    await policy.version()
    first = policy.process
    assert first is not None
    os.kill(first.pid, signal.SIGSTOP)
    task = asyncio.create_task(_sample(policy, _options()))
    await asyncio.sleep(0.3)
    os.kill(first.pid, signal.SIGKILL)
    assert await task
    assert policy.process is not None and policy.process.pid != first.pid


async def test_idle_server_leaves_and_comes_back() -> None:
    """After `idle_seconds` without a request the process ends; the next request starts another."""
    policy = EmbeddedPolicy(dataclasses.replace(OPTIONS, idle_seconds=0.3))
    try:
        await _sample(policy, _options())
        first = policy.process
        assert first is not None
        assert not await until_gone({first.pid})
        assert await _sample(policy, _options())
    finally:
        await policy.close()


async def test_close_ends_the_process(policy: EmbeddedPolicy) -> None:
    """Closing leaves no process behind, may be called twice, and later requests are refused."""
    await policy.version()
    process = policy.process
    assert process is not None
    await policy.close()
    await policy.close()
    assert not is_alive(process.pid)
    with pytest.raises(PolicyUnavailable, match="closed"):
        await policy.version()


async def test_cancelled_start_is_not_lost(policy: EmbeddedPolicy) -> None:
    """A request that is cancelled while the model loads leaves the start going for the next one."""
    task = asyncio.create_task(policy.version())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(PolicyUnavailable, match="still loading"):
        await _sample(policy, _options(), seconds=0.0)
    assert await _sample(policy, _options())


async def test_server_dies_with_an_owner_that_was_killed() -> None:
    """An owner that gets SIGKILL takes its server with it."""
    script = f"""
        import asyncio
        from pathlib import Path
        from plum_lsp.policy.hosting.options import PolicyOptions
        from plum_lsp.policy.hosting.embedded_policy import EmbeddedPolicy
        async def main():
            cache_dir = Path({str(OPTIONS.cache_dir)!r})
            policy = EmbeddedPolicy(PolicyOptions(cache_dir=cache_dir, model={NAME!r}, threads=1))
            await policy.version()
            print(policy.process.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(script)), stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    assert is_alive(pid)
    owner.kill()
    await owner.wait()
    assert not await until_gone({pid}, seconds=3)


async def test_damaged_model_is_unavailable_with_a_remedy(tmp_path: Path) -> None:
    """A file that is no model ends in an error with the server's reason, not in a hang; so does a missing one."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))
    policy = EmbeddedPolicy(dataclasses.replace(OPTIONS, model=str(broken), cache_dir=tmp_path))
    with pytest.raises(PolicyUnavailable, match=r"did not start: \w+"):
        await policy.version()
    await policy.close()
    missing = EmbeddedPolicy(dataclasses.replace(OPTIONS, cache_dir=tmp_path))
    with pytest.raises(PolicyUnavailable) as caught:
        await missing.version()
    assert caught.value.remedy == f"Run: plum-lsp model fetch {NAME}"
    await missing.close()


def test_any_gguf_file_can_be_named_by_path() -> None:
    """A path to a file the catalogue knows is recognised by its hash."""
    path = models.require(models.find_entry(NAME), cache_dir=OPTIONS.cache_dir)
    found = find_model(str(path), cache_dir=OPTIONS.cache_dir)
    assert (found.engine, found.entry) == (LLAMA_CPP, models.find_entry(NAME))


def test_names_that_are_no_model_are_refused_at_once(tmp_path: Path) -> None:
    """Opening a policy with an unknown name fails before anything starts."""
    with pytest.raises(ModelError) as caught:
        open_policy(dataclasses.replace(OPTIONS, model="gpt-9"))
    assert NAME in caught.value.remedy
    text = tmp_path / "notes.txt"
    text.write_text("not a model")
    with pytest.raises(ModelError, match="not a GGUF file"):
        find_model(str(text), cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("wanted", "cores", "load", "chosen"),
    [(0, 2, 0.1, (1, 2)), (0, 2, 3.0, (1, 1)), (0, 8, 0.0, (7, 8)), (0, 64, 0.0, (8, 16)), (3, 2, 9.0, (3, 3))],
)
def test_threads_are_chosen_by_what_is_idle(wanted: int, cores: int, load: float, chosen: tuple[int, int]) -> None:
    """Writing leaves a core to the sandbox, reading takes all that is idle, and a number of the user's is taken."""
    assert choose_threads(wanted, cores=cores, load=load) == chosen

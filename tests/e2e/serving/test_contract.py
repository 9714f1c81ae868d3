"""What holds for every engine of `plum-lsp policy serve`: complete, cancel, publish under load, refuse, be killed.

Run against the real vLLM (its CPU build, or a GPU's) and the real llama.cpp, with a real model and real adapters.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from e2e.serving.asking import CLEAR, PROMPT, complete, distance, publish_to, sampling
from e2e.serving.conftest import MODEL, Served
from support.contexts import prompt_at
from support.processes import descendants

from plum_lsp.domain.errors import AdapterError, PolicyError
from plum_lsp.domain.suggestion import Completion, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.hosting.engines import served_engine
from plum_lsp.policy.hosting.served_policy import ServedPolicy
from plum_lsp.policy.versions.folders import PublishedVersion
from plum_lsp.policy.versions.publish import PROBE_PREFIX, retire, rollback

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(600)]

CONCURRENT = 20


async def running(served: Served) -> int:
    """Requests in the engine, by its own count."""
    engine = served_engine(served.state)
    try:
        metrics = (await engine._ask("GET", "/metrics", root=served.state.url.removesuffix("/v1"))).text
    finally:
        await engine.close()
    names = ("vllm:num_requests_running{", "vllm:num_requests_waiting{")
    names += ("llamacpp:requests_processing{", "llamacpp:requests_deferred{")
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in metrics.splitlines() if line.startswith(names))


async def test_settings_are_told_with_their_reasons(served: Served) -> None:
    """The command says what it chose and why, and when it was ready."""
    told = served.output.read_text()
    reasons = {
        "vllm": "--enable-prefix-caching\n      candidates share their prompt",
        "llamacpp": "slots = 1\n      requests wait in line",
    }
    assert reasons[served.engine] in told
    assert "ready after" in told
    assert served.state.api_key not in told


async def test_group_is_sampled_with_log_probabilities(served: Served) -> None:
    """Every candidate of a group comes back from the active version; the base model is version 0."""
    policy = ServedPolicy(served.data_dir)
    options = SamplingOptions(temperatures=(0.2, 0.6, 1.0), top_p=0.95, max_tokens=8, seed=0)
    deadline = asyncio.get_running_loop().time() + 120
    group = [completion async for completion in policy.sample(PROMPT, options, deadline=deadline)]
    version = await policy.version()
    await policy.close()
    assert sorted(completion.index for completion in group) == [0, 1, 2]
    assert all(completion.token_logprobs for completion in group)
    active = served.store.active()
    assert version.number == (active.number if active is not None else 0)


async def test_one_request_gives_several_candidates(served: Served) -> None:
    """Asked for n choices, the engine streams each by its index, or refuses and is asked for each alone."""
    state = served.state
    policy = CompletionsPolicy(state.url, model=state.model, connection=state.connection())
    options = SamplingOptions(temperatures=(0.8,) * 3, top_p=0.95, max_tokens=6, seed=7)
    deadline = asyncio.get_running_loop().time() + 120
    group = [completion async for completion in policy.sample(PROMPT, options, deadline=deadline)]
    await policy.close()
    assert sorted((one.index, one.seed) for one in group) == [(0, 7), (1, 8), (2, 9)]
    assert all(completion.token_logprobs for completion in group)


async def test_cancelled_group_frees_the_engine(served: Served) -> None:
    """Closing the iterator ends the requests in the engine, not only their connections."""
    policy = ServedPolicy(served.data_dir)
    prompt = prompt_at("def count():\n    ‸\n")
    deadline = asyncio.get_running_loop().time() + 300
    stream = policy.sample(prompt, sampling(4, tokens=900), deadline=deadline)
    group = asyncio.create_task(anext(stream))
    while not await running(served):
        assert not group.done()
        await asyncio.sleep(0.05)
    group.cancel()
    await asyncio.gather(group, return_exceptions=True)
    await policy.close()
    until = time.monotonic() + 30
    while await running(served):
        assert time.monotonic() < until
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("adapter", "reason"),
    [
        ("missing", "adapter_model.safetensors is missing"),
        ("truncated", "is truncated"),
        ("large", "rank 64, and the server takes at most 16"),
        ("zero", "is untrained"),
        ("foreign", "another base model"),
    ],
)
async def test_bad_adapter_is_refused(served: Served, adapters: Path, adapter: str, reason: str) -> None:
    """A bad adapter never becomes a version, and the server answers as before."""
    before = served.store.active(), served.store.versions()
    with pytest.raises(AdapterError, match=reason):
        await publish_to(served, adapters / adapter)
    assert (served.store.active(), served.store.versions()) == before
    assert (await complete(served)).token_logprobs


@pytest.mark.parametrize("adapter", ["missing", "truncated", "large"])
async def test_server_itself_refuses_what_gets_past_us(served: Served, adapters: Path, adapter: str) -> None:
    """A server that is handed a bad adapter answers with an error of ours, and goes on."""
    folder = served.store.root / f".staging-{adapter}"
    shutil.copytree(adapters / adapter, folder)
    engine = served_engine(served.state)
    try:
        with pytest.raises(AdapterError):
            await engine.load(f"bad-{adapter}", folder)
        assert f"bad-{adapter}" not in await engine.models()
    finally:
        await engine.close()
        shutil.rmtree(folder)


async def test_publish_under_load_mixes_nothing(served: Served, adapters: Path) -> None:
    """Twenty requests in flight while a version is published: none fails, each is wholly of the version it names."""
    base = await ServedPolicy(served.data_dir).version()
    before = await complete(served, base)
    publishing = asyncio.create_task(publish_to(served, adapters / "one"))
    written: list[tuple[int, Completion]] = []

    async def ask_until_published() -> None:
        while True:
            is_last = publishing.done()
            version = await ServedPolicy(served.data_dir).version()
            written.append((version.number, await complete(served, version)))
            if is_last:
                return

    await asyncio.gather(*(ask_until_published() for _ in range(CONCURRENT)))
    name, swap_ms = await publishing
    print(f"{served.engine}: swapped in {swap_ms:.0f} ms under {CONCURRENT} requests")
    after = await complete(served)
    active = served.store.active()
    assert active is not None and active.name == name
    assert active.number > base.number
    assert len(written) >= 2 * CONCURRENT
    assert {number for number, _ in written} == {base.number, active.number}
    references = {base.number: before, active.number: after}
    others = {base.number: after, active.number: before}
    assert distance(before, after) > CLEAR, "the two versions must be told apart"
    for number, completion in written:
        assert distance(completion, references[number]) < distance(completion, others[number])


async def test_versions_asked_at_once_stay_apart(served: Served, adapters: Path) -> None:
    """The base model and two adapters in one batch, as during a trial: each writes what it writes alone."""
    names, asked = (MODEL, "side-one", "side-two"), (MODEL, "side-one", "side-two") * 7
    engine = served_engine(served.state)
    try:
        for name in ("one", "two"):
            folder = served.store.root / f"side-{name}"
            shutil.copytree(adapters / name, folder)
            await engine.load(folder.name, folder)
        alone = {name: await engine.complete(name, PROMPT.text, tokens=6) for name in names}
        together = await asyncio.gather(*(engine.complete(name, PROMPT.text, tokens=6) for name in asked))
    finally:
        for name in names[1:]:
            await engine.unload(name)
        await engine.close()
    for name, other in itertools.combinations(names, 2):
        assert distance(alone[name], alone[other]) > CLEAR, "the versions must be told apart"
    for name, answer in zip(asked, together, strict=True):
        assert min(names, key=lambda one: distance(answer, alone[one])) == name


async def published(served: Served, adapters: Path) -> PublishedVersion:
    """A first version."""
    await publish_to(served, adapters / "one")
    version = served.store.active()
    assert version is not None
    return version


async def test_killed_in_the_middle_recovers_by_itself(served: Served, adapters: Path) -> None:
    """kill -9 of the engine during a request and a publication: the request is answered, the version before stays."""
    active = served.store.active() or await published(served, adapters)
    asking = asyncio.create_task(complete(served, seconds=400))
    publishing = asyncio.create_task(publish_to(served, adapters / "two"))
    engine = served_engine(served.state)
    while not any(name.startswith(PROBE_PREFIX) for name in await engine.models()):
        await asyncio.sleep(0.02)
    for pid in descendants(served.state.pid):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(PolicyError):
        await publishing
    assert served.store.active() == active
    await asking
    answered = await complete(served, seconds=400)
    names = await engine.models()
    await engine.close()
    assert answered.token_logprobs
    assert active.name in names
    assert not any(name.startswith(PROBE_PREFIX) for name in names)


async def test_next_version_retires_the_one_before_and_rolls_back(served: Served, adapters: Path) -> None:
    """After the grace period the old version is unloaded; rolling back loads it again under its own name."""
    engine = served_engine(served.state)
    earlier = served.store.active() or await published(served, adapters)
    name, _ = await publish_to(served, adapters / "two")
    await retire(served.store, engine, grace_seconds=0)
    assert await engine.models() == (MODEL, name)
    done = await rollback(earlier.name, store=served.store, engine=engine)
    await engine.close()
    assert done.previous == name
    assert (await ServedPolicy(served.data_dir).version()).served_name == earlier.name

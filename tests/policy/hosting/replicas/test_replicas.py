"""Several replicas behind one address: what a request, a publication, a death and a return mean. Engines are scripted.

A publication with real engines is in `tests/e2e/serving`.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path

import httpx
import pytest
from policy.hosting.replicas.conftest import KEY, House
from support.contexts import prompt_at

from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, PolicyVersion, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.watched import WatchedPolicy
from plum_lsp.policy.hosting.replicas import rotation
from plum_lsp.policy.hosting.replicas.rotation import MISSES_MAX

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EDITORS = 20
OPTIONS = SamplingOptions(temperatures=(0.8,) * 3, top_p=0.95, max_tokens=6, seed=1)
ASKED = {"model": "base", "prompt": "def", "max_tokens": 3}


def editor(house: House, key: str) -> WatchedPolicy:
    """What an editor asks a server by URL with."""
    return WatchedPolicy(CompletionsPolicy(house.url, api_key=key), tries=3)


async def sampled(policy: WatchedPolicy, number: int, version: PolicyVersion) -> list[Completion]:
    """One request of the editor with this number."""
    prompt = prompt_at(f"# editor {number}\n" + "VALUE = 1\n" * 60 + "def f():\n    return ‸\n")
    deadline = asyncio.get_running_loop().time() + 60
    return [one async for one in policy.sample(prompt, OPTIONS, deadline=deadline, version=version)]


async def test_publish_while_a_replica_is_killed_fails_no_request(house: House, adapters: list[Path]) -> None:
    """Twenty editors ask without a pause. Each answer is wholly of the version asked for, before, during and after."""
    house.start("a")
    house.start("b")
    await house.until(lambda: house.used() == {"a", "b"})
    await house.publish(adapters[0])
    seen: list[tuple[str, str]] = []
    is_over = asyncio.Event()

    async def ask(number: int) -> None:
        policy = editor(house, house.key(f"p{number}"))
        while not is_over.is_set():
            active = house.store.active()
            assert active is not None
            group = await sampled(policy, number, active.policy_version())
            assert group
            seen.extend((active.name, one.text) for one in group)
        await policy.close()

    asking = [asyncio.create_task(ask(number)) for number in range(EDITORS)]
    await house.until(lambda: len(seen) > 3 * EDITORS)
    publishing = asyncio.create_task(house.publish(adapters[1]))
    await house.until(lambda: any(name.startswith("probe-") for one in house.rotation.all() for name in one.names))
    house.kill("b")
    done = await publishing
    assert done.version.name == "plum-v2"
    await house.until(lambda: house.used() == {"a"})
    house.start("b")
    await house.until(lambda: house.used() == {"a", "b"})
    assert all("plum-v2" in one.names for one in house.rotation.used())
    after = len(seen)
    await house.until(lambda: len(seen) > after + 3 * EDITORS or any(task.done() for task in asking))
    is_over.set()
    await asyncio.gather(*asking)
    assert {name for name, _ in seen} == {"plum-v1", "plum-v2"}
    assert [(name, text) for name, text in seen if set(text.split()) != {name}] == []


async def test_the_last_replica_may_be_slow(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that do not answer in time one is left out. Requests wait for the other."""
    monkeypatch.setattr(rotation, "ANSWER_SECONDS", 0.5)
    house.start("a")
    house.start("b")
    await house.until(lambda: house.used() == {"a", "b"})
    for process in house.running.values():
        process.send_signal(signal.SIGSTOP)
    try:
        await house.until(lambda: len(house.used()) < 2)
        (last,) = house.rotation.used()
        await house.until(lambda: last.misses > MISSES_MAX or not last.is_used)
        assert last.is_used
    finally:
        for process in house.running.values():
            process.send_signal(signal.SIGCONT)
    await house.until(lambda: house.used() == {"a", "b"})


async def test_a_publication_that_one_replica_refuses_reaches_none(house: House, adapters: list[Path]) -> None:
    """The probe is unloaded again where it was loaded."""
    house.start("a")
    house.start("b", "--refuses", "adapter_config.json")
    await house.until(lambda: house.used() == {"a", "b"})
    with pytest.raises(AdapterError, match="replica b refused"):
        await house.publish(adapters[0])
    assert house.store.active() is None
    assert {name for one in house.rotation.used() for name in one.names} == {"base"}


async def test_a_replica_on_which_nothing_changes_stops_a_publication(house: House, adapters: list[Path]) -> None:
    """Each one is probed, not only the one that a request happens to go to."""
    house.start("a")
    house.start("b", "--same")
    await house.until(lambda: house.used() == {"a", "b"})
    with pytest.raises(AdapterError, match=r"did not change \(replica b\)"):
        await house.publish(adapters[0])
    assert house.store.active() is None
    assert {name for one in house.rotation.used() for name in one.names} == {"base"}


async def test_no_replica_joins_a_publication(house: House, adapters: list[Path]) -> None:
    """It waits for the end, and has the new version when it comes."""
    house.start("a")
    await house.until(lambda: house.used() == {"a"})
    with house.store.locked():
        house.start("b")
        await house.until(lambda: "base" in next((r.names for r in house.rotation.all() if r.name == "b"), ()))
        looks = next(one for one in house.rotation.all() if one.name == "b")
        for _ in range(5):
            looks.names = frozenset()
            await house.until(lambda: looks.names)
        assert house.used() == {"a"}
    await house.until(lambda: house.used() == {"a", "b"})
    house.kill("b")
    await house.publish(adapters[0])
    house.start("b")
    await house.until(lambda: house.used() == {"a", "b"})
    assert house.rotation.names() == ("base", "plum-v1")


async def test_a_replica_that_started_without_the_version_loads_it_first(house: House, adapters: list[Path]) -> None:
    """As one that does not see the pointer does."""
    house.start("a")
    await house.until(lambda: house.used() == {"a"})
    await house.publish(adapters[0])
    (house.data_dir / "elsewhere").mkdir()
    real, house.data_dir = house.data_dir, house.data_dir / "elsewhere"
    house.start("b")
    house.data_dir = real
    await house.until(lambda: house.used() == {"a", "b"})
    assert house.rotation.names() == ("base", "plum-v1")


async def test_a_publication_without_replicas_changes_nothing(house: House, adapters: list[Path]) -> None:
    """All of them died in the middle."""
    house.start("a")
    await house.until(lambda: house.used() == {"a"})
    house.kill("a")
    with pytest.raises(PolicyUnavailable):
        await house.publish(adapters[0])
    assert house.store.active() is None
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": "Bearer owner-key"}) as client:
        assert (await client.post(f"{house.url}/completions", json=ASKED)).status_code == 503
        assert (await client.get(house.url.removesuffix("/v1") + "/health")).status_code == 503


async def test_requests_of_a_document_meet_on_one_replica(house: House) -> None:
    """While both are free."""
    for name in ("a", "b", "c"):
        house.start(name)
    await house.until(lambda: len(house.used()) == 3)
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": "Bearer owner-key"}, timeout=60) as client:
        for document in range(8):
            for typed in range(3):
                prompt = f"# document {document}\n" + "x = 1\n" * 100 + "y" * typed
                answer = await client.post(f"{house.url}/completions", json=ASKED | {"prompt": prompt})
                assert answer.status_code == 200
        homes: dict[str, set[str]] = {}
        for name, port in house.ports.items():
            listed = await client.get(f"http://127.0.0.1:{port}/prompts", headers={"Authorization": f"Bearer {KEY}"})
            for prompt in listed.json():
                if prompt.startswith("# document"):
                    homes.setdefault(prompt.splitlines()[0], set()).add(name)
    assert {document: len(places) for document, places in homes.items()} == {f"# document {n}": 1 for n in range(8)}
    assert len({place for places in homes.values() for place in places}) > 1


async def test_people_cannot_choose_or_see_replicas(house: House) -> None:
    """Nor load adapters. A key that may publish asks one replica, and a replica that is not there is told."""
    house.start("a")
    await house.until(lambda: house.used() == {"a"})
    root = house.url.removesuffix("/v1")
    one = f"{root}/replicas/a/v1/completions"
    ann, pub = ({"Authorization": f"Bearer {house.key(n, can_publish=n == 'pub')}"} for n in ("ann", "pub"))
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        assert (await client.post(one, json=ASKED, headers=ann)).status_code == 404
        assert (await client.post(one, json=ASKED, headers=pub)).status_code == 200
        assert (await client.post(one.replace("/a/", "/z/"), json=ASKED, headers=pub)).status_code == 503
        assert (await client.post(one, json=ASKED)).status_code == 401
        assert "replica" not in (await client.get(f"{root}/metrics", headers=ann)).text
        assert 'plum_replica_used{replica="a"} 1' in (await client.get(f"{root}/metrics", headers=pub)).text
        load = {"lora_name": "plum-v9", "lora_path": "/etc"}
        assert (await client.post(f"{house.url}/load_lora_adapter", json=load, headers=ann)).status_code == 403
        assert (await client.post(f"{house.url}/load_lora_adapter", json=load, headers=pub)).status_code == 400
        assert (
            await client.post(f"{house.url}/completions", json=ASKED | {"model": "no"}, headers=ann)
        ).status_code == 404
    assert house.used() == {"a"}


async def test_unloading_reaches_all(house: House, adapters: list[Path]) -> None:
    """As the versions that a publication leaves behind."""
    for name in ("a", "b"):
        house.start(name)
    await house.until(lambda: house.used() == {"a", "b"})
    folder = house.store.root / "side"
    shutil.copytree(adapters[0], folder)
    engine = house.engine()
    await engine.load("side", folder)
    assert await engine.models() == ("base", "side")
    assert sorted(await engine.replicas()) == ["a", "b"]
    await engine.unload("side")
    assert await engine.models() == ("base",)
    await engine.close()
    assert all(one.names == {"base"} for one in house.rotation.used())

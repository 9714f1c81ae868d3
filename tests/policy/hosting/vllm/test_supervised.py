"""vLLM behind our address, with a stand-in that takes its arguments and speaks its protocol."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import textwrap
from pathlib import Path

import httpx
import pytest

from plum_lsp.config.folder import keys_file, versions_folder
from plum_lsp.policy.hosting.front.keys import Key, add_key
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState, read_state
from plum_lsp.policy.hosting.vllm.supervisor import VllmSupervisor
from plum_lsp.policy.models.weights import BaseModel
from plum_lsp.policy.versions.folders import VersionStore

pytestmark = pytest.mark.slow

SERVER = """
    import argparse, os, pathlib, time
    from support.scripted_policy import ScriptedPolicy
    parser = argparse.ArgumentParser()
    for name in ("--model", "--served-model-name", "--host"):
        parser.add_argument(name, required=True)
    parser.add_argument("--port", type=int, required=True)
    options, _ = parser.parse_known_args()
    assert options.host == "127.0.0.1"
    policy = ScriptedPolicy(model=options.served_model_name, api_key=os.environ["VLLM_API_KEY"], port=options.port)
    policy.will_complete("    return a + b\\n")
    policy.start()
    part = pathlib.Path(options.model) / "pid.part"
    part.write_text(str(os.getpid()))
    part.replace(part.with_name("pid"))
    time.sleep(600)
"""
ASKED = {"model": "base", "prompt": "def", "max_tokens": 9}


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VllmSupervisor:
    """A supervisor whose vLLM is the stand-in."""
    package = tmp_path / "packages" / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for level in (package, package.parent, package.parent.parent):
        (level / "__init__.py").touch()
    (package / "api_server.py").write_text(textwrap.dedent(SERVER))
    tests = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "packages"), tests)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return VllmSupervisor(
        options=ServeOptions(model=tmp_path, name="base", host="127.0.0.1", port=port),
        base=BaseModel(name="base", sha256="0" * 64, shapes={}),
        store=VersionStore(versions_folder(tmp_path)),
        data_dir=tmp_path,
        tell=lambda line: None,
        progress=lambda line: None,
        restart_seconds=(0.0,),
    )


async def ready(supervisor: VllmSupervisor, serving: asyncio.Task[None]) -> ServingState:
    """Where it serves, once it does."""
    while (state := read_state(supervisor.data_dir)) is None:
        assert not serving.done(), serving.result()
        await asyncio.sleep(0.02)
    return state


async def test_people_reach_vllm_through_our_address_only(supervisor: VllmSupervisor) -> None:
    """With their keys there; none of these opens vLLM's own address."""
    serving = asyncio.create_task(supervisor.run())
    state = await ready(supervisor, serving)
    ann = add_key(keys_file(supervisor.data_dir), Key(name="ann", sha256=""))
    inside = f"http://127.0.0.1:{supervisor.engine_port}/v1"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

        async def status(url: str, key: str) -> int:
            headers = {"Authorization": f"Bearer {key}"}
            return (await client.post(f"{url}/completions", json=ASKED, headers=headers)).status_code

        assert [await status(state.url, key) for key in (state.api_key, ann, "wrong")] == [200, 200, 401]
        assert [await status(inside, key) for key in (state.api_key, ann, "wrong")] == [401, 401, 401]
    serving.cancel()
    await asyncio.wait([serving])
    assert read_state(supervisor.data_dir) is None


async def test_the_address_stays_while_vllm_is_started_again(supervisor: VllmSupervisor) -> None:
    """Requests meanwhile get 503, no broken connection."""
    serving = asyncio.create_task(supervisor.run())
    state = await ready(supervisor, serving)
    headers = {"Authorization": f"Bearer {state.api_key}"}
    pid = int((supervisor.options.model / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as client:
        seen: list[int] = []
        while int((supervisor.options.model / "pid").read_text()) == pid or seen[-1:] != [200]:
            seen.append((await client.post(f"{state.url}/completions", json=ASKED)).status_code)
    assert set(seen) <= {200, 503}
    serving.cancel()
    await asyncio.wait([serving])

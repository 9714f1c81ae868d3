"""The address in front of llama.cpp: keys, names, limits, hang-ups and engines that die. Engines are scripted here.

The real ones are in `tests/e2e/serving`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from support.scripted_policy import ScriptedPolicy

from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.hosting.front.gate import Gate
from plum_lsp.policy.hosting.front.keys import Key, KeyBook, add_key
from plum_lsp.policy.hosting.http_server import BODY_BYTES_MAX, serve_http
from plum_lsp.policy.hosting.llama.front import LlamaFront

KEY = {"Authorization": "Bearer key"}
ASKED = {"model": "base", "prompt": "def", "max_tokens": 9, "stream": True}


class ScriptedPool:
    """The pool's doors, with a scripted server as every engine."""

    base_name = "base"

    def __init__(self, engine: ScriptedPolicy) -> None:
        self.engine = engine
        self.leases = 0
        self.refusal = ""
        self.is_reborn = False

    def names(self) -> tuple[str, ...]:
        """What may be asked for."""
        return ("base", "plum-v1")

    def backends(self) -> tuple[SimpleNamespace, ...]:
        """No figures of engines."""
        return (SimpleNamespace(name="base", in_flight=self.leases, process=None, is_alive=False),)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[SimpleNamespace]:
        """The engine of a name."""
        if name not in self.names():
            raise LookupError(name)
        if self.refusal:
            raise PolicyUnavailable(self.refusal)
        self.leases += 1
        yield SimpleNamespace(url=self.engine.base_url, api_key=self.engine.api_key)

    async def is_worth_another_try(self, name: str) -> bool:
        """Whether the engine has died and starts again."""
        return self.is_reborn

    async def load(self, name: str, folder: object) -> None:
        """Nothing can be loaded."""
        raise AdapterError("it is truncated")

    async def unload(self, name: str) -> bool:
        """Only one version is there."""
        return name == "plum-v1"


@pytest.fixture
async def pool() -> AsyncIterator[ScriptedPool]:
    """A pool whose engines are one scripted server."""
    with ScriptedPolicy() as engine:
        engine.will_complete("    return a\n")
        yield ScriptedPool(engine)


@pytest.fixture
async def client(pool: ScriptedPool, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the front that has the key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gate = Gate(KeyBook(tmp_path / "keys.json", owner_key="key"), capacity=0, context_tokens=4096)
    front = LlamaFront(pool, gate)  # type: ignore[arg-type]
    async with (
        serve_http(front.handle, admit=gate.admit, host="127.0.0.1", port=port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=KEY, trust_env=False, timeout=20) as client,
    ):
        yield client
    await front.close()


async def test_completions_are_passed_on_whole(pool: ScriptedPool, client: httpx.AsyncClient) -> None:
    """The stream and the request arrive byte for byte; the engine's own key is used for it."""
    response = await client.post("/v1/completions", json=ASKED)
    assert response.status_code == 200
    assert response.text.endswith("data: [DONE]\n\n")
    assert pool.engine.completions[0].payload == ASKED
    assert pool.engine.completions[0].is_authorized


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/v1/completions", "/v1/load_lora_adapter", "/nothing"])
@pytest.mark.parametrize("key", ["Bearer wrong", "", "key"])
async def test_nothing_without_the_key(pool: ScriptedPool, client: httpx.AsyncClient, path: str, key: str) -> None:
    """Only /health answers without; what is asked then reaches no engine."""
    response = await client.request("POST", path, json=ASKED, headers={"Authorization": key})
    assert response.status_code == 401
    assert pool.engine.requests == []
    assert (await client.get("/health", headers={"Authorization": key})).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v1/completions", b'{"model": "other"}', 404, "'other' does not exist"),
        ("/v1/completions", b"[]", 400, "no JSON object"),
        ("/v1/completions", b"\xff{", 400, "no JSON object"),
        ("/v1/load_lora_adapter", b"{}", 400, "are needed"),
        ("/v1/load_lora_adapter", b'{"lora_name": "../x", "lora_path": "/y"}', 400, "are needed"),
        ("/v1/load_lora_adapter", b'{"lora_name": "x", "lora_path": "/y"}', 400, "it is truncated"),
        ("/v1/unload_lora_adapter", b'{"lora_name": "x"}', 404, "is not loaded"),
        ("/v1/unload_lora_adapter", b'{"lora_name": "plum-v1"}', 200, "unloaded"),
        ("/v1/sleep", b"{}", 404, "there is no POST"),
    ],
)
async def test_answers_to_what_cannot_be(
    client: httpx.AsyncClient, path: str, body: bytes, status: int, said: str
) -> None:
    """Each wrong request has its status and reason."""
    response = await client.post(path, content=body)
    assert (response.status_code, said in response.text) == (status, True), response.text


async def test_request_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    """Before it is read whole."""
    response = await client.post("/v1/completions", content=b" " * (BODY_BYTES_MAX + 1))
    assert response.status_code == 413


async def test_what_is_no_http_is_answered_and_dropped(client: httpx.AsyncClient) -> None:
    """Noise at the port harms nobody."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(b"\x16\x03\x01 what is this\r\n\r\n")
    assert b"400" in await reader.read()
    writer.close()
    await writer.wait_closed()
    assert (await client.get("/v1/models")).json()["data"][1] == {
        "id": "plum-v1",
        "object": "model",
        "owned_by": "plum-lsp",
        "parent": "base",
    }


async def test_hang_up_reaches_the_engine(pool: ScriptedPool, client: httpx.AsyncClient) -> None:
    """A client that leaves ends the request in the engine, too."""
    pool.engine.forget()
    pool.engine.will_hang("    x")
    async with client.stream("POST", "/v1/completions", json=ASKED) as response:
        await anext(response.aiter_raw())
    assert await asyncio.to_thread(pool.engine.wait_until_idle)
    assert pool.engine.closed_early == 1


@pytest.mark.parametrize(("is_reborn", "status"), [(True, 200), (False, 503)])
async def test_engine_that_dies_before_its_first_word(
    pool: ScriptedPool, client: httpx.AsyncClient, is_reborn: bool, status: int
) -> None:
    """The request is sent again to the engine that takes its place; an engine that lives on is not asked twice."""
    gone = ScriptedPolicy().start()
    gone.stop()
    there, pool.engine, pool.is_reborn = pool.engine, gone, is_reborn
    answering = asyncio.create_task(client.post("/v1/completions", json=ASKED))
    while not pool.leases:
        await asyncio.sleep(0)
    pool.engine = there
    response = await answering
    assert response.status_code == status, response.text
    assert pool.leases == 1 + is_reborn


async def test_engine_that_breaks_off_breaks_off_the_stream(pool: ScriptedPool, client: httpx.AsyncClient) -> None:
    """Half a completion does not look like a whole one."""
    pool.engine.forget()
    pool.engine.will_disconnect("    return")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/v1/completions", json=ASKED)


async def test_engine_that_does_not_start_is_told(pool: ScriptedPool, client: httpx.AsyncClient) -> None:
    """503 with the reason, which clients take for a failure that may pass."""
    pool.refusal = "base did not start and is tried again in 5 s"
    response = await client.post("/v1/completions", json=ASKED)
    assert (response.status_code, "tried again" in response.text) == (503, True)
    assert "plum_requests" in (await client.get("/metrics")).text


async def test_the_engines_figures_are_for_those_who_watch(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """They show the use of all. An ordinary key sees its own."""
    found = {}
    for name in ("ann", "eye"):
        key = add_key(tmp_path / "keys.json", Key(name=name, sha256="", can_watch=name == "eye"))
        found[name] = (await client.get("/metrics", headers={"Authorization": f"Bearer {key}"})).text
    assert "plum_requests" in found["eye"]
    assert "plum_requests" not in found["ann"]
    assert 'plum_key_requests_total{key="ann"} 0' in found["ann"]

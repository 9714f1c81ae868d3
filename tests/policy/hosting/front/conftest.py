"""The real front of vLLM over loopback, with people's keys, before a scripted engine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support.scripted_policy import ScriptedPolicy

from plum_lsp.config.folder import keys_file, versions_folder
from plum_lsp.policy.hosting.front.keys import Key, add_key, revoke_key
from plum_lsp.policy.hosting.front.limits import Person
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.serving import ServeOptions
from plum_lsp.policy.hosting.vllm.front import VllmFront

OWNER_KEY = "owner-key"
CONTEXT_TOKENS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A front that listens. `keys` has the text of each person's key."""

    data_dir: Path
    port: int
    engine: ScriptedPolicy
    front: VllmFront
    keys: dict[str, str]

    def add(self, name: str, **wanted: int | bool) -> str:
        """Give someone a key while the server runs."""
        self.keys[name] = add_key(keys_file(self.data_dir), Key(name=name, sha256="", **wanted))  # type: ignore[arg-type]
        return self.keys[name]

    def revoke(self, name: str) -> None:
        """Take the key away while the server runs."""
        revoke_key(keys_file(self.data_dir), name)

    def client(self, key: str) -> httpx.AsyncClient:
        """A person's HTTP client."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
            timeout=60,
            limits=httpx.Limits(max_connections=None),
        )

    async def person(self, name: str) -> Person:
        """What the gate knows of someone, as soon as a request of theirs has come."""
        while True:
            for person in self.front.gate.people():
                if person.key.name == name:
                    return person
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def slow(self, start: bytes) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
        """A connection that sends the beginning of a request and then nothing; the answer to it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(start)
        yield reader.read
        writer.close()

    async def raw(self, *parts: bytes) -> bytes:
        """The answer to bytes; what the server no longer takes is not sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = b""
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(60):
                answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture
def engine() -> Iterator[ScriptedPolicy]:
    """An engine that lists a version, and one under proof."""
    with ScriptedPolicy(model="base", api_key="engine-key") as engine:
        engine.models += [{"id": "plum-v1", "object": "model"}, {"id": "probe-9", "object": "model"}]
        engine.will_complete("    return a\n")
        yield engine


@pytest.fixture
async def door(engine: ScriptedPolicy, tmp_path: Path) -> AsyncIterator[Door]:
    """The front, with keys for ann (ordinary), pub (may publish) and gone (revoked)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (versions_folder(tmp_path) / "3").mkdir(parents=True)
    front = VllmFront(
        gate_of(tmp_path, OWNER_KEY, capacity=4, context_tokens=CONTEXT_TOKENS),
        root=engine.base_url,
        engine_key="engine-key",
        base_name="base",
        versions=versions_folder(tmp_path),
    )
    options = ServeOptions(model=tmp_path, name="base", port=port)
    made = Door(data_dir=tmp_path, port=port, engine=engine, front=front, keys={"owner": OWNER_KEY})
    made.add("ann")
    made.add("pub", can_publish=True)
    made.add("gone")
    made.revoke("gone")
    async with listening(front, options):
        yield made

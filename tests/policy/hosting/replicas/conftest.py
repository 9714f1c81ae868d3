"""The real front of replicas over loopback, before scripted replicas that are processes of their own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from policy.versions.test_publish import BASE as TINY
from policy.versions.test_publish import write_adapter
from support.scripted_replica import BASE, KEY, scripted_replica

from plum_lsp.config.folder import keys_file, versions_folder
from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.hosting.adapters import VllmEngine
from plum_lsp.policy.hosting.front.keys import Key, add_key
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.replicas.front import ReplicaFront
from plum_lsp.policy.hosting.replicas.rotation import Reach, Rotation
from plum_lsp.policy.hosting.serving import ServeOptions, served_url
from plum_lsp.policy.hosting.vllm.child import free_port
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import Publication, publish

OWNER_KEY = "owner-key"


@dataclass(kw_only=True)
class House:
    """A front, its replicas by name, and what was told."""

    data_dir: Path
    url: str
    rotation: Rotation
    told: list[str]
    processes: ExitStack
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def store(self) -> VersionStore:
        """The versions."""
        return VersionStore(versions_folder(self.data_dir))

    def start(self, name: str, *arguments: str) -> None:
        """Start a replica, or start it again at its port."""
        port = self.ports.setdefault(name, free_port())
        replica = scripted_replica(self.store.root, *arguments, port=port)
        self.running[name] = self.processes.enter_context(replica)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def key(self, name: str, *, can_publish: bool = False) -> str:
        """A key for a person."""
        return add_key(keys_file(self.data_dir), Key(name=name, sha256="", can_publish=can_publish))

    def used(self) -> set[str]:
        """The replicas in use."""
        return {one.name for one in self.rotation.used()}

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something holds."""
        while not is_so():
            await asyncio.sleep(0.01)

    def engine(self, key: str = OWNER_KEY) -> VllmEngine:
        """The client of a publication."""
        return VllmEngine(self.url, Connection(api_key=key))

    async def publish(self, adapter: Path) -> Publication:
        """Publish to all replicas."""
        engine = self.engine()
        try:
            return await publish(adapter, store=self.store, engine=engine, base=TINY)
        finally:
            await engine.close()


@pytest.fixture
def adapters(tmp_path: Path) -> list[Path]:
    """Two adapters."""
    return [write_adapter(tmp_path / f"adapter-{fill}", fill=fill) for fill in (1, 2)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A front in front of replicas that a test starts."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    told: list[str] = []
    with ExitStack() as processes:
        options = ServeOptions(model=tmp_path, name=BASE, port=free_port())
        gate = gate_of(data_dir, OWNER_KEY, capacity=32, context_tokens=1000)
        rotation = Rotation(
            base_name=BASE,
            model_sha256=TINY.sha256,
            store=VersionStore(versions_folder(data_dir)),
            sources=lambda: {
                name: Reach(root=f"http://127.0.0.1:{port}", key=KEY) for name, port in made.ports.items()
            },
            tell=told.append,
            look_seconds=0.05,
        )
        made = House(data_dir=data_dir, url=served_url(options), rotation=rotation, told=told, processes=processes)
        async with listening(ReplicaFront(gate, rotation, versions=made.store.root), options):
            following = asyncio.create_task(rotation.follow())
            yield made
            following.cancel()
            await asyncio.wait([following])
            assert following.cancelled(), following.exception()

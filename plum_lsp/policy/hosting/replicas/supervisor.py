"""Serves several replicas at one address: starts those of this machine, follows all, and opens the front.

The replicas unload retired versions themselves, as every `policy serve` does.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plum_lsp.config.folder import replicas_file
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.replicas.addresses import read_addresses
from plum_lsp.policy.hosting.replicas.front import ReplicaFront
from plum_lsp.policy.hosting.replicas.local import LocalReplicas
from plum_lsp.policy.hosting.replicas.rotation import Reach, Rotation
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState, forget_state, served_url, write_state
from plum_lsp.policy.models.weights import BaseModel
from plum_lsp.policy.versions.folders import VersionStore


@dataclass(slots=True, kw_only=True)
class ReplicaSupervisor:
    """One address and its replicas, whose engine is called `engine` and takes `turns` requests at once."""

    options: ServeOptions
    base: BaseModel
    store: VersionStore
    data_dir: Path
    engine: str
    turns: int
    local: LocalReplicas
    tell: Callable[[str], None]
    progress: Callable[[str], None]
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            PolicyUnavailable: a replica of this machine did not start, or the address is taken.
        """
        gate = gate_of(self.data_dir, self.api_key, capacity=self.turns, context_tokens=self.options.context_tokens)
        rotation = Rotation(
            base_name=self.base.name,
            model_sha256=self.base.sha256,
            store=self.store,
            sources=self._sources,
            tell=self.tell,
            changed=lambda count: gate.resize(self.turns * max(1, count)),
        )

        def has_served(name: str) -> bool:
            return any(one.has_served for one in rotation.all() if one.name == name)

        try:
            async with listening(ReplicaFront(gate, rotation, versions=self.store.root), self.options):
                parts = [
                    asyncio.create_task(self.local.run(has_served=has_served)),
                    asyncio.create_task(rotation.follow()),
                    asyncio.create_task(self._announce(rotation)),
                ]
                try:
                    await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                    next(part for part in parts if part.done()).result()
                finally:
                    for part in parts:
                        part.cancel()
                    await asyncio.gather(*parts, return_exceptions=True)
        finally:
            forget_state(self.data_dir)

    async def _announce(self, rotation: Rotation) -> None:
        """Tell editors where the server is, as soon as there is a replica."""
        started = time.monotonic()
        while not rotation.used():
            self.progress(f"{time.monotonic() - started:4.0f} s  waiting for the first replica")
            await asyncio.sleep(0.2)
        write_state(self.data_dir, self._state())
        self.tell(f"ready after {time.monotonic() - started:.1f} s at {self._state().url}")
        await asyncio.Event().wait()

    def _sources(self) -> Mapping[str, Reach | None]:
        addresses = read_addresses(replicas_file(self.data_dir))
        return {**self.local.reaches(), **{one.name: Reach(root=one.root, key=one.key) for one in addresses}}

    def _state(self) -> ServingState:
        return ServingState(
            url=served_url(self.options),
            api_key=self.api_key,
            engine=self.engine,
            model=self.base.name,
            model_path=str(self.options.model),
            model_sha256=self.base.sha256,
            lora_rank=self.options.lora_rank,
            pid=os.getpid(),
        )

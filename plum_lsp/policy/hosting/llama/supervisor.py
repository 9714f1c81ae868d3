"""Serves llama.cpp to every editor of a user, as `vllm.supervisor` does vLLM: one address, key and list of versions.

`pool` owns the engine processes and holds requests while one starts. `front` is the HTTP side.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from plum_lsp.domain.errors import PlumError, PolicyUnavailable
from plum_lsp.policy.hosting.adapters import LlamaServed
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.launch import LaunchOptions, ServedModel
from plum_lsp.policy.hosting.llama.front import LlamaFront
from plum_lsp.policy.hosting.llama.pool import LlamaPool
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP, llama_settings
from plum_lsp.policy.hosting.serving import ServeOptions, ServingState, forget_state, served_url, write_state
from plum_lsp.policy.models.catalogue import entry_like
from plum_lsp.policy.models.weights import BaseModel
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import GRACE_SECONDS, HOUSEKEEPING_SECONDS, retire


@dataclass(slots=True, kw_only=True)
class LlamaSupervisor:
    """One address and its engines. `tell` shows a line to the user. `progress` shows a line that is overwritten."""

    options: ServeOptions
    base: BaseModel
    store: VersionStore
    data_dir: Path
    tell: Callable[[str], None]
    progress: Callable[[str], None]
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    grace_seconds: float = GRACE_SECONDS

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            PolicyUnavailable: the first start failed, or the address is taken.
        """
        for setting in llama_settings(self.options, active=self.store.active()):
            self.tell(f"  {setting}\n      {setting.reason}")
        pool = self._pool()
        options = self.options
        front = LlamaFront(
            pool,
            gate_of(self.data_dir, self.api_key, capacity=options.slots, context_tokens=options.context_tokens),
        )
        started = time.monotonic()
        try:
            async with listening(front, options):
                await self._start(pool)
                write_state(self.data_dir, self._state())
                self.tell(f"ready after {time.monotonic() - started:.1f} s at {self._state().url}")
                await self._keep_house(pool)
        finally:
            forget_state(self.data_dir)
            await asyncio.shield(pool.close())

    async def _start(self, pool: LlamaPool) -> None:
        """Start the active version. If its adapter does not load, the base model serves."""
        self.progress("loading the model")
        try:
            await pool.start()
        except PlumError as error:
            if self.store.active() is None:
                raise PolicyUnavailable(str(error), remedy=error.remedy) from error
            raise PolicyUnavailable(str(error), remedy="Run: plum-lsp policy rollback VERSION") from error

    async def _keep_house(self, pool: LlamaPool) -> None:
        """Unload retired versions and start what died, for ever."""
        engine = LlamaServed(self._state().url, self._state().connection())
        last = ""
        try:
            while True:
                try:
                    await pool.keep_house()
                    for name in await retire(self.store, engine, grace_seconds=self.grace_seconds):
                        self.tell(f"unloaded {name}")
                    last = ""
                except PlumError as error:
                    if isinstance(error, PolicyUnavailable) and str(error) != last:
                        self.tell(str(error))
                        last = str(error)
                await asyncio.sleep(HOUSEKEEPING_SECONDS)
        finally:
            await engine.close()

    def _pool(self) -> LlamaPool:
        base = self.base
        model = ServedModel(
            name=base.name,
            path=self.options.model,
            engine=LLAMA_CPP,
            sha256=base.sha256,
            entry=entry_like(base.name, sha256=base.sha256),
        )
        wanted = LaunchOptions(
            threads=self.options.threads, slots=self.options.slots, context_tokens=self.options.context_tokens
        )
        return LlamaPool(model, base, self.store, options=wanted, rank_max=self.options.lora_rank, tell=self.tell)

    def _state(self) -> ServingState:
        return ServingState(
            url=served_url(self.options),
            api_key=self.api_key,
            engine=LLAMA_CPP.name,
            model=self.base.name,
            model_path=str(self.options.model),
            model_sha256=self.base.sha256,
            lora_rank=self.options.lora_rank,
            pid=os.getpid(),
        )

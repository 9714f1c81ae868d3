"""llama.cpp for many clients: one engine process for each policy version that is in use, behind one list of names.

llama.cpp takes an adapter at its start only. A new version is therefore a new process, started beside the one that
serves. A request for a version whose process is starting, or restarting after it died, waits until the process answers.
A request ends on the version it began with. An unused process is ended. `front` is the HTTP side.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from plum_lsp.config.folder import gguf_folder
from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.hosting.launch import LaunchOptions, PolicyProcess, ServedModel, launch
from plum_lsp.policy.hosting.llama.adapter import gguf_adapter
from plum_lsp.policy.models.weights import BaseModel, check_fit, read_adapter
from plum_lsp.policy.versions.folders import VersionStore
from plum_lsp.policy.versions.publish import PROBE_PREFIX

logger = logging.getLogger(__name__)

IDLE_SECONDS = 30.0
"""How long a process that is not the active version's is kept without a request."""
DEATH_SECONDS = 0.5
"""A broken connection is noticed before the death of the process behind it. After this time the process counts as
alive."""
RESTART_SECONDS = (0.0, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Least time between the starts of one version's process, by how many failed in a row."""


@dataclass(slots=True)
class Backend:
    """One version and its process, if that runs. `in_flight` counts requests. `last_used` is monotonic."""

    name: str
    adapter: Path | None
    process: PolicyProcess | None = None
    in_flight: int = 0
    last_used: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs, as far as is known."""
        return self.process is not None and self.process.is_alive

    async def has_died(self) -> bool:
        """Whether its process has ended, or does within a moment."""
        if self.process is None:
            return True
        try:
            async with asyncio.timeout(DEATH_SECONDS):
                await self.process.wait()
        except TimeoutError:
            return False
        return True


class LlamaPool:
    """The versions that llama.cpp serves. Belongs to one event loop."""

    def __init__(
        self,
        model: ServedModel,
        base: BaseModel,
        store: VersionStore,
        *,
        options: LaunchOptions,
        rank_max: int,
        tell: Callable[[str], None] = logger.info,
    ) -> None:
        """The processes start later."""
        self._model, self._base, self._store = model, base, store
        self._options = replace(options, idle_seconds=0.0)
        self._rank_max = rank_max
        self._tell = tell
        self._backends = {model.name: Backend(model.name, None)}

    @property
    def base_name(self) -> str:
        """The base model's name."""
        return self._model.name

    def names(self) -> tuple[str, ...]:
        """What may be asked for, the base model first."""
        return tuple(self._backends)

    def backends(self) -> tuple[Backend, ...]:
        """Every version, whether its process runs or not."""
        return tuple(self._backends.values())

    async def start(self) -> None:
        """Start what will be asked for: the active version, or else the base model.

        Raises:
            PolicyUnavailable: it does not start.
        """
        active = self._store.active()
        if active is not None and active.model_sha256 == self._model.sha256:
            await self.load(active.name, active.folder)
        else:
            await self._ready(self._backends[self.base_name])

    async def load(self, name: str, folder: Path) -> None:
        """Convert an adapter and start a process with it. The version is listed only after that.

        Raises:
            AdapterError: it does not fit, cannot be converted, or llama.cpp refuses it.
        """
        if name in self._backends:
            raise AdapterError(f"{name} is loaded already")
        try:
            await asyncio.to_thread(self._check, folder)
            path = await asyncio.to_thread(
                gguf_adapter, folder, base=self._model.path, cache=gguf_folder(self._store.root)
            )
            backend = Backend(name, path)
            await self._ready(backend)
        except (PolicyUnavailable, OSError) as error:
            raise AdapterError(f"{self._model.engine.title} refused the adapter: {error}") from error
        self._backends[name] = backend

    async def unload(self, name: str) -> bool:
        """End a version's process and forget the name. False if there is none, or if it is the base model's."""
        backend = self._backends.pop(name, None) if name != self.base_name else None
        if backend is None:
            return False
        await self._end(backend)
        if backend.adapter is not None and name.startswith(PROBE_PREFIX):
            backend.adapter.unlink(missing_ok=True)
        return True

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[PolicyProcess]:
        """The process for a name, for one request. Waits until the process is ready.

        Raises:
            LookupError: there is no such name.
            PolicyUnavailable: it does not start.
        """
        backend = self._backends[name]
        backend.in_flight += 1
        try:
            yield await self._ready(backend)
        finally:
            backend.in_flight -= 1
            backend.last_used = time.monotonic()

    async def is_worth_another_try(self, name: str) -> bool:
        """Whether a request that lost its connection should be sent again: its process died, and starts again.

        A probe's does not: an adapter under which the engine dies is not to be published.
        """
        backend = self._backends.get(name)
        return backend is not None and not name.startswith(PROBE_PREFIX) and await backend.has_died()

    async def keep_house(self) -> None:
        """End unused processes. Restart the active version's process if it died."""
        active = self._store.active()
        name = active.name if active and active.name in self._backends else self.base_name
        if not self._backends[name].is_alive:
            await self._ready(self._backends[name])
        for backend in self.backends():
            if backend.name.startswith(PROBE_PREFIX):
                continue  # it may wait for other replicas. The publication unloads it, or `retire` after a crash
            is_idle = not backend.in_flight and time.monotonic() - backend.last_used > IDLE_SECONDS
            if backend.name != name and backend.is_alive and is_idle:
                await self._end(backend)

    async def close(self) -> None:
        """End every process."""
        await asyncio.gather(*(self._end(backend) for backend in self.backends()))

    def _check(self, folder: Path) -> None:
        if folder.resolve().parent != self._store.root.resolve():
            raise AdapterError(f"{folder} is not in {self._store.root}")
        check_fit(read_adapter(folder), self._base, rank_max=self._rank_max)

    async def _ready(self, backend: Backend) -> PolicyProcess:
        """The version's process, started if it does not run. All requests wait for the same start."""
        async with backend.starting:
            if backend.process is not None and backend.process.is_alive:
                return backend.process
            if backend.name.startswith(PROBE_PREFIX) and backend.name in self._backends:
                raise PolicyUnavailable(f"the engine of {backend.name} has ended")
            if backend.process is not None:
                self._tell(f"the engine of {backend.name} ended and is started again")
                await self._end(backend)
            rest = RESTART_SECONDS[min(backend.failures, len(RESTART_SECONDS) - 1)]
            if (left := backend.failed_at + rest - time.monotonic()) > 0 and backend.failures:
                raise PolicyUnavailable(f"{backend.name} did not start and is tried again in {left:.0f} s")
            wanted = replace(self._options, adapter=backend.adapter)
            try:
                backend.process = await launch(replace(self._model, name=backend.name), wanted)
            except PolicyUnavailable:
                backend.failures, backend.failed_at = backend.failures + 1, time.monotonic()
                raise
            backend.failures, backend.last_used = 0, time.monotonic()
            return backend.process

    async def _end(self, backend: Backend) -> None:
        process, backend.process = backend.process, None
        if process is not None:
            await process.close()

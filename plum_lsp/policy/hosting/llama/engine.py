"""Publishing for llama.cpp, which takes adapters at its start only: each adapter is proved in a server of its own.

The servers that editors use are not touched here. They see the pointer move, finish what they have in flight, and
start again with the new adapter while new requests are held (`hosting.embedded_policy`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from plum_lsp.config.folder import gguf_folder
from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.hosting.adapters import VllmEngine
from plum_lsp.policy.hosting.launch import LaunchOptions, PolicyProcess, ServedModel, launch
from plum_lsp.policy.hosting.llama.adapter import gguf_adapter
from plum_lsp.policy.hosting.llama.settings import LLAMA_CPP
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.models.catalogue import identify
from plum_lsp.policy.versions.engines import Engine, Sampled


class LlamaEngine:
    """The `Engine` of a model in a GGUF file: a server for each adapter, started when it is asked something."""

    def __init__(self, path: Path, options: PolicyOptions, *, name: str) -> None:
        """The processes start later. `path` is the base model's file and `name` what it is called in requests."""
        self._path = path
        self._name = name
        self._options = options
        self._adapters: dict[str, Path] = {}
        self._running: dict[str, tuple[PolicyProcess, VllmEngine]] = {}
        self._starting = asyncio.Lock()

    async def close(self) -> None:
        """End every server."""
        for name in list(self._running):
            await self._end(name)

    async def models(self) -> tuple[str, ...]:
        """The base model and the adapters loaded by us."""
        return (self._name, *self._adapters)

    async def load(self, name: str, folder: Path) -> None:
        """Convert an adapter and start a server with it.

        Raises:
            AdapterError: it cannot be converted or llama.cpp refuses it.
        """
        path = gguf_adapter(folder, base=self._path, cache=gguf_folder(folder.parent))
        self._adapters[name] = path
        try:
            await self._start(name)
        except PolicyUnavailable as error:
            del self._adapters[name]
            raise AdapterError(f"llama.cpp refused the adapter: {error}") from error

    async def unload(self, name: str) -> None:
        """End its server."""
        path = self._adapters.pop(name, None)
        await self._end(name)
        if path is not None and path.name.startswith("."):
            path.unlink(missing_ok=True)  # a probe's

    async def complete(self, name: str, prompt: str, *, tokens: int) -> Sampled:
        """Write greedily."""
        return await (await self._start(name)).complete(name, prompt, tokens=tokens)

    async def busy(self) -> frozenset[str]:
        """None, because only plum-lsp uses these servers."""
        return frozenset()

    async def replicas(self) -> Mapping[str, Engine]:
        """Itself."""
        return {"": self}

    async def _start(self, name: str) -> VllmEngine:
        async with self._starting:
            if name not in self._running:
                await self._launch(name)
        return self._running[name][1]

    async def _launch(self, name: str) -> None:
        path = self._path
        found = identify(path, cache_dir=self._options.cache_dir)
        model = ServedModel(name=name, path=path, engine=LLAMA_CPP, sha256=found.sha256, entry=found.entry)
        wanted = LaunchOptions(threads=self._options.threads, adapter=self._adapters.get(name))
        process = await launch(model, wanted)
        self._running[name] = process, VllmEngine(f"{process.url}/v1", Connection(api_key=process.api_key))

    async def _end(self, name: str) -> None:
        process, engine = self._running.pop(name, (None, None))
        if engine is not None:
            await engine.close()
        if process is not None:
            await process.close()

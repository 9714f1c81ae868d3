"""The address in front of llama.cpp's processes, one for each version. A request waits while its process starts.

Clients and publications therefore use llama.cpp in the same way as vLLM.
"""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.hosting.front.front import METRICS_SECONDS, Front, unknown
from plum_lsp.policy.hosting.front.gate import Gate
from plum_lsp.policy.hosting.front.limits import Person
from plum_lsp.policy.hosting.front.tokens import Written
from plum_lsp.policy.hosting.http_server import Refusal, Reply, Request
from plum_lsp.policy.hosting.launch import PolicyProcess
from plum_lsp.policy.hosting.llama.pool import LlamaPool

logger = logging.getLogger(__name__)


class LlamaFront(Front):
    """In front of the processes of a pool."""

    def __init__(self, pool: LlamaPool, gate: Gate) -> None:
        super().__init__(gate)
        self._pool = pool
        self._changing = asyncio.Lock()

    @property
    def base_name(self) -> str:
        """The name of the base model."""
        return self._pool.base_name

    async def _models(self) -> list[dict[str, Any]]:
        base = self._pool.base_name
        return [
            {"id": name, "object": "model", "owned_by": "plum-lsp", "parent": None if name == base else base}
            for name in self._pool.names()
        ]

    async def _pass_on(self, person: Person, name: str, request: Request, reply: Reply, written: Written) -> None:
        """Pass the request to the process of the named version.

        If the process dies before its first token, ask again.
        """
        for is_last in (False, True):
            try:
                async with self._pool.lease(name) as process, self.gate.turn(person):
                    await self._relay(process.url + request.head.path, process.api_key, request, reply, written)
                return
            except LookupError:
                raise unknown(name) from None
            except httpx.TransportError as error:
                if reply.has_begun or is_last or not await self._pool.is_worth_another_try(name):
                    raise PolicyUnavailable(f"the engine of {name} broke off: {type(error).__name__}") from error
                logger.info("asking the engine of %s again: %r", name, error)

    async def _load(self, name: str, path: Path, reply: Reply) -> None:
        try:
            async with self._changing:
                await self._pool.load(name, path)
        except AdapterError as error:
            raise Refusal(400, str(error)) from error
        await reply.whole(200, b'"loaded"')

    async def _unload(self, name: str, reply: Reply) -> None:
        if not await self._pool.unload(name):
            raise Refusal(404, f"the adapter {name[:80]!r} is not loaded")
        await reply.whole(200, b'"unloaded"')

    async def _metrics(self) -> list[str]:
        backends = list(self._pool.backends())
        lines = [f'plum_requests{{model="{one.name}"}} {one.in_flight}' for one in backends]
        for backend in backends:
            process = backend.process
            if process is not None and backend.is_alive:
                lines += [f'{name}{{model="{backend.name}"}} {value}' for name, value in await self._figures(process)]
        return lines

    async def _figures(self, process: PolicyProcess) -> list[tuple[str, str]]:
        """The engine's own metrics. Empty if a process does not answer."""
        try:
            response = await self._http.get(
                f"{process.url}/metrics",
                headers={"Authorization": f"Bearer {process.api_key}"},
                timeout=METRICS_SECONDS,
            )
        except httpx.TransportError:
            return []
        return re.findall(r"^(\w+:\w+) ([0-9.e+-]+)$", response.text, re.MULTILINE)

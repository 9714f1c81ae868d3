"""The address in front of vLLM, which itself listens on the loopback address only, with a key that no client has.

vLLM guards /v1 alone by its key. Here everything but /health needs one, and an adapter must be a published version or
one under proof, in the folder of the versions.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.hosting.front.front import METRICS_SECONDS, Front, is_plain, unknown
from plum_lsp.policy.hosting.front.gate import SLEEP, WAKE, Gate
from plum_lsp.policy.hosting.front.limits import Person
from plum_lsp.policy.hosting.front.tokens import Written
from plum_lsp.policy.hosting.http_server import Refusal, Reply, Request

TURNS = 32
"""Requests that vLLM gets at once. With eight choices each they fill a batch of 256, vLLM's own limit. More would only
wait there, in the order in which they came."""
LOAD_SECONDS = 120.0
"""As long as a client waits for an adapter."""
SLEEP_LEVEL = 1
"""Weights go to main memory, so that waking does not load them from the disk again."""


class VllmFront(Front):
    """In front of the vLLM at `root` (without `/v1`), whose key is `engine_key`."""

    def __init__(self, gate: Gate, *, root: str, engine_key: str, base_name: str, versions: Path) -> None:
        super().__init__(gate)
        self._root = root
        self._key = engine_key
        self._base_name = base_name
        self._versions = versions
        self._asked: Counter[str] = Counter()

    @property
    def base_name(self) -> str:
        """The name of the base model."""
        return self._base_name

    async def _health(self, reply: Reply) -> None:
        response = await self._ask("GET", "/health")
        await reply.whole(response.status_code, b"{}")

    async def _models(self) -> list[dict[str, Any]]:
        response = await self._ask("GET", "/v1/models")
        try:
            rows = response.json()["data"]
        except (ValueError, LookupError, TypeError):
            rows = None
        if not response.is_success or not isinstance(rows, list):
            raise PolicyUnavailable(f"vLLM does not list its models (status {response.status_code})")
        return [row for row in rows if isinstance(row, dict)]

    async def _pass_on(self, person: Person, name: str, request: Request, reply: Reply, written: Written) -> None:
        self._asked[name] += 1  # a version that is asked for is not unloaded
        try:
            async with self.gate.turn(person):
                await self._relay(self._root + request.head.path, self._key, request, reply, written)
        except httpx.TransportError as error:
            raise PolicyUnavailable(f"the engine of {name[:80]} broke off: {type(error).__name__}") from error
        finally:
            self._asked[name] -= 1
            self._asked += Counter()  # drops the zeros, so that made-up names do not stay

    async def _load(self, name: str, path: Path, reply: Reply) -> None:
        if name == self._base_name:
            raise Refusal(400, f"{name[:80]!r} is the base model")
        if not self._is_version(path):
            raise Refusal(400, f"the adapter is not in {self._versions}")
        await self._change("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(path)}, reply)

    def _is_version(self, path: Path) -> bool:
        return path.resolve().parent == self._versions.resolve()

    async def _unload(self, name: str, reply: Reply) -> None:
        if name == self._base_name or not is_plain(name):
            raise unknown(name)
        await self._change("/v1/unload_lora_adapter", {"lora_name": name}, reply)

    async def _other(self, person: Person, request: Request, reply: Reply) -> None:
        """vLLM's sleep mode, for a trainer that shares the GPU. `gate` let only those pass who may publish."""
        asked = request.head.method, request.head.path
        if asked not in (SLEEP, WAKE):
            await super()._other(person, request, reply)
        await self._change(f"/sleep?level={SLEEP_LEVEL}" if asked == SLEEP else asked[1], {}, reply)

    async def _change(self, path: str, body: dict[str, str], reply: Reply) -> None:
        response = await self._ask("POST", path, body)
        await reply.whole(response.status_code, response.content, response.headers.get("content-type", "text/plain"))

    async def _metrics(self) -> list[str]:
        own = [f'plum_requests{{model="{name}"}} {count}' for name, count in self._asked.items() if is_plain(name)]
        return [*own, *(await self._ask("GET", "/metrics")).text.splitlines()]

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._key}"}
        seconds = METRICS_SECONDS if method == "GET" else LOAD_SECONDS
        try:
            return await self._http.request(method, self._root + path, json=body, headers=headers, timeout=seconds)
        except httpx.TransportError as error:
            raise PolicyUnavailable(f"vLLM does not answer: {type(error).__name__}") from error

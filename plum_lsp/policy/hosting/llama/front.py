"""The one address in front of llama.cpp's processes: completions by a version's name, and vLLM's adapter endpoints.

    GET  /health                 200 while it serves
    GET  /v1/models              the base model, then the loaded versions
    POST /v1/completions         passed on to the process of the `model` named, and held while it starts
    POST /v1/load_lora_adapter   {lora_name, lora_path}. The answer comes when the adapter is ready
    POST /v1/unload_lora_adapter {lora_name}
    GET  /metrics                llama.cpp's own figures for each version, and the requests here

Clients and publications therefore use llama.cpp in the same way as vLLM. All paths except /health need the key.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.domain.errors import AdapterError, PolicyUnavailable
from plum_lsp.policy.client.connection import CONNECT_SECONDS
from plum_lsp.policy.hosting.http_server import BODY_BYTES_MAX, Head, Refusal, Reply, Request
from plum_lsp.policy.hosting.launch import PolicyProcess
from plum_lsp.policy.hosting.llama.pool import LlamaPool

logger = logging.getLogger(__name__)

METRICS_SECONDS = 5.0
"""Time limit for metrics. llama.cpp answers between two batches of a long prompt."""
_HEALTH = ("GET", "/health")
PASSED_ON = {"/v1/completions", "/v1/chat/completions", "/v1/embeddings"}


class LlamaFront:
    """The handler for `hosting.http_server`."""

    def __init__(self, pool: LlamaPool, api_key: str) -> None:
        self._pool = pool
        self._expected = f"Bearer {api_key}".encode()
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(trust_env=False, timeout=timeout, limits=httpx.Limits(max_connections=None))
        self._changing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections to the processes."""
        await self._http.aclose()

    def admit(self, head: Head) -> int:
        """How many bytes the body of a request may have. Without the key, only /health is allowed.

        Raises:
            Refusal: the key is wrong or missing.
        """
        if (head.method, head.path) == _HEALTH:
            return 0
        if not hmac.compare_digest(head.authorization.encode(), self._expected):
            raise Refusal(401, "the API key is wrong or missing")
        return BODY_BYTES_MAX

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request. Errors of plum-lsp become answers. Only a hang-up ends the request without one."""
        try:
            await self._route(request, reply)
        except Refusal as refusal:
            await reply.error(refusal.status, str(refusal))
        except PolicyUnavailable as error:
            if reply.has_begun:
                raise ConnectionAbortedError(str(error)) from error  # the client sees a stream that breaks off
            await reply.error(503, str(error))

    async def _route(self, request: Request, reply: Reply) -> None:
        head = request.head
        asked = head.method, head.path
        if asked == _HEALTH:
            await reply.whole(200, b"{}")
            return
        if asked == ("GET", "/v1/models"):
            await reply.whole(200, json.dumps(self._models()).encode())
        elif asked == ("GET", "/metrics"):
            await reply.whole(200, (await self._metrics()).encode(), "text/plain; version=0.0.4")
        elif head.method == "POST" and head.path in PASSED_ON:
            await self._pass_on(request, reply)
        elif asked == ("POST", "/v1/load_lora_adapter"):
            await self._load(request, reply)
        elif asked == ("POST", "/v1/unload_lora_adapter"):
            await self._unload(request, reply)
        else:
            raise Refusal(404, f"there is no {head.method} {head.path[:80]}")

    def _models(self) -> dict[str, Any]:
        base = self._pool.base_name
        rows = [
            {"id": name, "object": "model", "owned_by": "plum-lsp", "parent": None if name == base else base}
            for name in self._pool.names()
        ]
        return {"object": "list", "data": rows}

    async def _pass_on(self, request: Request, reply: Reply) -> None:
        """Pass the request to the process of the named version.

        If the process dies before its first token, ask again.
        """
        name = str(_fields(request).get("model") or self._pool.base_name)
        for is_last in (False, True):
            try:
                async with self._pool.lease(name) as process:
                    await self._relay(request, process, reply)
                return
            except LookupError:
                raise Refusal(404, f"the model {name[:80]!r} does not exist") from None
            except httpx.TransportError as error:
                if reply.has_begun or is_last or not await self._pool.is_worth_another_try(name):
                    raise PolicyUnavailable(f"the engine of {name} broke off: {type(error).__name__}") from error
                logger.info("asking the engine of %s again: %r", name, error)

    async def _relay(self, request: Request, process: PolicyProcess, reply: Reply) -> None:
        headers = {"Authorization": f"Bearer {process.api_key}", "Content-Type": "application/json"}
        url = process.url + request.head.path
        async with self._http.stream("POST", url, content=request.body, headers=headers) as response:
            chunks = response.aiter_raw()
            first = await anext(chunks, b"")  # an engine that dies while it reads the prompt has sent no token yet
            await reply.begin(response.status_code, response.headers.get("content-type", "application/json"))
            await reply.send(first)
            async for chunk in chunks:
                await reply.send(chunk)

    async def _load(self, request: Request, reply: Reply) -> None:
        fields = _fields(request)
        name, path = str(fields.get("lora_name") or ""), str(fields.get("lora_path") or "")
        if not re.fullmatch(r"[\w.-]{1,100}", name) or not path:
            raise Refusal(400, "lora_name and lora_path are needed")
        try:
            async with self._changing:
                await self._pool.load(name, Path(path))
        except AdapterError as error:
            raise Refusal(400, str(error)) from error
        await reply.whole(200, b'"loaded"')

    async def _unload(self, request: Request, reply: Reply) -> None:
        name = str(_fields(request).get("lora_name") or "")
        if not await self._pool.unload(name):
            raise Refusal(404, f"the adapter {name[:80]!r} is not loaded")
        await reply.whole(200, b'"unloaded"')

    async def _metrics(self) -> str:
        lines = [f'plum_requests{{model="{one.name}"}} {one.in_flight}' for one in self._pool.backends()]
        for backend in self._pool.backends():
            process = backend.process
            if process is not None and backend.is_alive:
                lines += [f'{name}{{model="{backend.name}"}} {value}' for name, value in await self._figures(process)]
        return "\n".join(lines) + "\n"

    async def _figures(self, process: PolicyProcess) -> list[tuple[str, str]]:
        """llama.cpp's own metrics. Empty if a process does not answer."""
        try:
            response = await self._http.get(
                f"{process.url}/metrics",
                headers={"Authorization": f"Bearer {process.api_key}"},
                timeout=METRICS_SECONDS,
            )
        except httpx.TransportError:
            return []
        return re.findall(r"^(llamacpp:\w+) ([0-9.e+-]+)$", response.text, re.MULTILINE)


def _fields(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        fields = json.loads(request.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal(400, "the request is no JSON object")
    return fields

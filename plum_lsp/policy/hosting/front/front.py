"""The one address in front of an engine: completions for people, vLLM's adapter endpoints for those who may publish.

    GET  /health                 200 while it serves. Needs no key
    GET  /v1/models              the base model, then the loaded versions
    POST /v1/completions         passed on to the engine of the `model` named
    POST /v1/load_lora_adapter   {lora_name, lora_path}. The answer comes when the adapter is ready
    POST /v1/unload_lora_adapter {lora_name}
    GET  /metrics                the engine's figures, and the use of each key

Paths are compared letter by letter, and a request to the engine is written anew, so that no spelling gets around a
check. A version under proof is hidden from people.
"""

from __future__ import annotations

import json
import logging
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.domain.errors import PolicyUnavailable
from plum_lsp.policy.client.connection import CONNECT_SECONDS
from plum_lsp.policy.hosting.front.gate import HEALTH, LOAD, UNLOAD, Gate, sees_all
from plum_lsp.policy.hosting.front.limits import Person
from plum_lsp.policy.hosting.front.tokens import Written
from plum_lsp.policy.hosting.http_server import Refusal, Reply, Request
from plum_lsp.policy.versions.publish import PROBE_PREFIX

logger = logging.getLogger(__name__)

METRICS_SECONDS = 5.0
"""Time limit for metrics. An engine may answer between two batches of a long prompt only."""
PASSED_ON = frozenset({"/v1/completions", "/v1/chat/completions", "/v1/embeddings"})


class EngineUnwell(httpx.TransportError):
    """The engine answered with a status that says that it cannot answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Front(ABC):
    """The handler for `hosting.http_server`."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        # An engine may close a connection that it has kept in the moment in which it is used again.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = httpx.AsyncClient(trust_env=False, timeout=timeout, limits=limits)

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self._http.aclose()

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request. Errors of plum-lsp become answers. Only a hang-up ends the request without one."""
        try:
            await self._route(request, reply)
        except Refusal as refusal:
            await reply.error(refusal)
        except PolicyUnavailable as error:
            if reply.has_begun:
                raise ConnectionAbortedError(str(error)) from error  # the client sees a stream that breaks off
            await reply.error(Refusal(503, str(error)))

    async def _route(self, request: Request, reply: Reply) -> None:
        asked = request.head.method, request.head.path
        if asked == HEALTH:
            await self._health(reply)
            return
        person = self.gate.person(request.head)
        if asked == ("GET", "/v1/models"):
            shown = [one for one in await self._models() if may_use(person, str(one.get("id")))]
            await reply.whole(200, json.dumps({"object": "list", "data": shown}).encode())
        elif asked == ("GET", "/metrics"):
            engines = await self._metrics() if sees_all(person) else []
            lines = [*engines, *self.gate.figures(person)]
            await reply.whole(200, ("\n".join(lines) + "\n").encode(), "text/plain; version=0.0.4")
        elif asked[0] == "POST" and asked[1] in PASSED_ON:
            await self._complete(person, request, reply)
        elif asked == LOAD:
            name, path = _adapter(request)
            await self._load(name, path, reply)
        elif asked == UNLOAD:
            await self._unload(str(fields_of(request).get("lora_name") or ""), reply)
        else:
            await self._other(person, request, reply)

    async def _complete(self, person: Person, request: Request, reply: Reply) -> None:
        fields = fields_of(request)
        name = str(fields.get("model") or self.base_name)
        if not may_use(person, name):
            raise unknown(name)
        async with self.gate.asking(person, request, fields) as written:
            await self._pass_on(person, name, request, reply, written)

    async def _relay(
        self,
        url: str,
        key: str,
        request: Request,
        reply: Reply,
        written: Written,
        *,
        client: httpx.AsyncClient | None = None,
        unwell: frozenset[int] = frozenset(),
    ) -> None:
        """Pass a request on, and the answer back as it comes.

        Raises:
            httpx.TransportError: the engine broke off, or its status is one of `unwell`.
        """
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        asking = (client or self._http).stream("POST", url, content=request.body, headers=headers)
        async with asking as response:
            if response.status_code in unwell:
                raise EngineUnwell(response.status_code)
            chunks = response.aiter_raw()
            first = await anext(chunks, b"")  # an engine that dies while it reads the prompt has sent no token yet
            await reply.begin(response.status_code, response.headers.get("content-type", "application/json"))
            written.feed(first)
            await reply.send(first)
            async for chunk in chunks:
                written.feed(chunk)
                await reply.send(chunk)

    async def _other(self, person: Person, request: Request, reply: Reply) -> None:
        """What only some engines have."""
        raise Refusal(404, f"there is no {request.head.method} {request.head.path[:80]}")

    async def _health(self, reply: Reply) -> None:
        await reply.whole(200, b"{}")

    @property
    @abstractmethod
    def base_name(self) -> str:
        """The name of the base model."""

    @abstractmethod
    async def _models(self) -> list[dict[str, Any]]:
        """The rows of /v1/models."""

    @abstractmethod
    async def _pass_on(self, person: Person, name: str, request: Request, reply: Reply, written: Written) -> None:
        """Let the engine of the named version answer, when it is the person's turn."""

    @abstractmethod
    async def _load(self, name: str, path: Path, reply: Reply) -> None: ...

    @abstractmethod
    async def _unload(self, name: str, reply: Reply) -> None: ...

    @abstractmethod
    async def _metrics(self) -> list[str]:
        """The engine's own figures, for those who see the use of all."""


def may_use(person: Person, name: str) -> bool:
    """Whether a person may ask for a version by this name. One under proof is for its publisher."""
    return person.key.can_publish or not name.startswith(PROBE_PREFIX)


def is_plain(name: str) -> bool:
    """Whether a version may have this name."""
    return re.fullmatch(r"[\w.-]{1,100}", name, re.ASCII) is not None


def unknown(name: str) -> Refusal:
    """The answer for a version that is not there."""
    return Refusal(404, f"the model {name[:80]!r} does not exist")


def fields_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        Refusal: it is none.
    """
    try:
        fields = json.loads(request.body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise Refusal(400, "the request is no JSON object")
    return fields


def _adapter(request: Request) -> tuple[str, Path]:
    fields = fields_of(request)
    name, path = str(fields.get("lora_name") or ""), str(fields.get("lora_path") or "")
    if not is_plain(name) or not path or "\0" in path:
        raise Refusal(400, "lora_name and lora_path are needed")
    return name, Path(path)

"""Servers that take adapters while they serve, as publishing sees them."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.domain.errors import AdapterError, PolicyProtocolError, PolicyUnavailable
from plum_lsp.policy.client.cards import model_names
from plum_lsp.policy.client.connection import Connection, unreachable
from plum_lsp.policy.client.refusals import BODY_BYTES_MAX, Refusal, error_message, refusal
from plum_lsp.policy.client.wire import read_tokens
from plum_lsp.policy.versions.engines import Engine, Sampled

LOAD_SECONDS = 120.0
"""Time limit for one adapter. A large rank on a cold disk takes seconds. A dead server never answers."""
ANSWER_SECONDS = 300.0
"""For one probe, which waits its turn behind the requests of editors."""


class VllmEngine:
    """A vLLM server with `--enable-lora` and `VLLM_ALLOW_RUNTIME_LORA_UPDATING`."""

    def __init__(self, url: str, connection: Connection) -> None:
        """`url` ends in `/v1`."""
        self._url = url.rstrip("/")
        self._http = connection.client(self._url, timeout=httpx.Timeout(ANSWER_SECONDS, connect=5.0))

    async def close(self) -> None:
        """Close the connections. The server continues."""
        await self._http.aclose()

    async def models(self) -> tuple[str, ...]:
        """The names it answers to, the base model first."""
        return model_names((await self._ask("GET", "/models")).content)

    async def load(self, name: str, folder: Path) -> None:
        """Load an adapter. It takes 25 to 90 ms and does not disturb requests in flight."""
        body = {"lora_name": name, "lora_path": str(folder)}
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                response = await self._send("POST", "/load_lora_adapter", body)
        except TimeoutError:
            raise PolicyUnavailable("the policy server did not load the adapter in time") from None
        if response.status_code == httpx.codes.NOT_FOUND and "lora" not in response.text.lower():
            remedy = (
                "Start it with plum-lsp policy serve, or with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1."
            )
            raise PolicyUnavailable(f"the policy server at {self._url} loads no adapters", remedy=remedy)
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise PolicyUnavailable(f"the policy server does not load adapters now: {_said(response)}")
        if response.status_code != httpx.codes.OK:
            raise AdapterError(f"the policy server refused the adapter: {_said(response)}")

    async def unload(self, name: str) -> None:
        """Unload an adapter. Wait for its requests first, because they would fail."""
        await self._send("POST", "/unload_lora_adapter", {"lora_name": name})

    async def complete(self, name: str, prompt: str, *, tokens: int) -> Sampled:
        """Write greedily, with the log-probabilities of what was written."""
        body = {"model": name, "prompt": prompt, "max_tokens": tokens, "temperature": 0.0, "logprobs": 1}
        response = await self._ask("POST", "/completions", body)
        try:
            choice = json.loads(response.content)["choices"][0]
            tokens_read = read_tokens(str(choice["text"]), choice["logprobs"])
            logprobs = tuple(token.logprob for token in tokens_read if token.logprob is not None)
            return Sampled(text=str(choice["text"]), logprobs=logprobs)
        except (ValueError, LookupError, TypeError) as error:
            raise PolicyProtocolError(f"the policy server answered a probe with no completion ({error!r})") from None

    async def busy(self) -> frozenset[str]:
        """Read from vLLM's own metrics, and from those of our front, where requests wait for their turn."""
        text = await self.metrics()
        return busy_adapters(text) | _busy_at_front(text)

    async def replicas(self) -> Mapping[str, Engine]:
        """Those in use behind a front of replicas (`hosting.replicas`), or else the server itself.

        Raises:
            PolicyUnavailable: the front uses none now.
        """
        listed = re.findall(r'^plum_replica_used\{replica="([^"]*)"\} ([01])$', await self.metrics(), re.MULTILINE)
        if not listed:
            return {"": self}
        used = [name for name, is_used in listed if is_used == "1"]
        if not used:
            raise PolicyUnavailable("no replica is in use now", remedy="Run: plum-lsp policy status")
        return {name: self._behind(name) for name in used}

    def _behind(self, name: str) -> VllmEngine:
        """One replica, asked through the front over the same connections."""
        replica = copy.copy(self)
        replica._url = f"{self._url.removesuffix('/v1')}/replicas/{name}/v1"
        return replica

    async def metrics(self) -> str:
        """What the server tells Prometheus."""
        return (await self._ask("GET", "/metrics", root=self._url.removesuffix("/v1"))).text

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, root: str = ""
    ) -> httpx.Response:
        response = await self._send(method, path, body, root=root)
        if response.status_code != httpx.codes.OK:
            answer = Refusal(response.status_code, response.content[:BODY_BYTES_MAX], response.headers)
            raise refusal(answer, url=self._url, now=time.time())
        return response

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, root: str = ""
    ) -> httpx.Response:
        try:
            return await self._http.request(method, f"{root or self._url}{path}", json=body)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise unreachable(error, self._url) from error


class LlamaServed(VllmEngine):
    """A `plum-lsp policy serve --engine llamacpp`, which speaks vLLM's protocol (`hosting.front`)."""

    async def busy(self) -> frozenset[str]:
        """Read from the server's metrics."""
        return _busy_at_front(await self.metrics())


def _busy_at_front(metrics: str) -> frozenset[str]:
    """The versions with requests at the front of a server of ours."""
    counts = re.findall(r'^plum_requests\{model="([^"]*)"\} (\d+)$', metrics, re.MULTILINE)
    return frozenset(name for name, count in counts if int(count))


def busy_adapters(metrics: str) -> frozenset[str]:
    """The adapters that vLLM's latest `lora_requests_info` names as running or waiting."""
    latest, names = -1.0, frozenset[str]()
    for line in metrics.splitlines():
        found = re.match(r"vllm:lora_requests_info\{(.*)\} ([0-9.e+]+)", line)
        if found and float(found.group(2)) >= latest:
            latest = float(found.group(2))
            listed = re.findall(r'(?:running|waiting)_lora_adapters="([^"]*)"', found.group(1))
            names = frozenset(name for names in listed for name in names.split(",") if name)
    return names


def _said(response: httpx.Response) -> str:
    try:
        return error_message(json.loads(response.content))
    except ValueError:
        return f"status {response.status_code}"

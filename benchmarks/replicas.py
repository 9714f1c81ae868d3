"""Requests a second with one and with two replicas behind one address, and how often a replica knew the prompt.

    python -m benchmarks.replicas

The engines are simulated, so that two cores do: an engine takes four requests at once, needs 200 ms to read a prompt
whose beginning it has not read among its last 12 documents, 10 ms otherwise, and writes 20 tokens, 10 ms apart. Each of
40 editors types in a document of its own and asks again as soon as it has its answer. The front, the addresses and the
routing are real. `any` is the same front with a routing that forgets documents: the least busy replica is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import httpx

from plum_lsp.config.folder import versions_folder
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.http_server import BODY_BYTES_MAX, Reply, Request, serve_http
from plum_lsp.policy.hosting.replicas import rotation as rotations
from plum_lsp.policy.hosting.replicas.front import ReplicaFront
from plum_lsp.policy.hosting.replicas.rotation import Reach, Rotation
from plum_lsp.policy.hosting.serving import ServeOptions, served_url
from plum_lsp.policy.hosting.vllm.child import free_port
from plum_lsp.policy.versions.folders import VersionStore

KEY = "benchmark"
EDITORS, SECONDS = 40, 10.0
AT_ONCE, KNOWN, READ_S, KNOWN_S, TOKENS, TOKEN_S = 4, 12, 0.2, 0.01, 20, 0.01


class Engine:
    """A simulated engine."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._counts = {"asked": 0, "known": 0}

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        if request.head.path == "/counts":
            await reply.whole(200, json.dumps(self._counts).encode())
        elif request.head.method == "GET":
            await reply.whole(200, json.dumps({"data": [{"id": "base"}]}).encode())
        else:
            async with self._turns:
                await self._write(json.loads(request.body)["prompt"].partition("\n")[0], reply)

    async def _write(self, document: str, reply: Reply) -> None:
        is_known = document in self._known
        self._known[document] = None
        self._known.move_to_end(document)
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        self._counts["asked"] += 1
        self._counts["known"] += is_known
        await asyncio.sleep(KNOWN_S if is_known else READ_S)
        await reply.begin(200, "text/event-stream")
        for _ in range(TOKENS):
            await asyncio.sleep(TOKEN_S)
            await reply.send(b'data: {"choices": [{"text": " a", "index": 0}]}\n\n')


async def serve_engine(port: int) -> None:
    """One engine, until killed."""
    admit = lambda head: nullcontext(BODY_BYTES_MAX)  # noqa: E731
    async with serve_http(Engine().handle, admit=admit, host="127.0.0.1", port=port):
        await asyncio.Event().wait()


def least_busy(key: str, in_flight: Mapping[str, int]) -> str:
    """A routing that does not know documents."""
    return min(in_flight, key=lambda name: in_flight[name])


async def asked(url: str, number: int, until: float) -> int:
    """What one editor does. Returns how many answers it got."""
    answers = 0
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers={"Authorization": f"Bearer {KEY}"}) as client:
        while time.monotonic() < until:
            prompt = f"# document {number}\n" + "value = 1\n" * 60 + "x" * answers
            body = {"model": "base", "prompt": prompt, "max_tokens": TOKENS, "stream": True}
            response = await client.post(f"{url}/completions", json=body)
            assert response.status_code == 200, response.text
            answers += 1
    return answers


async def measured(count: int) -> str:
    """One row."""
    ports = [free_port() for _ in range(count)]
    engines = [_start(port) for port in ports]
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            rotation = Rotation(
                base_name="base",
                model_sha256="0" * 64,
                store=VersionStore(versions_folder(data)),
                sources=lambda: {f"r{port}": Reach(root=f"http://127.0.0.1:{port}", key=KEY) for port in ports},
            )
            gate = gate_of(data, KEY, capacity=AT_ONCE * count, context_tokens=4096)
            options = ServeOptions(model=data, name="base", port=free_port())
            async with listening(ReplicaFront(gate, rotation, versions=data), options):
                following = asyncio.create_task(rotation.follow())
                while len(rotation.used()) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                row = await _row(served_url(options), ports)
                following.cancel()
                await asyncio.wait([following])
                return row
    finally:
        for engine in engines:
            engine.kill()
            engine.wait()


def _start(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "benchmarks.replicas", "--engine", str(port)])


async def _row(url: str, ports: list[int]) -> str:
    began = time.monotonic()
    answers = await asyncio.gather(*(asked(url, number, began + SECONDS) for number in range(EDITORS)))
    took = time.monotonic() - began
    async with httpx.AsyncClient(trust_env=False) as client:
        counts = [(await client.get(f"http://127.0.0.1:{port}/counts")).json() for port in ports]
    known = sum(one["known"] for one in counts) / sum(one["asked"] for one in counts)
    return f"{sum(answers) / took:6.1f} requests a second   {known:.2f} of the prompts were known"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.engine:
        asyncio.run(serve_engine(given.engine))
        return
    print(f"one replica          {asyncio.run(measured(1))}", flush=True)
    print(f"two, by document     {asyncio.run(measured(2))}", flush=True)
    print(f"four, by document    {asyncio.run(measured(4))}", flush=True)
    rotations.chosen = least_busy  # type: ignore[attr-defined]  # its own name for the function
    print(f"two, any             {asyncio.run(measured(2))}", flush=True)
    print(f"four, any            {asyncio.run(measured(4))}", flush=True)


if __name__ == "__main__":
    main()

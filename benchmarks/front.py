"""What the address in front of an engine adds to a request: ours, and the same way through Starlette with uvicorn.

    python -m benchmarks.front                    # ours alone
    pip install starlette uvicorn httptools       # in an environment of your own
    python -m benchmarks.front --starlette        # both

The engine sends a fixed stream of twenty events at once, so that what remains is the way. Each part is a process of its
own. Requests follow one another, each on a connection of its own, in rounds that take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from plum_lsp.config.folder import versions_folder
from plum_lsp.policy.hosting.front.listening import gate_of, listening
from plum_lsp.policy.hosting.serving import ServeOptions
from plum_lsp.policy.hosting.vllm.front import VllmFront

KEY = "benchmark"
ASKED = {"model": "base", "prompt": "def add(a, b):\n" * 300, "max_tokens": 20, "stream": True}
EVENTS = b'data: {"choices": [{"text": " a", "index": 0}]}\n\n' * 20 + b"data: [DONE]\n\n"
ROUNDS, REQUESTS = 6, 100


async def engine(port: int) -> None:
    """An engine that does not compute."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        except asyncio.IncompleteReadError:
            return
        length = [line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:")]
        await reader.readexactly(int(length[0]) if length else 0)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + EVENTS)
        await writer.drain()
        writer.close()

    await (await asyncio.start_server(answer, "127.0.0.1", port)).serve_forever()


async def ours(port: int, engine_port: int) -> None:
    """The front of `policy serve`."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        gate = gate_of(data, KEY, capacity=32, context_tokens=4096)
        root = f"http://127.0.0.1:{engine_port}"
        front = VllmFront(gate, root=root, engine_key=KEY, base_name="base", versions=versions_folder(data))
        async with listening(front, ServeOptions(model=data, name="base", port=port)):
            await asyncio.Event().wait()


def starlette(port: int, engine_port: int) -> None:
    """The same way with Starlette: the key, and the stream passed on. Neither limits nor turns nor counts."""
    requests, responses, routing = (importlib.import_module(f"starlette.{one}") for one in _PARTS)
    applications, uvicorn = importlib.import_module("starlette.applications"), importlib.import_module("uvicorn")
    client = httpx.AsyncClient(trust_env=False, timeout=None, limits=httpx.Limits(max_keepalive_connections=0))

    async def complete(request: Any) -> Any:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return responses.PlainTextResponse("no", status_code=401)
        body = await request.body()
        passed = client.build_request("POST", f"http://127.0.0.1:{engine_port}/v1/completions", content=body)
        answer = await client.send(passed, stream=True)
        return responses.StreamingResponse(answer.aiter_raw(), media_type="text/event-stream")

    complete.__annotations__["request"] = requests.Request
    app = applications.Starlette(routes=[routing.Route("/v1/completions", complete, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


_PARTS = ("requests", "responses", "routing")


def measured(port: int) -> list[float]:
    """Milliseconds of each request, from the connection to the last byte."""
    took = []
    for _ in range(REQUESTS):
        with httpx.Client(trust_env=False, headers={"Authorization": f"Bearer {KEY}"}, verify=False) as client:
            began = time.perf_counter()
            answer = client.post(f"http://127.0.0.1:{port}/v1/completions", json=ASKED)
            took.append((time.perf_counter() - began) * 1000)
        assert answer.content == EVENTS, answer.text[:200]
    return took


def main() -> None:
    """Start the parts, and print a row for each way."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--starlette", action="store_true", help="measure Starlette, too")
    arguments.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.part:
        name, port, engine_port = given.part[0], int(given.part[1]), int(given.part[2])
        if name == "starlette":
            starlette(port, engine_port)
        else:
            asyncio.run(engine(port) if name == "engine" else ours(port, engine_port))
        return
    ways = {"engine": _free_port(), "ours": _free_port()}
    ways |= {"starlette": _free_port()} if given.starlette else {}
    parts = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.front", "--part", name, str(port), str(ways["engine"])])
        for name, port in ways.items()
    ]
    try:
        for port in ways.values():
            _wait_for(port)
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, port in ways.items():
                took[name] += measured(port)
        for name, ms in took.items():
            ninetieth = statistics.quantiles(ms, n=10)[-1]
            print(f"{name:10} median {statistics.median(ms):6.2f} ms   p90 {ninetieth:6.2f} ms   {len(ms)} requests")
    finally:
        for part in parts:
            part.kill()
            part.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()

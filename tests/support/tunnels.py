"""Real relays in front of a local server: one that speaks TLS, and an HTTP proxy that knows one host name.

The certificates are in `tests/data/tls`. Each relays bytes and keeps what it was asked for.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATES = Path(__file__).parents[1] / "data" / "tls"


@asynccontextmanager
async def tls_in_front_of(port: int) -> AsyncIterator[int]:
    """A port that speaks TLS as `localhost` and `policy.example`, and passes on to `port`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, *await asyncio.open_connection("127.0.0.1", port))

    async with _listening(relay, context) as listening:
        yield listening


@dataclass
class Proxy:
    """An HTTP proxy. Whatever host it is asked for, it goes to `port` here; `credentials` are user:password."""

    port: int
    credentials: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.partition("\r\n")[0].split(" ")
        self.asked.append(f"{method} {target}")
        key = base64.b64encode(self.credentials.encode()).decode()
        if self.credentials and f"proxy-authorization: basic {key}".lower() not in head.lower():
            writer.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await writer.drain()
            writer.close()
            return
        far = await asyncio.open_connection("127.0.0.1", self.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = "/" + target.split("/", 3)[3]
            lines = [line for line in head.split("\r\n")[1:] if not line.lower().startswith("connection")]
            far[1].write("\r\n".join([f"{method} {path} HTTP/1.1", "Connection: close", *lines]).encode("latin-1"))
            length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")), 0)
            far[1].write(await reader.readexactly(length))
            status, rest = (await far[0].readuntil(b"\r\n\r\n")).split(b"\r\n", 1)
            writer.write(status + b"\r\nConnection: close\r\n" + rest)
        await _join(reader, writer, *far)


@asynccontextmanager
async def proxy_to(port: int, credentials: str = "") -> AsyncIterator[Proxy]:
    """A proxy that runs."""
    proxy = Proxy(port, credentials)
    async with _listening(proxy.serve) as listening:
        at = f"{credentials}@" if credentials else ""
        proxy.url = f"http://{at}127.0.0.1:{listening}"
        yield proxy


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _listening(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port at which each connection is served; none outlives the block."""
    serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving[asyncio.create_task(converse(reader, writer))] = writer

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)  # who was accepted just now is in `serving` then
        for task, writer in serving.items():
            task.cancel()
            writer.transport.abort()
        if serving:
            await asyncio.wait(serving)
        await asyncio.sleep(0)  # an abort ends in the loop's next turn


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Relay both ways until one side closes, then close the other."""
    ways = [asyncio.create_task(_pump(reader, far_writer)), asyncio.create_task(_pump(far_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        writer.close()
        far_writer.close()
        await asyncio.wait(ways)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

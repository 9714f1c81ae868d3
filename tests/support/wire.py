"""An editor that writes its own bytes: for messages that no library would send."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.bench import Bench

PATIENCE_SECONDS = 30.0


def frame(message: object, *, header: str = "Content-Length: {}\r\n\r\n") -> bytes:
    """A message as it goes over the wire. `{}` in the header is the length of the body."""
    body = json.dumps(message).encode()
    return header.format(len(body)).encode() + body


def request(number: int | str, method: str, params: object = None) -> dict[str, Any]:
    """A request as JSON."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def notice(method: str, params: object = None) -> dict[str, Any]:
    """A notification as JSON."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


HELLO = {"processId": None, "rootUri": None, "capabilities": {"experimental": {"plum": {"status": True}}}}


@dataclass(slots=True)
class Wire:
    """One connection. `receive` skips what the server says unasked."""

    reader: asyncio.StreamReader
    writer: Any
    ended: asyncio.Future[int]

    def send(self, *messages: Mapping[str, Any]) -> None:
        """Send messages in the usual frame."""
        for message in messages:
            self.raw(frame(message))

    def raw(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)

    async def receive(self) -> dict[str, Any]:
        """The next response."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "method" in (message := await self._message()):
                pass
        return message

    async def ask(self, number: int, method: str, params: object = None) -> dict[str, Any]:
        """Send a request, and the next response."""
        self.send(request(number, method, params))
        answer = await self.receive()
        assert answer["id"] == number, answer
        return answer

    async def start(self) -> None:
        """Initialize in the usual way."""
        assert "result" in await self.ask(0, "initialize", HELLO)
        self.send(notice("initialized", {}))

    async def exit_code(self) -> int:
        """Wait for the server's end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.ended

    async def _message(self) -> dict[str, Any]:
        length = 0
        while (line := await self.reader.readline()) != b"\r\n":
            assert line, "the server has closed the connection"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(await self.reader.readexactly(length))
        return message


@contextlib.asynccontextmanager
async def wired(bench: Bench) -> AsyncIterator[Wire]:
    """A connection to a server in this process. Leaving closes it."""
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.set_result(await bench.serve(reader, writer))
        writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname()[:2])
    try:
        yield Wire(reader, writer, ended)
    finally:
        writer.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        listener.close()

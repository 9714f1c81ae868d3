"""A small HTTP/1.1 server on asyncio: one request a connection, a size limit, and a handler that ends with its client.

The protocol is h11's (already there for httpx); what is here reads and writes its bytes. Knows nothing of policies.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import h11

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 8 * 1024 * 1024
"""A longer request holds no prompt that a model could read."""
REQUEST_SECONDS = 30.0
"""Whoever has not sent a request whole by then is not going to."""
CONNECTIONS_MAX = 512
"""More at a time are told to come back; each may hold a request in the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, read whole. `authorization` is the header of that name, empty if there is none."""

    method: str
    path: str
    authorization: str
    body: bytes


class Reply:
    """The way back to the client: `begin` once, then `send` until done."""

    def __init__(self, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._writer = writer
        self.has_begun = False

    async def begin(self, status: int, content_type: str) -> None:
        """Send the status line and headers; the body's end is the connection's."""
        self.has_begun = True
        headers = [("content-type", content_type), ("connection", "close"), ("cache-control", "no-cache")]
        await self._write(h11.Response(status_code=status, headers=headers))

    async def send(self, data: bytes) -> None:
        """Send a part of the body."""
        if data:
            await self._write(h11.Data(data=data))

    async def whole(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a complete answer."""
        await self.begin(status, content_type)
        await self.send(body)

    async def error(self, status: int, message: str) -> None:
        """Send an error in OpenAI's form."""
        await self.whole(status, json.dumps({"error": {"code": status, "message": message}}).encode())

    async def finish(self) -> None:
        """Mark the body's end."""
        await self._write(h11.EndOfMessage())

    async def _write(self, event: Any) -> None:
        data = self._connection.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()


Handler = Callable[[Request, Reply], Awaitable[None]]


@asynccontextmanager
async def serve_http(handler: Handler, *, host: str, port: int) -> AsyncIterator[None]:
    """Listen, and run `handler` for each request; it is cancelled when its client hangs up, and at the end.

    Raises:
        OSError: the address cannot be listened at.
    """
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(handler, reader, writer, is_full=len(conversations) > CONNECTIONS_MAX)
        except (ConnectionError, h11.ProtocolError, TimeoutError) as error:
            logger.debug("a connection ended: %r", error)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(converse(reader, writer))
        conversations.add(task)
        task.add_done_callback(conversations.discard)

    server = await asyncio.start_server(connected, host, port)
    try:
        yield
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


async def _converse(
    handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_full: bool
) -> None:
    connection = h11.Connection(h11.SERVER)
    reply = Reply(connection, writer)
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            request = await _read(connection, reader, writer)
    except _Refused as refused:
        await reply.error(refused.status, str(refused))
        await reply.finish()
        return
    if is_full:
        await reply.error(503, "too many connections")
        await reply.finish()
        return
    handling = asyncio.ensure_future(handler(request, reply))
    hanging_up = asyncio.create_task(_until_gone(reader))
    try:
        await asyncio.wait({handling, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        if handling.done():
            handling.result()
            await reply.finish()
    finally:
        for task in (handling, hanging_up):
            task.cancel()
        await asyncio.wait({handling, hanging_up})
        if handling.done() and not handling.cancelled():
            handling.exception()


class _Refused(Exception):
    """A request that is answered with an error before it is handled."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def _read(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    """The one request of a connection."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise _Refused(error.error_status_hint, f"this is no HTTP request: {error}") from None
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                writer.write(connection.send(go_on) or b"")
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_BYTES_MAX:
                raise _Refused(413, f"a request of more than {BODY_BYTES_MAX:,} bytes")
        elif isinstance(event, h11.EndOfMessage):
            break
        else:
            raise ConnectionResetError("the client closed the connection before it had asked")
    assert head is not None
    names = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}
    return Request(
        method=head.method.decode(),
        path=head.target.decode("latin-1").partition("?")[0],
        authorization=names.get("authorization", ""),
        body=bytes(body),
    )


async def _until_gone(reader: asyncio.StreamReader) -> None:
    """Return when the client has hung up; what it sends after its request is not looked at."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass

"""A small HTTP/1.1 server on asyncio: one request a connection, and a handler that ends with its client.

Until a client has shown its key, only the head of its request is read. All reading, memory and waiting is bounded. h11
(a dependency of httpx) implements the protocol, and this module reads and writes its bytes. It does not know policies.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import h11

from plum_lsp.domain.errors import PlumError

logger = logging.getLogger(__name__)

HEAD_BYTES_MAX = 16 * 1024
"""A longer head does not come from a client of plum-lsp."""
HEAD_SECONDS = 10.0
BODY_BYTES_MAX = 8 * 1024 * 1024
"""A longer request holds a prompt that no model could read."""
BODIES_BYTES_MAX = 64 * 1024 * 1024
"""The most bytes of all active requests together. A prompt has about 10 KB."""
REQUEST_SECONDS = 30.0
"""The longest time in which a client may send a whole request."""
WRITE_SECONDS = 60.0
"""A client that reads no data for this long counts as gone."""
CONNECTIONS_MAX = 512
"""The most connections at a time. Further clients are told to retry. Each connection may hold a request in the
queue."""
STRANGERS_MAX = 64
"""The most connections whose head is not read yet. One more closes those that are older than `STRANGER_SECONDS`."""
STRANGER_SECONDS = 2.0
"""Real clients send the head at once. Many that come at the same moment are not strangers yet."""
BACKLOG = 512
"""Connections that the kernel holds until they are taken. With fewer, a client of many waits a second to try again."""
_LINGER_SECONDS = 2.0
_LINGER_BYTES_MAX = 32 * 1024 * 1024
_CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a request. `authorization` is the header of that name, empty if there is none."""

    method: str
    path: str
    authorization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A complete request."""

    head: Head
    body: bytes


class Refusal(PlumError):
    """An answer that is an error, with its HTTP status and the seconds after which to try again (0: not told)."""

    def __init__(self, status: int, message: str, *, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class Reply:
    """The way back to the client: `begin` once, then `send` until done."""

    def __init__(self, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._writer = writer
        self.has_begun = False

    async def begin(self, status: int, content_type: str, *, retry_after_s: int = 0) -> None:
        """Send the status line and headers. The body ends with the connection."""
        self.has_begun = True
        headers = [("content-type", content_type), ("connection", "close"), ("cache-control", "no-cache")]
        headers += [("retry-after", str(retry_after_s))] if retry_after_s else []
        await self._write(h11.Response(status_code=status, headers=headers))

    async def send(self, data: bytes) -> None:
        """Send a part of the body."""
        if data:
            await self._write(h11.Data(data=data))

    async def whole(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a complete answer."""
        await self.begin(status, content_type)
        await self.send(body)

    async def error(self, refusal: Refusal) -> None:
        """Send an error in OpenAI's form."""
        await self.begin(refusal.status, "application/json", retry_after_s=refusal.retry_after_s)
        await self.send(json.dumps({"error": {"code": refusal.status, "message": str(refusal)}}).encode())

    async def finish(self) -> None:
        """Mark the body's end."""
        await self._write(h11.EndOfMessage())

    async def _write(self, event: Any) -> None:
        data = self._connection.send(event)
        if data:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_SECONDS):
                await self._writer.drain()


Handler = Callable[[Request, Reply], Awaitable[None]]
Incoming = Callable[[], Awaitable[Any]]
Admit = Callable[[Head], AbstractContextManager[int]]
"""Gives how many bytes the body of a request may have, from its head. Raises `Refusal` without permission. The context
ends with the request."""


@asynccontextmanager
async def serve_http(handler: Handler, *, admit: Admit, host: str, port: int) -> AsyncIterator[None]:
    """Listen, and run `handler` for each request. The handler is cancelled when its client hangs up, and at the end.

    Raises:
        OSError: the server cannot listen at the address.
    """
    house = _House(handler, admit)
    server = await asyncio.start_server(house.connected, host, port, limit=_CHUNK_BYTES, backlog=BACKLOG)
    try:
        yield
    finally:
        server.close()
        await house.close()


class _House:
    """The connections, and the bytes that they hold together."""

    def __init__(self, handler: Handler, admit: Admit) -> None:
        self._handler = handler
        self._admit = admit
        self._conversations: set[asyncio.Task[None]] = set()
        self._strangers: dict[asyncio.Task[Any], float] = {}
        self._held_bytes = 0

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection. If too many have not sent their head, the old ones of these are closed."""
        task = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(task)
        now = self._strangers[task] = asyncio.get_running_loop().time()
        task.add_done_callback(self._left)
        surplus = len(self._strangers) - STRANGERS_MAX
        for stranger, came in list(self._strangers.items())[: max(0, surplus)]:
            if now - came >= STRANGER_SECONDS:
                stranger.cancel()

    async def close(self) -> None:
        """End every conversation."""
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._conversations.discard(task)
        self._strangers.pop(task, None)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, h11.ProtocolError, TimeoutError) as error:
            logger.debug("a connection ended: %r", error)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
        reply = Reply(connection, writer)
        body = bytearray()
        with ExitStack() as admitted:
            admitted.callback(lambda: self._let_go(body))
            try:
                head = await self._admitted(partial(_event, connection, reader, writer), admitted, body)
            except Refusal as refused:
                await reply.error(refused)
                await reply.finish()
                await _linger(reader, writer)
                return
            await self._handled(Request(head=head, body=bytes(body)), reply, reader)

    async def _admitted(self, incoming: Incoming, admitted: ExitStack, body: bytearray) -> Head:
        """Read a permitted request. `body` takes its body."""
        if len(self._conversations) > CONNECTIONS_MAX:
            raise Refusal(503, "too many connections", retry_after_s=1)
        async with asyncio.timeout(HEAD_SECONDS):
            head, declared = await _head(incoming)
        body_max = admitted.enter_context(self._admit(head))
        self._strangers.pop(_this_task(), None)
        if declared > body_max:
            raise Refusal(413, f"a request of more than {body_max:,} bytes")
        async with asyncio.timeout(REQUEST_SECONDS):
            await self._read_body(incoming, body, body_max)
        return head

    def _let_go(self, body: bytearray) -> None:
        self._held_bytes -= len(body)

    async def _read_body(self, incoming: Incoming, body: bytearray, body_max: int) -> None:
        while not isinstance(event := await incoming(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise ConnectionResetError("the client closed the connection before it had asked")
            if len(body) + len(event.data) > body_max:
                raise Refusal(413, f"a request of more than {body_max:,} bytes")
            if self._held_bytes + len(event.data) > BODIES_BYTES_MAX:
                raise Refusal(503, "too many requests at once", retry_after_s=1)
            body += event.data
            self._held_bytes += len(event.data)

    async def _handled(self, request: Request, reply: Reply, reader: asyncio.StreamReader) -> None:
        handling = asyncio.ensure_future(self._handler(request, reply))
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


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _event(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
    """The next part of a request."""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            # h11's words may hold a header, and with it a key.
            raise Refusal(error.error_status_hint, "this is no HTTP request") from None
        if event is not h11.NEED_DATA:
            return event
        if connection.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            writer.write(connection.send(go_on) or b"")
        connection.receive_data(await reader.read(_CHUNK_BYTES))


async def _head(incoming: Incoming) -> tuple[Head, int]:
    """The head of a request, and the length that it states for the body, or 0."""
    event = await incoming()
    if not isinstance(event, h11.Request):
        raise ConnectionResetError("the client closed the connection before it had asked")
    names = {name.decode().lower(): value.decode("latin-1") for name, value in event.headers}
    given = [name.decode().lower() for name, _ in event.headers]
    if given.count("authorization") > 1 or {"content-length", "transfer-encoding"} <= set(given):
        raise Refusal(400, "the head says two things")  # a proxy before us may have believed the other one
    head = Head(
        method=event.method.decode(),
        path=event.target.decode("latin-1").partition("?")[0],
        authorization=names.get("authorization", ""),
    )
    return head, int(names.get("content-length") or 0)


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a client that is still sending read its answer.

    An immediate close would reset the connection (RFC 9112, 9.6).
    """
    with contextlib.suppress(TimeoutError, ConnectionError, OSError):
        writer.write_eof()
        left = _LINGER_BYTES_MAX
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0 and (dropped := await reader.read(_CHUNK_BYTES)):
                left -= len(dropped)


async def _until_gone(reader: asyncio.StreamReader) -> None:
    """Return when the client has hung up. Data after its request is ignored."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass

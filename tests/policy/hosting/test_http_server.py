"""What strangers can make the server in front of a model hold and wait for: next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from plum_lsp.policy.hosting import http_server
from plum_lsp.policy.hosting.http_server import BODY_BYTES_MAX, STRANGERS_MAX, Head, Refusal, Reply, Request, serve_http

KEY = b"POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: key\r\n"
STRANGER = b"POST /x HTTP/1.1\r\nHost: a\r\n"


@contextlib.contextmanager
def admit(head: Head) -> Iterator[int]:
    """Who has the key may send something."""
    if head.authorization != "key":
        raise Refusal(401, "no key")
    yield BODY_BYTES_MAX


async def handle(request: Request, reply: Reply) -> None:
    """Tell how much came."""
    await reply.whole(200, str(len(request.body)).encode())


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A server; its port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    async with serve_http(handle, admit=admit, host="127.0.0.1", port=port):
        yield port


async def sent(port: int, *parts: bytes) -> bytes:
    """The answer to these bytes; what the server no longer takes is not sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_stranger_is_refused_before_its_body() -> None:
    """The answer comes though the body never does."""
    async with listening() as port:
        assert b"401" in await sent(port, STRANGER + b"Content-Length: 8000000\r\n\r\n")
        assert b"401" in await sent(port, STRANGER + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nabcde\r\n")
        assert b"401" in await sent(port, STRANGER + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n")


async def test_a_declared_length_is_believed() -> None:
    """A body that says that it is too long is not read."""
    async with listening() as port:
        assert b"413" in await sent(port, KEY + b"Content-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1))
        assert b"200" in await sent(port, KEY + b"Content-Length: 3\r\n\r\nabc")


async def test_a_body_without_a_length_is_bounded() -> None:
    """Chunk after chunk."""
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    async with listening() as port:
        assert b"413" in await sent(port, KEY + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 9)


async def test_many_strangers_hold_no_memory() -> None:
    """Sixty that send as much as their connections take, at once: together, less than one request may have."""
    loop, body = asyncio.get_running_loop(), bytes(BODY_BYTES_MAX)
    head = STRANGER + b"Content-Length: %d\r\n\r\n" % len(body)
    async with listening() as port:
        crowd = [socket.socket() for _ in range(60)]
        tracemalloc.start()
        for one in crowd:
            one.setblocking(False)
            await loop.sock_connect(one, ("127.0.0.1", port))
            one.send(head)
            with contextlib.suppress(BlockingIOError):
                while one.send(body):
                    pass
        answers = [await loop.sock_recv(one, 4096) for one in crowd]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        for one in crowd:
            one.close()
    assert all(b"401" in answer for answer in answers)
    assert peak < BODY_BYTES_MAX


async def test_requests_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who may ask, too; what is held is given back."""
    monkeypatch.setattr(http_server, "BODIES_BYTES_MAX", 1000)
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(KEY + b"Content-Length: 900\r\n\r\n" + bytes(800))
        async with asyncio.timeout(30):
            while b"503" not in await sent(port, KEY + b"Content-Length: 300\r\n\r\n" + bytes(300)):
                pass
        writer.write(bytes(100))
        assert b"200" in await reader.read()
        writer.close()
        assert b"200" in await sent(port, KEY + b"Content-Length: 300\r\n\r\n" + bytes(300))


async def test_a_crowd_of_silent_strangers_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of them goes for each that comes."""
    monkeypatch.setattr(http_server, "STRANGER_SECONDS", 0.0)
    async with listening() as port:
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(STRANGERS_MAX + 20)]
        assert b"200" in await sent(port, KEY + b"Content-Length: 3\r\n\r\nabc")
        async with asyncio.timeout(30):
            assert await crowd[0][0].read() == b""
        for _, writer in crowd:
            writer.close()


@pytest.mark.parametrize("start", [b"", b"POST /x HT", KEY + b"Content-Length: 9\r\n\r\nabc"])
async def test_a_slow_client_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """Neither for its head nor for its body."""
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(http_server, "REQUEST_SECONDS", 0.05)
    async with listening() as port:
        assert await sent(port, start) == b""


async def test_a_long_head_is_refused() -> None:
    """It would be held whole."""
    async with listening() as port:
        answer = await sent(port, STRANGER + b"X: " + b"a" * 100_000)
    assert answer.startswith(b"HTTP/1.1 4")

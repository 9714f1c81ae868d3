"""Carries messages over stdio or one TCP connection, until the editor leaves in whatever way. Reads no message.

Standard input is read without a thread: a thread that waits for an editor keeps the process from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import BinaryIO, Protocol, TypeAlias

from pygls.io_ import StdinAsyncReader

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """Where messages come from."""

    def readline(self) -> Awaitable[bytes]:
        """One header line; empty at the end."""
        ...

    def readexactly(self, n: int, /) -> Awaitable[bytes]:
        """One body."""
        ...


class Writer(Protocol):
    """Where messages go to."""

    def write(self, data: bytes, /) -> None:
        """Send one whole message."""
        ...

    def close(self) -> None:
        """Send no more."""
        ...


Serve: TypeAlias = Callable[[Reader, Writer], Awaitable[int]]
"""Serves one connection to its end; returns the exit status."""


async def serve_stdio(serve: Serve) -> int:
    """Serve the editor that started us."""
    loop = asyncio.get_running_loop()
    with _standard_output() as output, _signals(loop):
        return await serve(await _standard_input(loop), _PipeWriter(output))


async def serve_tcp(serve: Serve, *, host: str, port: int) -> int:
    """Wait for one connection and serve it; port 0 takes a free one, told in the log."""
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue(1)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if listener.is_serving():
            listener.close()
            accepted.put_nowait((reader, writer))
        else:
            writer.close()

    with _signals(asyncio.get_running_loop()):
        listener = await asyncio.start_server(accept, host, port)
        logger.info("listening on %s:%d", *listener.sockets[0].getsockname()[:2])
        try:
            reader, writer = await accepted.get()
        finally:
            listener.close()
        try:
            return await serve(reader, writer)
        finally:
            writer.close()


class _PipeWriter:
    """Writes to an editor; one that is gone is noticed by the reader, so here it is only ignored."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ValueError):
            self._output.write(data)
            self._output.flush()

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._output.close()


async def _standard_input(loop: asyncio.AbstractEventLoop) -> Reader:
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        # A file or a terminal: neither can leave a reader waiting after the editor is gone.
        return StdinAsyncReader(sys.stdin.buffer)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    return reader


@contextlib.contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    """Standard output for messages alone: whatever else prints, here or in a child, goes to standard error."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError), os.fdopen(own, "wb") as output:
        yield output


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let SIGTERM, SIGINT and SIGHUP end the connection in the orderly way."""
    serving = asyncio.current_task()
    assert serving is not None
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, serving.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)

"""Carries messages over stdio, a Unix socket or one TCP connection until the editor disconnects.

Standard input is read without a thread, because a thread that waits for an editor keeps the process from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import stat
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from pygls.io_ import StdinAsyncReader

from plum_lsp.domain.errors import ConfigError
from plum_lsp.server.connection.door import Refused, StrictReader, admitted

logger = logging.getLogger(__name__)

WAITING_MAX = 8
"""The most connections that have not yet authenticated. Further ones are closed at once."""


class Reader(Protocol):
    """The source of messages."""

    def readline(self) -> Awaitable[bytes]:
        """One header line. Empty at the end."""
        ...

    def readexactly(self, n: int, /) -> Awaitable[bytes]:
        """One body."""
        ...


class Writer(Protocol):
    """The destination of messages."""

    def write(self, data: bytes, /) -> None:
        """Send one whole message."""
        ...

    def close(self) -> None:
        """Send no more messages."""
        ...


Serve: TypeAlias = Callable[[Reader, Writer], Awaitable[int]]
"""Serves one connection to its end. Returns the exit status."""


async def serve_stdio(serve: Serve) -> int:
    """Serve the editor that started this process."""
    loop = asyncio.get_running_loop()
    with _standard_output() as output, _signals(loop):
        return await serve(await _standard_input(loop), _PipeWriter(output))


async def serve_tcp(serve: Serve, *, host: str, port: int, token: str, told: str = "") -> int:
    """Wait for one connection that shows the token, and serve it. Port 0 means any free port.

    Args:
        told: what the log says of the token, after the address.
    """
    admit = partial(admitted, token=token)

    async def listen(accept: _Accept) -> asyncio.Server:
        listener = await asyncio.start_server(accept, host, port)
        logger.info("listening on %s:%d%s", *listener.sockets[0].getsockname()[:2], told)
        return listener

    return await _serve_first(serve, listen, admit)


async def serve_socket(serve: Serve, path: Path) -> int:
    """Wait for one connection of the same user at a Unix socket, and serve it. The socket is removed afterwards.

    Another file at this path stays.

    Raises:
        ConfigError: no socket can be made there.
    """
    made: os.stat_result | None = None

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reader:
        if (other := _user_of(writer.get_extra_info("socket"))) not in {None, os.geteuid()}:
            raise Refused(f"the connection is from another user ({other})")
        return StrictReader(reader)

    async def listen(accept: _Accept) -> asyncio.Server:
        nonlocal made
        before = os.umask(0o177)
        try:
            listener = await asyncio.start_unix_server(accept, path)
            made = path.stat()  # noqa: ASYNC240 (nothing is served yet)
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigError(f"no socket can be made at {path}: {why}", remedy="Choose another --socket.") from error
        finally:
            os.umask(before)
        logger.info("listening at %s", path)
        return listener

    try:
        return await _serve_first(serve, listen, admit)
    finally:
        _remove(path, made)


def _remove(path: Path, made: os.stat_result | None) -> None:
    """Remove the socket that was made at a path, unless another file has come there."""
    with contextlib.suppress(OSError):
        if made is not None and os.path.samestat(path.lstat(), made):
            path.unlink()


_Accept: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_Listen: TypeAlias = Callable[[_Accept], Awaitable[asyncio.Server]]
_Admit: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Reader]]


async def _serve_first(serve: Serve, listen: _Listen, admit: _Admit) -> int:
    """Serve only the first connection that is admitted."""
    chosen: asyncio.Future[tuple[Reader, asyncio.StreamWriter]] = asyncio.get_running_loop().create_future()
    waiting = 0

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        if waiting >= WAITING_MAX or chosen.done():
            writer.close()
            return
        waiting += 1
        try:
            admitted_reader = await admit(reader, writer)
        except (Refused, TimeoutError, ConnectionError) as error:
            logger.warning("a connection was refused: %s", error or "it sent no message")
            writer.close()
            return
        finally:
            waiting -= 1
        if chosen.done():
            writer.close()
        else:
            chosen.set_result((admitted_reader, writer))

    with _signals(asyncio.get_running_loop()):
        listener = await listen(accept)
        try:
            reader, writer = await chosen
        finally:
            listener.close()
        try:
            return await serve(reader, writer)
        finally:
            writer.close()


def _user_of(connected: socket.socket) -> int | None:
    """The user id of the peer (unix(7), SO_PEERCRED).

    None if the system does not report it. The file's mode then decides.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, user, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(user)


class _PipeWriter:
    """Writes to an editor. It ignores a closed pipe, because the reader notices that the editor is gone."""

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
        # A file or a terminal. Neither leaves a reader waiting after the editor has exited.
        return StdinAsyncReader(sys.stdin.buffer)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    return reader


@contextlib.contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    """Standard output for messages only. All other output of this process and its children goes to standard error."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError), os.fdopen(own, "wb") as output:
        yield output


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Make SIGTERM, SIGINT and SIGHUP end the connection in an orderly way."""
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

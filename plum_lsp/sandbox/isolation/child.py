"""The host's side of one child in the jail: its socket, its pidfd and its end.

The module moves bytes. It does not know programs, verdicts or zygotes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator

from plum_lsp.sandbox.isolation.patience import in_line_of, kept_waiting_of

_END_SECONDS = 2.0
"""How long to wait for the zygote's message on how a child ended."""


class ChildGone(Exception):
    """The child closed its end of the socket: it died, was killed or closed its descriptor."""


class FrameTooLarge(Exception):
    """The child announced an answer that is longer than allowed."""


class Child:
    """One forked child: its private socket, its pidfd and, later, its exit status and the CPU time that it took.

    The zygote of an orphan died before it. The end of an orphan is no evidence about its program. With `is_lent`
    another object uses the socket: `shut` tells that object of the end, and it closes the socket.
    """

    def __init__(self, number: int, channel: socket.socket, *, is_lent: bool = False) -> None:
        self.number = number
        self._channel = channel
        self._received = bytearray()
        self._users = 1 if is_lent else 0
        self._is_shut = False
        self.is_orphan = False
        self.cpu_seconds = 0.0
        self.pidfd: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def send(self, *contents: bytes) -> None:
        """Send frames.

        Raises:
            ChildGone: the child no longer reads.
        """
        content = b"".join(len(each).to_bytes(4, "big") + each for each in contents)
        with self._used():
            await asyncio.get_running_loop().sock_sendall(self._channel, content)

    async def receive(self, bytes_max: int) -> bytes:
        """Receive one frame.

        Raises:
            ChildGone: the child ended first.
            FrameTooLarge: the announced length is more than `bytes_max`.
        """
        await self._fill(4)
        size = int.from_bytes(self._received[:4], "big")
        if size > bytes_max:
            raise FrameTooLarge
        await self._fill(4 + size)
        frame = bytes(self._received[4 : 4 + size])
        del self._received[: 4 + size]
        return frame

    async def _fill(self, size: int) -> None:
        """Read until `size` bytes are there. Further bytes stay for the next frame."""
        loop = asyncio.get_running_loop()
        while len(self._received) < size:
            with self._used():
                part = await loop.sock_recv(self._channel, 1 << 16)
            if not part:
                raise ChildGone
            self._received += part

    @contextlib.contextmanager
    def _used(self) -> Iterator[None]:
        """Keep the socket open while the event loop watches it.

        A socket that is closed under the loop leaves its number behind. The next socket with that number is then never
        reported as readable.

        Raises:
            ChildGone: the child no longer reads or writes.
        """
        self._users += 1
        try:
            yield
        except OSError:
            raise ChildGone from None
        finally:
            self._users -= 1
            if self._is_shut and not self._users:
                self._channel.close()

    def shut(self) -> None:
        """End the conversation. A task that waits for the child is told that it is gone. Idempotent."""
        self._is_shut = True
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        if not self._users:
            self._channel.close()

    async def status(self) -> int | None:
        """How the child ended, after its end. A negative number is the signal. None if no message came in time."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self.ended), _END_SECONDS)
        return None

    def kept_waiting_seconds(self) -> float:
        """How long it has been ready to run while others had the processor. 0 if the kernel does not tell."""
        return kept_waiting_of(self.pidfd.result()) if self._has_pidfd() else 0.0

    def in_line(self) -> bytes | None:
        """A mark that stays the same while it waits for a processor. None if it does not want one. See `in_line_of`."""
        return in_line_of(self.pidfd.result()) if self._has_pidfd() else None

    def _has_pidfd(self) -> bool:
        return self.pidfd.done() and not self.pidfd.cancelled() and self.pidfd.exception() is None

    def kill(self) -> None:
        """Send SIGKILL through the pidfd, as soon as there is one. Close everything. Idempotent."""
        self.shut()
        if not self.pidfd.done():
            self.pidfd.add_done_callback(lambda _: self.kill())
        elif not self.pidfd.cancelled() and self.pidfd.exception() is None:
            descriptor = self.pidfd.result()
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)
                self.pidfd = asyncio.get_running_loop().create_future()
                self.pidfd.set_result(-1)

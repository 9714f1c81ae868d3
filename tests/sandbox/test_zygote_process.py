"""The host's side of a zygote that is closed while a branch of it prepares. The zygote's side is scripted."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator

import pytest
from support.sockets import WAIT_SECONDS, hears_socket

from plum_lsp.domain.errors import SandboxError
from plum_lsp.sandbox.zygote_process import ZygoteProcess

pytestmark = pytest.mark.slow


class Scripted:
    """A zygote, and the other end of its control socket. It has one branch, which never gets ready."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.setblocking(False)
        self._process = process
        self.zygote = ZygoteProcess(None, near, None)
        asyncio.get_running_loop().add_reader(near, self.zygote._on_message)

    async def branch(self) -> asyncio.Task[ZygoteProcess]:
        """The task that waits for the branch. The branch has its order."""
        task = asyncio.create_task(self.zygote.branch({}, seconds=3600))
        content, (end, *_), _, _ = await asyncio.to_thread(socket.recv_fds, self._far, 1 << 16, 1)
        pidfd = os.pidfd_open(self._process.pid)
        message = {"forked": json.loads(content)["branch"]}
        socket.send_fds(self._far, [json.dumps(message).encode()], [pidfd])
        os.close(pidfd)
        self.end = socket.socket(fileno=end)
        for _ in ("the length", "the order"):
            await asyncio.to_thread(self.end.recv, 1 << 16)
        return task

    def close(self) -> None:
        """Close the zygote's side."""
        self._far.close()
        self.end.close()


@pytest.fixture
def waiting() -> Iterator[subprocess.Popen[bytes]]:
    """A process that only waits."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
async def scripted(waiting: subprocess.Popen[bytes]) -> AsyncIterator[Scripted]:
    """A zygote whose branch is the process that waits."""
    one = Scripted(waiting)
    yield one
    await one.zygote.close()
    one.close()


async def test_a_branch_that_prepares_ends_with_its_zygote(scripted: Scripted) -> None:
    """The task that waits for it is told at once."""
    branching = await scripted.branch()
    await scripted.zygote.close()
    with pytest.raises(SandboxError, match="did not start"):
        await asyncio.wait_for(branching, WAIT_SECONDS)


async def test_the_socket_of_a_branch_is_let_go(scripted: Scripted) -> None:
    """The next socket with its number is heard."""
    branching = await scripted.branch()
    (child,) = scripted.zygote._children.values()
    channel = child._channel
    number = channel.fileno()
    await scripted.zygote.close()
    await asyncio.wait([branching], timeout=WAIT_SECONDS)
    assert branching.done()
    assert isinstance(branching.exception(), SandboxError)
    assert channel.fileno() == -1
    assert await hears_socket(number)


async def test_a_close_that_is_cancelled_leaves_no_process(waiting: subprocess.Popen[bytes]) -> None:
    """The loop may end while a zygote is closed. Its process and the file of its errors do not stay."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    log = tempfile.TemporaryFile()  # noqa: SIM115 (the zygote closes it)
    closing = asyncio.create_task(ZygoteProcess(waiting, near, log).close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert waiting.wait(WAIT_SECONDS)
    assert log.closed
    far.close()

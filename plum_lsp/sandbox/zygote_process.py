"""The host's side of a zygote: start it, order children, get notice of their end, kill all of them.

The module moves bytes and descriptors. It does not know programs or verdicts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from plum_lsp.domain import children
from plum_lsp.domain.errors import SandboxError
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.isolation.child import Child
from plum_lsp.sandbox.isolation.patience import arrives, in_line_below, kept_waiting_below
from plum_lsp.sandbox.values import MalformedValue, parse

CHILDREN_MAX = 5000
"""Children of one zygote before it is replaced. A new zygote takes a third of a second."""
_GROWTH_KIB_MAX = 64 * 1024
"""Memory that a zygote may gain after its imports. Each fork copies the page tables of all of it."""
_READY_SECONDS = 30.0
"""How long a zygote may run or sleep for its imports. Time without a processor does not count."""
_FORK_SECONDS = 10.0
_END_SECONDS = 0.5
"""How long to block for the end of a zygote's process if the wait for it was cancelled."""
_MESSAGE_MAX = 1 << 20
_WORDS_MAX = 400
"""Characters of the output of a zygote that an error quotes."""
_PART_BYTES = 1 << 15
"""Bytes of one part of an order that may be longer than a socket takes at once."""


def last_line(output: bytes) -> str:
    """The last line that is not empty: a program's complaint, or the error below a traceback. A user reads it."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:_WORDS_MAX] if lines else ""


def _fail(awaited: asyncio.Future[int], why: str) -> None:
    """Tell a waiting task, if there is one, that the result will not come."""
    if not awaited.done():
        awaited.set_exception(SandboxError(why))
        awaited.exception()


def _end(process: subprocess.Popen[bytes]) -> None:
    """See to it that a process has ended that is about to end by itself."""
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _come(awaited: asyncio.Future[None]) -> None:
    """Note that there is something to read."""
    if not awaited.done():
        awaited.set_result(None)


@contextlib.contextmanager
def _proc() -> Iterator[tuple[int]]:
    """The folder `/proc`, in which a zygote in its own user namespace maps its ids. It closes it before it imports."""
    descriptor = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    try:
        yield (descriptor,)
    finally:
        os.close(descriptor)


class ZygoteProcess:
    """A running zygote. Use `start` or `branch`. Do not share it between event loops.

    `process` is None for a branch. The zygote that forked the branch reaps it.
    """

    def __init__(self, process: subprocess.Popen[bytes] | None, control: socket.socket, log: Any) -> None:
        self._process = process
        self._control = control
        self._log = log
        self._children: dict[int, Child] = {}
        self._pidfd = -1
        self.forked = 0
        self.grown_kib = 0
        self.report: dict[str, Any] = {}
        self.is_broken = False
        self._origin: Child | None = None

    @classmethod
    async def start(
        cls, command: Sequence[str], settings: dict[str, Any], control: socket.socket, far: int
    ) -> ZygoteProcess:
        """Start the command with the far end of `control`, send it its settings, and wait until it is ready.

        Raises:
            SandboxError: it did not start. The message holds its output.
        """
        log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        process = subprocess.Popen(  # noqa: ASYNC220 (a few milliseconds, once)
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=(far,),
            env=isolation.ENVIRONMENT,
            cwd=children.FOLDER,
            start_new_session=True,
        )
        os.close(far)
        control.setblocking(False)
        zygote = cls(process, control, log)
        try:
            with _proc() if settings["pid_namespaces"] else contextlib.nullcontext(()) as descriptors:
                await zygote._handshake([json.dumps(settings).encode()], _READY_SECONDS, descriptors)
        except BaseException:
            await zygote.close()
            raise
        return zygote

    async def branch(self, order: dict[str, Any], *, seconds: float) -> ZygoteProcess:
        """Another zygote, forked from this one, that has prepared what is ordered. It dies with this one.

        Raises:
            SandboxError: this zygote is gone, or the branch was not ready in time.
        """
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.setblocking(False)
        child = Child(self.forked + 1, near, is_lent=True)  # the branch closes its socket when the loop let it go
        try:
            socket.send_fds(self._control, [json.dumps({"branch": child.number}).encode()], [far.fileno()])
        except OSError as error:
            near.close()
            raise SandboxError(f"the zygote does not take orders: {error}") from error
        finally:
            far.close()
        self.forked += 1
        self._children[child.number] = child
        branch = ZygoteProcess(None, near, None)
        branch._origin = child
        content = json.dumps(order).encode()
        parts = [content[at : at + _PART_BYTES] for at in range(0, len(content), _PART_BYTES)]
        try:
            await self.arrival(child)
            await branch._handshake([str(len(content)).encode(), *parts], seconds)
        except BaseException:
            await branch.close()
            raise
        return branch

    async def _handshake(self, messages: Sequence[bytes], seconds: float, descriptors: Sequence[int] = ()) -> None:
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        try:
            socket.send_fds(self._control, messages[:1], descriptors)
            for message in messages[1:]:
                await loop.sock_sendall(self._control, message)
            loop.add_reader(self._control, _come, readable)
            await arrives(readable, seconds, self._kept_waiting_seconds, self._in_line)
            content, received, _, _ = socket.recv_fds(self._control, _MESSAGE_MAX, 1)
            if not content:
                raise SandboxError(f"the zygote did not start: {self._last_words()}")
            self.report = parse(content)
            self._pidfd = received[0]
        except (OSError, TimeoutError, MalformedValue, IndexError) as error:
            raise SandboxError(f"the zygote did not start: {error or 'no answer'} {self._last_words()}") from error
        loop.add_reader(self._control, self._on_message)

    def _kept_waiting_seconds(self) -> float:
        """How long the zygote had no processor, with the processes that start it."""
        if self._process is not None:
            return kept_waiting_below(self._process.pid)
        return self._origin.kept_waiting_seconds() if self._origin is not None else 0.0

    def _in_line(self) -> object | None:
        if self._process is not None:
            return in_line_below(self._process.pid)
        return self._origin.in_line() if self._origin is not None else None

    def _last_words(self) -> str:
        """The last line of its output on standard error."""
        if self._process is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        self._log.seek(0)
        return last_line(self._log.read())

    def order_child(self, view: str = "", hidden: Sequence[str] = ()) -> Child | None:
        """Order a child without waiting for it. None while the zygote is behind with its orders.

        With a `view` (see `sandbox.projects.showing`) the child gets its own folder. It cannot open the `hidden` files.

        Raises:
            SandboxError: the zygote is gone.
        """
        if self.is_broken:
            raise SandboxError("the zygote has ended")
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        near.setblocking(False)
        child = Child(self.forked + 1, near)
        try:
            order = {"fork": child.number, "view": view, "hidden": list(hidden)}
            socket.send_fds(self._control, [json.dumps(order).encode()], [far.fileno()])
        except BlockingIOError:
            near.close()
            return None
        except OSError as error:
            near.close()
            raise SandboxError(f"the zygote does not take orders: {error}") from error
        finally:
            far.close()
        self.forked += 1
        self._children[child.number] = child
        return child

    async def fork(self, view: str = "", hidden: Sequence[str] = ()) -> Child:
        """A new child, ready for its program.

        Raises:
            SandboxError: the zygote is gone or does not answer.
        """
        async with asyncio.timeout(_FORK_SECONDS):
            while (child := self.order_child(view, hidden)) is None:  # noqa: ASYNC110 (no event reports when it takes descriptors)
                await asyncio.sleep(0.005)
        return await self.arrival(child)

    async def arrival(self, child: Child) -> Child:
        """Wait until an ordered child exists.

        Raises:
            SandboxError: the zygote is gone or does not answer.
        """
        try:
            await arrives(child.pidfd, _FORK_SECONDS, self._kept_waiting_seconds, self._in_line)
            child.pidfd.result()
        except BaseException as error:
            child.kill()
            if isinstance(error, TimeoutError):
                raise SandboxError("the zygote does not fork") from error
            raise
        return child

    @property
    def is_worn(self) -> bool:
        """Whether it has forked its maximum of children, or has grown too much since its imports."""
        return self.forked >= CHILDREN_MAX or self.grown_kib > _GROWTH_KIB_MAX

    @property
    def is_busy(self) -> bool:
        """Whether a child is alive."""
        return bool(self._children)

    def _on_message(self) -> None:
        """Read all messages that the zygote has sent."""
        while True:
            try:
                content, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_MAX, 1)
            except BlockingIOError:
                return
            except OSError:
                content, descriptors = b"", []
            if not content:
                self._break()
                return
            self._take(parse(content), descriptors)

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if "forked" in message:
            child = self._children.get(message["forked"])
            if child is None or child.pidfd.done():
                for descriptor in descriptors:
                    os.close(descriptor)
            else:
                child.pidfd.set_result(descriptors[0])
        elif "unforked" in message:
            child = self._children.pop(message["unforked"], None)
            if child is not None:
                child.is_orphan = True
                _fail(child.pidfd, f"the zygote cannot fork: {message['problem']}")
                if not child.ended.done():
                    child.ended.set_result(-signal.SIGKILL)
        elif "ended" in message:
            self.grown_kib = message["resident_kib"] - self.report["resident_kib"]
            child = self._children.pop(message["ended"], None)
            if child is not None and not child.ended.done():
                child.cpu_seconds = message["cpu_ms"] / 1000
                child.ended.set_result(int(message["status"]))

    def _break(self) -> None:
        """The zygote has ended. Tell every waiting task."""
        self.is_broken = True
        asyncio.get_running_loop().remove_reader(self._control)
        self._orphan_children(f"the zygote ended: {self._last_words()}")

    def _orphan_children(self, why: str) -> list[Child]:
        """Tell the tasks that wait for a child that their zygote is gone. Returns these children."""
        orphans = list(self._children.values())
        self._children.clear()
        for child in orphans:
            child.is_orphan = True
            _fail(child.pidfd, why)
            if not child.ended.done():
                child.ended.set_result(-signal.SIGKILL)
        return orphans

    async def close(self) -> None:
        """Kill it and, with it, every child. Idempotent."""
        self.is_broken = True
        with contextlib.suppress(ValueError, OSError):
            asyncio.get_running_loop().remove_reader(self._control)
        for child in self._orphan_children("the sandbox was closed"):
            child.kill()
        self._control.close()
        if self._origin is not None:
            self._origin.kill()
        if self._pidfd >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.close(self._pidfd)
            self._pidfd = -1
        if self._process is not None:
            try:
                await self._reap(self._process)
            finally:
                _end(self._process)  # the wait may have been cancelled
                self._log.close()

    async def _reap(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the process that we started. It ends by itself when the zygote has ended."""
        for attempt in range(200):
            if process.poll() is not None:
                return
            if attempt == 100:
                process.kill()
            await asyncio.sleep(0.005 if attempt < 100 else 0.02)

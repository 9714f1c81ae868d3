"""Notices that the process which started the server has ended, even if standard input stays open."""

from __future__ import annotations

import asyncio
import os

POLL_SECONDS = 2.0
"""Where the system does not report the end of a process. Editors expect a server to end within ten seconds."""


class Parent:
    """The process that `initialize` names (LSP 3.18, `processId`), once it is known."""

    def __init__(self) -> None:
        self._process_id = 0
        self._is_known = asyncio.Event()

    def tell(self, process_id: int | None) -> None:
        """The editor named its process. Without one, or with a number that no process has, the wait never ends."""
        if process_id is not None and process_id > 0:
            self._process_id = process_id
            self._is_known.set()

    async def gone(self) -> None:
        """Wait until the process has ended."""
        await self._is_known.wait()
        try:
            descriptor = os.pidfd_open(self._process_id)
        except (ProcessLookupError, OverflowError):
            return
        except (AttributeError, OSError):
            await _polled(self._process_id)
        else:
            await _readable(descriptor)


async def _readable(descriptor: int) -> None:
    """Wait for the end of a process (pidfd_open(2): its descriptor becomes readable), and close the descriptor."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _polled(process_id: int) -> None:
    while _is_alive(process_id):  # noqa: ASYNC110 (no event tells it here)
        await asyncio.sleep(POLL_SECONDS)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

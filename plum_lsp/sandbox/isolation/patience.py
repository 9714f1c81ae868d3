"""Waits for a process. Time for which the process was ready to run but had no processor does not count.

The module does not know what it waits for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WAITED_SECONDS_MAX = 600.0
"""The most time without a processor that does not count. A user does not wait longer for a suggestion."""
_PROCESSES_MAX = 16
"""Processes of a tree that are looked at. bubblewrap puts two before ours."""
_LEFT_MIN = 0.05
"""The process is looked at again if it has more than this share of its time left."""


async def arrives(awaited: asyncio.Future[Any], seconds: float, kept_waiting: Callable[[], float]) -> None:
    """Wait until there is a result. `kept_waiting` tells for how many seconds the process had no processor so far.

    A result that is there when the time ends counts: it may be our own process that had no processor.

    Raises:
        TimeoutError: the process has run or slept for `seconds`.
    """
    loop = asyncio.get_running_loop()
    started, before, left = loop.time(), kept_waiting(), seconds
    while True:
        await asyncio.wait({awaited}, timeout=left)
        if awaited.done():
            return
        waited = min(max(0.0, kept_waiting() - before), WAITED_SECONDS_MAX)
        left = started + seconds + waited - loop.time()
        if left <= _LEFT_MIN * seconds:
            raise TimeoutError


def kept_waiting_below(number: int) -> float:
    """How long a process and those that descend from it had no processor. 0 if the kernel does not tell."""
    return sum(map(_kept_waiting, _tree(number)))


def kept_waiting_of(pidfd: int) -> float:
    """How long the process of a pidfd had no processor. 0 if the kernel does not tell."""
    try:
        return _kept_waiting(_number_of(pidfd))
    except (OSError, ValueError, IndexError):
        return 0.0


def in_line_of(pidfd: int) -> bytes | None:
    """A mark of how far the process of a pidfd has come, if it runs or waits for a processor. None if it does neither.

    The kernel adds a wait to `kept_waiting_of` when it has ended. While one goes on, the mark stays the same.
    """
    try:
        number = _number_of(pidfd)
        state = _read(f"/proc/{number}/stat").rpartition(b")")[2].split()[0]
        return _read(f"/proc/{number}/schedstat") if state == b"R" else None
    except (OSError, ValueError, IndexError):
        return None


def _number_of(pidfd: int) -> int:
    """The number of a pidfd's process.

    Raises:
        OSError, ValueError, IndexError: it has none any more.
    """
    return int(_read(f"/proc/self/fdinfo/{pidfd}").partition(b"\nPid:")[2].split()[0])


def _kept_waiting(number: int) -> float:
    """The second number of `/proc/PID/schedstat`, of the main thread (Documentation/scheduler/sched-stats.rst)."""
    try:
        return int(_read(f"/proc/{number}/schedstat").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _tree(root: int) -> Iterator[int]:
    """A process and its descendants, nearest first."""
    found = [root]
    for at in range(_PROCESSES_MAX):
        if at == len(found):
            return
        yield found[at]
        try:
            found += map(int, Path(f"/proc/{found[at]}/task/{found[at]}/children").read_bytes().split())
        except OSError:
            continue


def _read(path: str) -> bytes:
    """A short file of the kernel. Two are read for each program that is run, without the layers of `open`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)

"""Waits for a process. Time for which the process was ready to run but had no processor does not count.

The module does not know what it waits for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

WAITED_SECONDS_MAX = 600.0
"""The most time without a processor that does not count. A user does not wait longer for a suggestion."""
_PROCESSES_MAX = 16
"""Processes of a tree that are looked at. bubblewrap puts two before ours."""
_LEFT_MIN = 0.05
"""The process is looked at again if it has more than this share of its time left."""
_IN_LINE_SECONDS = 0.05
"""How long after the end of its time a process may be found to stand in line for a processor, before the next look."""


class Patience:
    """Ends a block when a process has run or slept for long enough in it, with `TimeoutError`.

    Time for which the process was ready to run but had no processor does not count, so a result does not depend on how
    busy the machine is. One that sleeps or spins gains no time. What is there when the time ends is read first: it may
    be our own process that had no processor.
    """

    def __init__(
        self,
        kept_waiting: Callable[[], float],
        in_line: Callable[[], object | None],
        *,
        waited_seconds_max: float = WAITED_SECONDS_MAX,
    ) -> None:
        """`kept_waiting` tells the seconds without a processor so far, `in_line` is `in_line_of` of the process."""
        self._kept_waiting, self._in_line, self._waited_seconds_max = kept_waiting, in_line, waited_seconds_max
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._mark: object | None = None

    async def __aenter__(self) -> Patience:
        await self._limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        await self._limit.__aexit__(kind, error, trace)

    def begin(self, seconds: float) -> None:
        """Let the process have `seconds` from now on."""
        self._stop()
        self._limit.reschedule(None)
        self._started, self._seconds = self._loop.time(), seconds
        self._waited_before = self._kept_waiting()
        self._mark = None
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        waited = min(max(0.0, self._kept_waiting() - self._waited_before), self._waited_seconds_max)
        left = self._started + self._seconds + waited - self._loop.time()
        if left > _LEFT_MIN * self._seconds:
            self._mark = None
            self._timer = self._loop.call_later(left, self._look)
        elif self._still_waits():
            self._timer = self._loop.call_later(_IN_LINE_SECONDS, self._look)
        else:
            self._limit.reschedule(self._loop.time())  # in the next round of the loop, after what can be read now

    def _still_waits(self) -> bool:
        """Whether a wait for a processor goes on, which the kernel does not count yet, or has perhaps just begun."""
        before, self._mark = self._mark, self._in_line()
        is_bounded = self._loop.time() < self._started + self._seconds + self._waited_seconds_max
        return is_bounded and self._mark is not None and before in (None, self._mark)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


async def arrives(
    awaited: asyncio.Future[Any],
    seconds: float,
    kept_waiting: Callable[[], float],
    in_line: Callable[[], object | None] = lambda: None,
) -> None:
    """Wait until there is a result, with `Patience`.

    Raises:
        TimeoutError: the process has run or slept for `seconds`.
    """
    try:
        async with Patience(kept_waiting, in_line) as patience:
            patience.begin(seconds)
            await asyncio.wait({awaited})
    except TimeoutError:
        if not awaited.done():
            raise


def in_line_below(number: int) -> tuple[bytes, ...] | None:
    """A mark of how far a process and those that descend from it have come, if one of them wants a processor."""
    marks = tuple(mark for one in _tree(number) if (mark := _in_line(one)) is not None)
    return marks or None


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
        return _in_line(_number_of(pidfd))
    except (OSError, ValueError, IndexError):
        return None


def _in_line(number: int) -> bytes | None:
    try:
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

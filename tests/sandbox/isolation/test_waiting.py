"""The start of a zygote has a time limit, and time without a processor does not count."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import descendants

from plum_lsp.sandbox import zygote_process
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.isolation.patience import arrives, in_line_of, kept_waiting_below
from plum_lsp.sandbox.opening import open_sandbox

SPINNERS = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for _ in range(2):
    if not os.fork():
        while os.getppid() != 1:
            pass
        os._exit(0)
sys.stdin.read()
"""


async def later() -> None:
    """Come after the time limit of these tests."""
    await asyncio.sleep(0.2)


async def test_a_process_that_sleeps_runs_out_of_time() -> None:
    """Only a wait for a processor is no time of its own."""
    coming = asyncio.ensure_future(later())
    with pytest.raises(TimeoutError):
        await arrives(coming, 0.02, lambda: 0.0)
    await coming


async def test_time_without_a_processor_does_not_count() -> None:
    """A process that never ran has its whole time left."""
    await arrives(asyncio.ensure_future(later()), 0.02, time.monotonic)


async def test_a_wait_that_goes_on_does_not_count() -> None:
    """The kernel counts a wait when it has ended. Until then the mark of who stands in line stays the same."""
    coming = asyncio.ensure_future(later())
    await arrives(coming, 0.02, lambda: 0.0, lambda: None if coming.done() else b"1 1 1")


async def test_one_that_gets_further_runs_out_of_time() -> None:
    """It has a processor."""
    coming, marks = asyncio.ensure_future(later()), itertools.count()
    with pytest.raises(TimeoutError):
        await arrives(coming, 0.02, lambda: 0.0, lambda: next(marks))
    await coming


async def test_what_came_while_we_had_no_processor_counts() -> None:
    """The result was there in time, and this process looked late."""
    coming = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, coming.set_result, None)
    asyncio.get_running_loop().call_soon(time.sleep, 0.1)
    await arrives(coming, 0.05, lambda: 0.0)


@pytest.mark.slow
async def test_a_zygote_that_has_no_processor_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with twenty programs for each processor."""
    monkeypatch.setattr(zygote_process, "_READY_SECONDS", 0.01)
    monkeypatch.setattr(zygote_process, "kept_waiting_below", lambda number: time.monotonic())
    sandbox = await open_sandbox(SandboxOptions(jobs=1, checks_itself=False))
    await sandbox.close()


@pytest.fixture
def spinners() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for input, with two children that want the same processor."""
    with subprocess.Popen([sys.executable, "-c", SPINNERS], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        os.killpg(process.pid, 9)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not tell")
async def test_the_processes_that_a_process_started_are_counted(spinners: subprocess.Popen[bytes]) -> None:
    """bubblewrap starts the zygote, and waits."""
    async with asyncio.timeout(60):
        while kept_waiting_below(spinners.pid) < 0.5:
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not tell")
async def test_who_wants_a_processor_is_in_line(spinners: subprocess.Popen[bytes]) -> None:
    """One that waits for input is not, and neither is one that is gone."""
    async with asyncio.timeout(60):
        while len(below := descendants(spinners.pid)) < 2:
            await asyncio.sleep(0.02)
        assert in_line_of(os.pidfd_open(min(below))) is not None
        while in_line_of(watched := os.pidfd_open(spinners.pid)) is not None:
            await asyncio.sleep(0.02)
    os.close(watched)
    assert in_line_of(watched) is None

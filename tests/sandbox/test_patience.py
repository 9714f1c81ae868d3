"""A time limit counts what a program does, and not what the machine does meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from plum_lsp.domain.verification import Call, Ending, Limits, Observation, Program
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation.child import Child
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow

LIMITS = Limits(wall_seconds=1.0)
SLEEPS = Program(source="import time\ndef f(seconds):\n    time.sleep(seconds)\n")


@pytest.fixture
async def sandbox() -> AsyncIterator[JailSandbox]:
    """A sandbox without its self-test, which other tests run."""
    opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
    yield opened
    await opened.close()


async def slept(sandbox: JailSandbox, seconds: float) -> Observation:
    """What a program that sleeps shows."""
    (seen,) = await sandbox.observe(SLEEPS, [Call(expression=f"f({seconds})")], LIMITS)
    return seen


async def test_a_program_that_sleeps_runs_out_of_time(sandbox: JailSandbox) -> None:
    """Sleep counts as time of its own."""
    assert (await slept(sandbox, 30)).ending is Ending.TIMED_OUT


async def test_our_own_wait_for_a_processor_does_not_count(sandbox: JailSandbox) -> None:
    """The answer came in time, and this process read it late."""
    asyncio.get_running_loop().call_later(0.1, time.sleep, 2.5)
    assert (await slept(sandbox, 0.4)).ending is Ending.RETURNED


async def test_a_long_wait_for_a_processor_does_not_count(
    sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine with twenty programs for each processor."""
    started = time.monotonic()
    monkeypatch.setattr(Child, "kept_waiting_seconds", lambda child: 0.95 * (time.monotonic() - started))
    assert (await slept(sandbox, 7)).ending is Ending.RETURNED


async def test_a_wait_that_goes_on_does_not_count(sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel counts a wait when it has ended, here after three seconds."""
    started = time.monotonic()

    def is_over() -> bool:
        return time.monotonic() > started + 3

    monkeypatch.setattr(Child, "kept_waiting_seconds", lambda child: 3.0 if is_over() else 0.0)
    monkeypatch.setattr(Child, "in_line", lambda child: None if is_over() else b"1 1 1", raising=False)
    assert (await slept(sandbox, 2.5)).ending is Ending.RETURNED


async def test_a_program_that_spins_runs_out_of_time(sandbox: JailSandbox) -> None:
    """It is in line at each look, and has come further since the one before."""
    spins = Program(source="def f():\n    while True: pass\n")
    (seen,) = await sandbox.observe(spins, [Call(expression="f()")], LIMITS)
    assert seen.ending is Ending.TIMED_OUT


async def test_the_way_into_the_jail_does_not_count(sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is locked down late has its whole time."""
    receive = Child.receive

    async def late(child: Child, bytes_max: int) -> bytes:
        frame = await receive(child, bytes_max)
        if b"ready" in frame:
            await asyncio.sleep(2)
        return frame

    monkeypatch.setattr(Child, "receive", late)
    assert (await slept(sandbox, 0.1)).ending is Ending.RETURNED

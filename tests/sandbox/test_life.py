"""How the sandbox lives and dies: with its owner, with a cancelled task, after a broken zygote, in any event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.hostile import HONEST, honest
from support.processes import descendants, is_alive, until_gone

from plum_lsp.domain.errors import SandboxError, SandboxUnavailable
from plum_lsp.domain.verification import Call, Ending, Limits, Program, VerdictStatus
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation.plans import TIERS
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0)

OWNER = """
import asyncio, sys
from plum_lsp.domain.verification import Call, Limits, Program
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
async def main():
    sandbox = await open_sandbox(SandboxOptions(tier=sys.argv[1]))
    hang = Program(source="def f():\\n    while True: pass")
    task = asyncio.create_task(sandbox.observe(hang, [Call(expression="f()")], Limits(wall_seconds=60, cpu_seconds=60)))
    await asyncio.sleep(0.2)
    print("at work", flush=True)
    await task
asyncio.run(main())
"""


@pytest.fixture
def ours() -> Callable[[], set[int]]:
    """Tells which processes below this one have come since the test began: other tests share servers, which stay."""
    others = descendants(os.getpid())
    return lambda: descendants(os.getpid()) - others


@pytest.fixture
async def sandbox(ours: Callable[[], set[int]]) -> AsyncIterator[JailSandbox]:
    """A sandbox of the strongest tier."""
    opened = await open_sandbox(SandboxOptions(jobs=2))
    yield opened
    await opened.close()


@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
def test_nothing_survives_a_killed_owner(tier: str) -> None:
    """SIGKILL of the server takes the zygote and a child at work with it; no mount is left."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, tier], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"at work\n"
    mounts = len(Path("/proc/self/mountinfo").read_text().splitlines())
    below = descendants(owner.pid)
    assert len(below) >= 2
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 5
    while (alive := [pid for pid in below if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert alive == []
    assert len(Path("/proc/self/mountinfo").read_text().splitlines()) == mounts


IMPORTING_OWNER = """
import asyncio, sys
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
options = SandboxOptions(tier=sys.argv[1], imports=("endless",), import_paths=(sys.argv[2],), readable=(sys.argv[2],))
asyncio.run(open_sandbox(options))
"""


@pytest.mark.parametrize("tier", [tier.name for tier in TIERS])
def test_a_busy_zygote_does_not_survive_a_killed_owner(tier: str) -> None:
    """A zygote that is held up by a package's import never looks at its control socket; it goes all the same."""
    folder = Path(tempfile.mkdtemp(prefix="plum-endless-"))
    folder.chmod(0o755)
    (folder / "endless.py").write_text("while True: pass\n")
    owner = subprocess.Popen([sys.executable, "-c", IMPORTING_OWNER, tier, str(folder)])
    deadline = time.monotonic() + 20
    while not (busy := [pid for pid in descendants(owner.pid) if spent_ticks(pid) > 30]):
        assert time.monotonic() < deadline, "no zygote became busy"
        time.sleep(0.02)
    below = descendants(owner.pid)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    shutil.rmtree(folder)
    deadline = time.monotonic() + 5
    while (alive := [pid for pid in {*below, *busy} if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert alive == []


def spent_ticks(pid: int) -> int:
    """Clock ticks of CPU a process has used; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


async def test_cancelling_kills_the_child(sandbox: JailSandbox) -> None:
    """A cancelled verification leaves no process at work and frees its slot."""
    hang = Program(source="def f():\n    while True: pass")
    tasks = [asyncio.create_task(sandbox.observe(hang, [Call(expression="f()")], PATIENT)) for _ in range(4)]
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    (verdict,) = await sandbox.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
    assert verdict.is_pass


async def test_a_killed_zygote_is_replaced(sandbox: JailSandbox, ours: Callable[[], set[int]]) -> None:
    """When every process of the jail dies, what runs becomes an error of ours or a crash, and the next run works."""
    for pid in ours():
        with contextlib.suppress(ProcessLookupError):  # those below a killed one go with it
            os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.05)
    for _ in range(3):
        try:
            (verdict,) = await sandbox.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
        except SandboxError:
            continue
        if verdict.status is VerdictStatus.PASSED:
            return
    pytest.fail("the sandbox did not come back")


async def test_closing_twice_is_harmless_and_ends_everything(ours: Callable[[], set[int]]) -> None:
    """After `close` no process is left and nothing runs any more."""
    opened = await open_sandbox(SandboxOptions(jobs=2))
    below = ours()
    assert below
    await opened.close()
    await opened.close()
    deadline = time.monotonic() + 5
    while any(map(is_alive, below)) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not any(map(is_alive, below))
    with pytest.raises(SandboxError):
        await opened.observe(HONEST, [Call(expression="1")], PATIENT)


async def test_closing_says_nothing_about_a_program_at_work(ours: Callable[[], set[int]]) -> None:
    """Its child is killed by us, so there is no observation."""
    opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
    hang = Program(source="def f():\n    while True: pass")
    running = asyncio.create_task(
        opened.observe(hang, [Call(expression="f()")], Limits(cpu_seconds=60, wall_seconds=60))
    )
    deadline = time.monotonic() + 20
    while not any(spent_ticks(pid) > 30 for pid in ours()):
        assert time.monotonic() < deadline, "the program does not run"
        await asyncio.sleep(0.02)
    await opened.close()
    with pytest.raises(SandboxError):
        await running


async def test_an_unknown_tier_or_interpreter_is_refused() -> None:
    """With what to do about it."""
    with pytest.raises(SandboxUnavailable) as refused:
        await open_sandbox(SandboxOptions(tier="wishful"))
    assert "full" in refused.value.remedy
    with pytest.raises(SandboxError):
        await open_sandbox(SandboxOptions(interpreter="/nonexistent/python"))


async def test_many_at_once_are_bounded_and_right(sandbox: JailSandbox) -> None:
    """Sixty verifications with two slots: all right, and a hang delays only itself."""
    hang = Program(source="def f():\n    while True: pass")
    hanging = asyncio.create_task(sandbox.observe(hang, [Call(expression="f()")], Limits(wall_seconds=0.5)))
    verdicts = await asyncio.gather(
        *(sandbox.verify(HONEST, honest(), PATIENT, reference=Program(source="")) for _ in range(60))
    )
    assert all(verdict.is_pass for (verdict,) in verdicts)
    (seen,) = await hanging
    assert seen.ending is Ending.TIMED_OUT


async def test_nothing_is_forked_ahead_while_anybody_waits(
    sandbox: JailSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forks take the cores from what is being judged: they wait until a whole group is done."""
    refills: list[None] = []
    monkeypatch.setattr(sandbox._pool, "refill", lambda: refills.append(None))
    await asyncio.gather(*(sandbox.verify(HONEST, honest(), PATIENT, reference=Program(source="")) for _ in range(24)))
    assert len(refills) == 1


def test_each_event_loop_can_have_one() -> None:
    """Nothing is kept between loops, and a loop in a thread does as well."""

    async def once() -> bool:
        opened = await open_sandbox(SandboxOptions(jobs=2, checks_itself=False))
        try:
            (verdict,) = await opened.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
            return verdict.is_pass
        finally:
            await opened.close()

    assert asyncio.run(once())
    assert asyncio.run(asyncio.wait_for(asyncio.to_thread(asyncio.run, once()), 60))


async def test_replacing_zygotes_leaks_nothing(monkeypatch: pytest.MonkeyPatch, ours: Callable[[], set[int]]) -> None:
    """A zygote that has forked its share makes room for another, with spare children still on their way."""
    monkeypatch.setattr("plum_lsp.sandbox.zygote_process.CHILDREN_MAX", 20)
    opened = await open_sandbox(SandboxOptions(jobs=2, spares=8, checks_itself=False))
    counts = []
    for _ in range(6):
        verdicts = [opened.verify(HONEST, honest(), PATIENT, reference=Program(source="")) for _ in range(12)]
        assert all(verdict.is_pass for (verdict,) in await asyncio.gather(*verdicts))
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
    await opened.close()
    assert max(counts[2:]) - counts[1] <= 8
    assert await until_gone(ours()) == set()

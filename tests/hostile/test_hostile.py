"""Programs that try to forge a pass, leave the jail, exhaust the machine or poison what comes next; none succeeds.

The programs are in `*.programs` beside this file, grouped by what they attack. Every group runs in every tier.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from support.hostile import FOLDER, GROUPS, HONEST, honest, programs, unforeseen
from support.processes import children
from support.sandbox_attacks import canaries

from plum_lsp.domain.verification import Call, Ending, Limits, Node, Program, VerdictStatus
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation.plans import TIERS
from plum_lsp.sandbox.jail.tasks import OWN_MAX
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow

FILES = {path.stem: path for path in FOLDER.glob("*.programs")}
PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)
SHORT = Limits(wall_seconds=0.7, cpu_seconds=1.0)

ATTEMPTS = '''
def probe():
    """Names of the functions of this module that did what they try."""
    done = []
    for name, action in list(globals().items()):
        if action is probe or type(action) is not type(probe): continue
        try: action()
        except (OSError, ValueError, ImportError, LookupError, AttributeError, TypeError): continue
        done.append(name)
    return done
'''
TRACES = """
def traces():
    import builtins, math, json, random, sys, heapq, collections.abc, functools, os, threading, signal, decimal
    found = []
    if len([1]) != 1 or hasattr(builtins, "canary") or 3 + 4 != 7 or hasattr(int, "canary"): found.append("builtins")
    if math.sqrt(9) != 3 or json.dumps([1]) != "[1]" or not callable(random.seed): found.append("modules")
    if sys.modules.get("collections") is None or "/tmp" in sys.path or "canary_module" in sys.modules:
        found.append("sys")
    if heapq.heappop([1]) != 1 or sys.getrecursionlimit() < 500 or sys.excepthook is None: found.append("more")
    if isinstance({}, collections.abc.Sequence) or functools.reduce(max, [1, 2]) != 2: found.append("abc")
    if threading.active_count() != 1 or signal.pthread_sigmask(signal.SIG_BLOCK, []): found.append("threads")
    if signal.getitimer(signal.ITIMER_REAL)[0] or decimal.getcontext().prec != 28: found.append("timers")
    found += [p for p in ("/tmp/canary", "/dev/shm/canary", "canary", "/dev/canary") if os.path.exists(p)]
    return found
"""


@pytest.fixture(params=[tier.name for tier in TIERS])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[JailSandbox]:
    """A sandbox of each tier, with canaries in reach."""
    with canaries():
        opened = await open_sandbox(SandboxOptions(tier=request.param, jobs=4))
        yield opened
        await opened.close()


async def each(group: str, judge: Callable[[Program], Awaitable[str]]) -> dict[str, str]:
    """What is wrong with each program of a group, where something is."""
    named = programs(group)
    problems = await asyncio.gather(*(judge(program) for program in named.values()))
    return {name: problem for name, problem in zip(named, problems, strict=True) if problem}


async def passes(sandbox: JailSandbox, program: Program, limits: Limits) -> str:
    """The tests of unforeseeable answers that a program passes, as text."""
    verdicts = await sandbox.verify(program, unforeseen(), limits, reference=Program(source=""))
    return ", ".join(f"test {verdict.test_id}: {verdict.shown}" for verdict in verdicts if verdict.is_pass)


async def assert_honest_pass(sandbox: JailSandbox) -> None:
    """The sandbox still judges honest programs right."""
    (verdict,) = await sandbox.verify(HONEST, honest(), PATIENT, reference=Program(source=""))
    assert verdict.status is VerdictStatus.PASSED, verdict.shown


async def test_no_forged_pass(sandbox: JailSandbox) -> None:
    """Whatever a program does to its process, it passes no test whose answer it does not give."""
    assert (
        await each("forging", lambda program: passes(sandbox, program, Limits(wall_seconds=4.0, cpu_seconds=4.0))) == {}
    )
    await assert_honest_pass(sandbox)


async def test_no_value_overcomes_the_judge(sandbox: JailSandbox) -> None:
    """Values made to be costly pass nothing and cost the host little."""
    used = time.process_time()
    assert await each("values", lambda program: passes(sandbox, program, Limits(wall_seconds=2.0))) == {}
    assert time.process_time() - used < 15.0
    await assert_honest_pass(sandbox)


async def test_no_way_out(sandbox: JailSandbox) -> None:
    """No file, secret, network, process, signal or kernel surface is in reach."""

    async def escapes(program: Program) -> str:
        (seen,) = await sandbox.observe(
            Program(source=program.source + ATTEMPTS), [Call(expression="probe()")], PATIENT
        )
        if isinstance(seen.value, Node):
            return ", ".join(map(str, seen.value.items))
        return (
            ""
            if seen.ending is Ending.CRASHED and "did not load" not in seen.detail
            else f"{seen.ending} {seen.detail}"
        )

    assert await each("escaping", escapes) == {}
    await assert_honest_pass(sandbox)


async def test_no_exhaustion_outlasts_its_limits(sandbox: JailSandbox) -> None:
    """Each ends in time and passes nothing; honest programs beside it pass."""

    async def outlasts(program: Program) -> str:
        started = time.monotonic()
        (seen,) = await sandbox.observe(program, [Call(expression="f(1)")], SHORT)
        if seen.ending is Ending.RETURNED:
            return f"returned {seen.value!r:.80}"
        return "" if time.monotonic() - started < 60 else "took too long"

    problems, *_ = await asyncio.gather(each("exhausting", outlasts), *(assert_honest_pass(sandbox) for _ in range(16)))
    assert problems == {}


async def test_no_flood_of_threads_goes_beyond_its_number(sandbox: JailSandbox) -> None:
    """It ends at the bound of one child, with or without a control group, and honest programs beside it pass."""

    async def exceeds(program: Program) -> str:
        (seen,) = await sandbox.observe(program, [Call(expression="flood()")], PATIENT)
        return "" if isinstance(seen.value, int) and 0 < seen.value <= OWN_MAX else f"{seen.value} {seen.detail}"

    problems, *_ = await asyncio.gather(each("flooding", exceeds), *(assert_honest_pass(sandbox) for _ in range(16)))
    assert problems == {}


async def test_nothing_is_left_for_the_next_program(sandbox: JailSandbox) -> None:
    """A fresh child is as the first one was."""

    async def leaves(program: Program) -> str:
        await sandbox.observe(program, [Call(expression="poison()")], SHORT)
        (seen,) = await sandbox.observe(Program(source=TRACES), [Call(expression="traces()")], PATIENT)
        return (
            ""
            if seen.value == Node(kind="list", type_name="list", items=())
            else f"{seen.value} {seen.raised} {seen.detail}"
        )

    assert await each("lingering", leaves) == {}


def test_there_are_enough_of_them() -> None:
    """At least 120 programs, some for every target, forging the largest group; no file is left out."""
    counts = {target: path.read_text().count("\n### ") for target, path in FILES.items()}
    assert sum(counts.values()) == sum(len(programs(group)) for group in GROUPS) >= 120
    assert min(counts.values()) >= 3
    assert max(counts, key=lambda target: counts[target]) == "forging"


def descriptors() -> int:
    """How many are open in this process."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_no_descriptor_process_or_child_is_left_behind() -> None:
    """After a batch with hangs and crashes the host holds what it held before."""

    before, earlier = descriptors(), children()
    opened = await open_sandbox(SandboxOptions(jobs=4))
    await each("exhausting", lambda program: passes(opened, program, Limits(wall_seconds=0.05)))
    await opened.close()
    assert descriptors() == before
    assert children() <= earlier

"""Measures the cost of the sandbox, its leaks, and whether it breaks honest programs.

    python -m benchmarks.sandbox [--rounds 9] [--soak 20000] [--fuzz 1000000] [--data FOLDER] [--interpreter PYTHON]

1. Speed: groups of 8 and 32 candidates with 8 tests each, through the sandbox with its children forked ahead, against
   one `bwrap python` process per candidate and against plain `python` processes with no isolation at all. The rounds
   alternate between the three and all use the same number of jobs and the same niceness (by default the sandbox gives
   way to other processes, which on a busy machine is slower), so that other load on the machine affects each.
2. The first request: opening the sandbox, its self-test included, and with numpy if the interpreter has it.
3. `--soak`: that many programs in one process, one in ten hostile, with descriptors, processes and memory before and
   after.
4. `--fuzz`: that many random trees through the judge and the decoder.
5. `--data`: the development data's canonical solutions with their own tests. Programs may not write files, and packages
   are those of the interpreter. Any other failure is a false one. Then its hostile programs, in every tier.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.hostile import programs, unforeseen
from support.hostile import test_case as a_test
from support.sandbox_attacks import canaries, ends

from plum_lsp.domain.values import show
from plum_lsp.domain.verification import Call, Ending, Equals, Limits, Program
from plum_lsp.evaluation.tasks import run_gold
from plum_lsp.sandbox import judge, values
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.opening import open_sandbox

SOURCES = ("humaneval", "humaneval_plus", "mbpp", "mbpp_plus", "classeval", "thealgorithms")
_WRITES = ("Read-only file system", "unable to open database file")
_IMPORTS = ("ModuleNotFoundError", "ImportError")
JOBS = max(2, (os.cpu_count() or 2) // 2)
PAUSE_SECONDS = 0.5
"""The pause between groups. A policy takes longer to write the next one, and children are forked ahead meanwhile."""
LIMITS = Limits(wall_seconds=10.0, cpu_seconds=10.0)
CANDIDATE = """
import collections, functools, math, re
def f(n):
    total = 0
    for i in range(n): total += i * i + {salt} - {salt}
    return [total, math.isqrt(total), collections.Counter(str(total)).most_common(1)[0][0]]
"""
IMPORTS = "import collections, functools, math, re\n"


def candidate(salt: int) -> str:
    """A right program that differs from the others."""
    return CANDIDATE.format(salt=salt)


def expected() -> dict[int, Any]:
    """The results of the eight calls."""
    space: dict[str, Any] = {}
    exec(candidate(0), space)
    return {n: space["f"](n) for n in range(3, 11)}


async def by_sandbox(sandbox: JailSandbox, count: int, answers: dict[int, Any]) -> None:
    """Run all candidates in the sandbox."""
    tests = [a_test(str(n), f"f({n})", Equals(expected=repr(answer))) for n, answer in answers.items()]
    verdicts = await asyncio.gather(
        *(
            sandbox.verify(Program(source=candidate(i)), tests, LIMITS, reference=Program(source=""))
            for i in range(count)
        )
    )
    assert all(verdict.is_pass for group in verdicts for verdict in group)


async def by_processes(prefix: list[str], count: int, answers: dict[int, Any]) -> None:
    """Run one process for each candidate, which judges itself. `prefix` is the command that wraps the interpreter."""
    slots = asyncio.Semaphore(JOBS)
    checks = "\n".join(f"assert f({n}) == {answer!r}" for n, answer in answers.items())

    async def one(salt: int) -> None:
        async with slots:
            process = await asyncio.create_subprocess_exec(*prefix, "-I", "-S", "-c", candidate(salt) + checks)
            assert await process.wait() == 0

    await asyncio.gather(*(one(i) for i in range(count)))


def bubblewrap_prefix() -> list[str]:
    """The plainest safe command line: read-only root, no network, every namespace."""
    options = "--unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --clearenv --"
    return [str(isolation.bubblewrap_path()), *options.split(), str(Path(sys.executable).resolve())]


async def timed(action: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds of one run."""
    started = time.perf_counter()
    await action()
    return (time.perf_counter() - started) * 1000


def spread(times: list[float]) -> str:
    """Median and the middle half."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:8.1f} ms ({low:.1f} to {high:.1f})"


async def measure_speed(options: SandboxOptions, rounds: int) -> None:
    """Part 1."""
    answers = expected()
    sandbox = await open_sandbox(options)
    print(f"tier {sandbox.tier.name}, {JOBS} jobs, {os.cpu_count()} cores, {rounds} rounds, medians with quartiles")
    try:
        for count in (8, 32):
            ways: dict[str, Callable[[], Awaitable[None]]] = {
                "sandbox": partial(by_sandbox, sandbox, count, answers),
                "bwrap python each": partial(by_processes, bubblewrap_prefix(), count, answers),
                "plain python each": partial(by_processes, [sys.executable], count, answers),
            }
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, way in ways.items():
                    await asyncio.sleep(PAUSE_SECONDS)
                    times[name].append(await timed(way))
            for name, taken in times.items():
                ratio = statistics.median(taken) / statistics.median(times["sandbox"])
                print(f"  {count:2d} x 8  {name:18s} {spread(taken)}   {ratio:5.1f} x the sandbox")
    finally:
        await sandbox.close()


async def measure_first(options: SandboxOptions, rounds: int) -> None:
    """Part 2."""
    opening: list[float] = []
    numpy: list[float] = []
    warm: list[float] = []
    for _ in range(max(3, rounds // 3)):
        started = time.perf_counter()
        sandbox = await open_sandbox(options)
        opening.append((time.perf_counter() - started) * 1000)
        program = Program(source="import numpy as np\ndef f(): return np.arange(4).sum()")
        for times in (numpy, warm):
            started = time.perf_counter()
            (seen,) = await sandbox.observe(program, [Call(expression="f()")], LIMITS)
            if seen.ending is Ending.RETURNED:
                times.append((time.perf_counter() - started) * 1000)
        await sandbox.close()
    print(f"  opening, self-test included  {spread(opening)}")
    if warm:
        print(f"  first program with numpy     {spread(numpy)}")
        print(f"  the next one                 {spread(warm)}")


def holdings() -> dict[str, int]:
    """Descriptors, child processes and resident memory of this process, in kibibytes."""
    status = Path("/proc/self/status").read_text()
    parents: Counter[int] = Counter()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int((entry / "stat").read_text().rpartition(")")[2].split()[1])] += 1
            except OSError:
                continue
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "children": parents[os.getpid()],
        "resident_kib": int(status.partition("VmRSS:")[2].split()[0]),
    }


async def soak(options: SandboxOptions, count: int) -> None:
    """Part 3."""
    hostile = [*programs("forging").values(), *programs("values").values(), *programs("exhausting").values()]
    sandbox = await open_sandbox(options)
    chance = random.Random(7)
    wrong: Counter[str] = Counter()
    short = Limits(wall_seconds=0.25, cpu_seconds=1.0)
    right = [a_test("0", "f(9)", Equals(expected=repr(expected()[9])))]

    async def one(number: int) -> None:
        if chance.random() < 0.1:
            verdicts = await sandbox.verify(
                chance.choice(hostile), unforeseen()[:4], short, reference=Program(source="")
            )
            wrong["hostile passed"] += any(verdict.is_pass for verdict in verdicts)
        else:
            (verdict,) = await sandbox.verify(
                Program(source=candidate(number)), right, LIMITS, reference=Program(source="")
            )
            wrong["honest did not pass"] += not verdict.is_pass

    async def batch(start: int, size: int) -> None:
        await asyncio.gather(*(one(number) for number in range(start, start + size)))

    await batch(0, 200)
    before, started, quarter = holdings(), time.perf_counter(), 0
    for start in range(200, 200 + count, 100):
        await batch(start, min(100, 200 + count - start))
        if start - 100 < count // 4 <= start:
            quarter = holdings()["resident_kib"]
    after = holdings()
    print(f"  {count} programs in {time.perf_counter() - started:.0f} s; wrong: {+wrong or 'none'}")
    print(f"  before {before}\n  after  {after}")
    print(f"  resident memory over that after a quarter of the programs: {after['resident_kib'] / max(1, quarter):.3f}")
    await sandbox.close()
    print(f"  closed {holdings()}")


def fuzz(count: int) -> None:
    """Part 4."""
    chance = random.Random(11)
    atoms: list[Any] = [None, True, False, 0, 1, -1, 2**70, "", "a", "\ud800", ["f", "nan"], ["f", "inf"], ["f", 1]]
    atoms += [["f", "0x1p-3"], ["i", "0xff"], ["i", "zz"], ["b", "00"], ["c", "nan", "0x1p0"], {}, []]
    kinds = [*values.KINDS, "approx", "what"]

    def tree(depth: int) -> Any:
        if depth == 0 or chance.random() < 0.4:
            return chance.choice(atoms)
        parts = [tree(depth - 1) for _ in range(chance.randrange(4))]
        return ["n", chance.choice(kinds), chance.choice(["A", "Decimal", "Fraction"]), "x y", parts]

    refused = slowest = 0.0
    previous: Any = None
    for _ in range(count):
        started = time.perf_counter()
        try:
            value = values.decode(tree(5))
        except values.MalformedValue:
            refused += 1
            continue
        show(value)
        judge.digest(value)
        judge.equal(previous, value)
        is_itself = judge.equal(value, value)
        assert is_itself or any(kind in repr(value) for kind in ("object", "approx", "generator", "view"))
        previous = value
        slowest = max(slowest, time.perf_counter() - started)
    print(f"  {count} trees, {refused / count:.0%} refused, no crash; slowest {slowest * 1000:.1f} ms")


async def measure_benign(options: SandboxOptions, folder: Path) -> None:
    """Part 5."""
    sandbox = await open_sandbox(options)
    slots = asyncio.Semaphore(JOBS * 2)
    generous = Limits(wall_seconds=60.0, cpu_seconds=60.0, memory_bytes=1 << 30)

    async def problem(row: dict[str, Any]) -> str:
        source = row["prompt"] + row["canonical"] + row["suffix"]
        async with slots:
            seen = await run_gold(source, row["tests"], sandbox, generous)
        return "" if seen.ending is Ending.RETURNED else f"{row['task_id']}: {seen.detail[:120]}"

    for source in SOURCES:
        rows = [json.loads(line) for line in (folder / f"{source}.jsonl").read_text().splitlines()]
        problems = [found for found in await asyncio.gather(*map(problem, rows)) if found]
        writing = [found for found in problems if any(word in found for word in _WRITES)]
        missing = [found for found in problems if any(word in found for word in _IMPORTS)]
        others = [found for found in problems if found not in [*writing, *missing]]
        print(
            f"  {source:14s} {len(rows) - len(problems)} of {len(rows)} pass their own tests; "
            f"{len(writing)} write files, {len(missing)} import what is not installed; false failures: {len(others)}"
        )
        for found in others:
            print(f"    {found}")
    await sandbox.close()


async def measure_attacks(options: SandboxOptions, lines: list[str]) -> None:
    """The second half of part 5."""
    must_be = {case["id"]: case["must_be"] for case in map(json.loads, lines)}
    honest = {f"honest-{number}": "pass" for number in range(16)}
    program = {"code": "def f(x): return [x, str(x)]", "entry_point": "f", "tests": [[[3], [3, "3"]]]}
    mixed = [*lines, *(json.dumps({"id": name, **program}) for name in honest)]
    random.Random(3).shuffle(mixed)
    for tier in isolation.TIERS if options.tier is None else isolation.tiers_to_try(options.tier):
        with canaries():
            alone = (await ends(lines, tier=tier.name, at_once=1))["statuses"]
            among = (await ends(mixed, tier=tier.name))["statuses"]
        right = sum(alone[name] == wanted for name, wanted in must_be.items())
        right_among = sum(among[name] == wanted for name, wanted in (must_be | honest).items())
        print(
            f"  tier {tier.name:10s} as user {os.getuid()}: {right} of {len(must_be)} end right alone, "
            f"{right_among} of {len(mixed)} mixed with 16 honest programs"
        )


async def main() -> None:
    """Print every requested part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--soak", type=int, default=0)
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--interpreter", default="")
    parser.add_argument("--tier", default=None)
    asked = parser.parse_args()
    options = SandboxOptions(interpreter=asked.interpreter, tier=asked.tier, jobs=JOBS)
    if asked.rounds:
        await measure_speed(replace(options, nice=0), asked.rounds)
        await measure_first(options, asked.rounds)
    if asked.fuzz:
        fuzz(asked.fuzz)
    if asked.data:
        await measure_benign(options, asked.data)
        await measure_attacks(options, (asked.data / "attacks.jsonl").read_text().splitlines())
    if asked.soak:
        await soak(options, asked.soak)


if __name__ == "__main__":
    asyncio.run(main())

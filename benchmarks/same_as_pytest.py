"""Compares the outcomes of a project's tests in the jail with plain pytest's.

    python -m benchmarks.same_as_pytest FOLDER… [--files N]

Each test function that ended in the jail is compared with the same cases under `pytest` of the project's own
interpreter, or of this one if it has none. What the jail refuses, as sockets and processes, does not run there and is
counted apart. The folders are trusted by naming them here: their suites are run, outside the jail too.
"""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import RunOutcome
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.project.test_index import TestIndex
from plum_lsp.report.printing import say
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.sandbox.projects.testing import CASES_MAX

_log = logging.getLogger(__name__)
PYTEST_SECONDS_MAX = 300
_LINE = re.compile(r"^(\S+?::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.MULTILINE)
_FAILED_PART = re.compile(r"^SUBFAILED.*? (\S+\.py::\S+)", re.MULTILINE)
"""A part of a test (`subTest`) that failed. The test's own line may say that it passed."""
_COMPARED = {
    RunOutcome.PASSED: True,
    RunOutcome.FAILED: False,
    RunOutcome.ERRORED: False,
    RunOutcome.ERRORED_BESIDE: False,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """How many tests ended alike and differently, and which did not run in the jail, by outcome."""

    equal: int
    different: tuple[str, ...]
    apart: Counter[str]


def plain(project: Project, file: str) -> dict[str, bool]:
    """Whether each test function of a file passes under pytest, in as many cases as the jail runs, without skips."""
    python = str(project.environment.executable) if project.environment else sys.executable
    options = ("-p", "no:cacheprovider", "-p", "no:randomly", "-o", "addopts=", "-v", "--tb=no", "--no-header")
    try:
        done = subprocess.run(
            [python, "-m", "pytest", *options, file],
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=PYTEST_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}
    cases: dict[str, list[str]] = {}
    parts = [(case, "FAILED") for case in _FAILED_PART.findall(done.stdout)]
    for case, outcome in [*parts, *_LINE.findall(done.stdout)]:
        cases.setdefault(case.partition("[")[0], []).append(outcome)
    first = {name: outcomes[:CASES_MAX] for name, outcomes in cases.items()}
    known = {name: outcomes for name, outcomes in first.items() if {"PASSED", "FAILED", "ERROR"} & set(outcomes)}
    return {name: not {"FAILED", "ERROR"} & set(outcomes) for name, outcomes in known.items()}


async def compared(project: Project, *, files_max: int = 10_000) -> Compared:
    """The tests of a project in the jail and under pytest."""

    async def at_once() -> None:
        return

    equal, different, apart = 0, list[str](), Counter[str]()
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    try:
        for file in TestIndex(exclude=()).test_files(project)[:files_max]:
            expected = await asyncio.to_thread(plain, project, file)
            async with aclosing(sandbox.traced(file, at_once)) as runs:
                async for one in runs:
                    run = one.run
                    is_refused = run.outcome is RunOutcome.ERRORED and expected.get(run.test, False)
                    if is_refused or run.outcome not in _COMPARED or run.test not in expected:
                        apart[run.outcome.value] += 1
                        _log.debug("%s: %s %s", run.test, run.outcome.value, run.shown)
                    elif _COMPARED[run.outcome] is expected[run.test]:
                        equal += 1
                    else:
                        different.append(f"{run.test}: {run.outcome.value} in the jail: {run.shown[:160]}")
    finally:
        await sandbox.close()
    return Compared(equal, tuple(different), apart)


def main(arguments: list[str]) -> None:
    """Print a line for each project, the differences, and the total."""
    files_max = int(arguments[arguments.index("--files") + 1]) if "--files" in arguments else 10_000
    folders = [Path(one) for one in arguments if not one.startswith("--") and not one.isdigit()]
    total = different = 0
    for folder in folders:
        found = asyncio.run(compared(ProjectFinder().project_at(folder), files_max=files_max))
        ran = found.equal + len(found.different)
        total, different = total + ran, different + len(found.different)
        say(f"{folder.name}: {found.equal} of {ran} equal; not compared: {dict(found.apart)}")
        for line in found.different:
            say(f"  {line}")
    say(f"equal: {total - different} of {total}" + (f", {(total - different) / total:.2%}" if total else ""))


if __name__ == "__main__":
    main(sys.argv[1:])

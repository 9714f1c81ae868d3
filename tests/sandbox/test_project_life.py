"""The sandboxes of projects: busy ones stay, failed ones are tried again, closed ones leave no process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import filled, written
from support.processes import children, until_gone

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import Call, Ending, Limits, Program
from plum_lsp.sandbox.by_project import PROJECTS_MAX, RETRY_SECONDS, ProjectSandboxes
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

pytestmark = pytest.mark.slow
PATIENT = Limits(wall_seconds=20.0, cpu_seconds=20.0)
CORE = "def f(n):\n    raise NotImplementedError\n"
SLOW = f"import time\ntime.sleep(1.5)\n{CORE}"


def project_in(folder: Path, core: str = CORE) -> Project:
    """A project of one module."""
    return written(folder, pkg__init="", pkg__core=core)


async def sandboxes() -> tuple[ProjectSandboxes, JailSandbox]:
    """Sandboxes for projects, beside the default one."""
    options = SandboxOptions(checks_itself=False, spares=0)
    default = await open_sandbox(options)
    return ProjectSandboxes(options, default), default


async def test_a_busy_project_is_not_closed(tmp_path: Path) -> None:
    """More projects than are kept do not end the sandbox of one whose program is being run."""
    projects = [project_in(tmp_path / str(number)) for number in range(PROJECTS_MAX + 2)]
    held, default = await sandboxes()
    try:
        first = await held.of(projects[0])
        program = filled(projects[0], "pkg/core.py", "import time\ntime.sleep(n)\nreturn n")
        run = asyncio.create_task(first.observe(program, [Call(expression="f(6)")], PATIENT))
        async with asyncio.timeout(10):
            while not getattr(first, "is_busy", True):
                await asyncio.sleep(0.01)
        for other in projects[1:]:
            await held.of(other)
        (seen,) = await run
    finally:
        await held.close()
        await default.close()
    assert seen.value == 6, seen


async def test_a_held_project_is_not_closed(tmp_path: Path) -> None:
    """A request that waits for the policy runs nothing, and needs its sandbox afterwards."""
    projects = [project_in(tmp_path / str(number)) for number in range(PROJECTS_MAX + 2)]
    held, default = await sandboxes()
    try:
        first = await held.of(projects[0])
        with first.held():
            for other in projects[1:]:
                await held.of(other)
            assert await held.of(projects[0]) is first
            changed = replace(projects[0], import_roots=(*projects[0].import_roots, tmp_path))
            assert await held.of(changed) is not first
            program = filled(projects[0], "pkg/core.py", "return n")
            (seen,) = await first.observe(program, [Call(expression="f(6)")], PATIENT)
        assert seen.value == 6, seen
        async with asyncio.timeout(20):
            while await is_open(first):
                await asyncio.sleep(0.01)
    finally:
        await held.close()
        await default.close()


async def is_open(sandbox: Sandbox) -> bool:
    """Whether a program can still be run."""
    try:
        await sandbox.observe(Program(source=""), [Call(expression="1")], PATIENT)
    except SandboxError:
        return False
    return True


async def test_a_held_project_is_closed_at_the_end(tmp_path: Path) -> None:
    """No request keeps the processes of a server that stops."""
    held, default = await sandboxes()
    first = await held.of(project_in(tmp_path))
    with first.held():
        await held.close()
        await default.close()
        assert not await is_open(first)


async def test_a_failed_start_is_tried_again_later(tmp_path: Path) -> None:
    """Not with each key, but after half a minute, and not never."""
    project, now, tries = project_in(tmp_path), [100.0], list[float]()

    async def fails_once(options: SandboxOptions) -> JailSandbox:
        tries.append(now[0])
        if len(tries) == 1:
            raise SandboxError("no interpreter yet")
        return await open_sandbox(options)

    options = SandboxOptions(checks_itself=False, spares=0)
    default = await open_sandbox(options)
    held = ProjectSandboxes(options, default, open_one=fails_once, clock=lambda: now[0])
    try:
        assert await held.of(project) is default
        now[0] += RETRY_SECONDS - 1
        assert await held.of(project) is default
        assert "no interpreter yet" in await held.prepare(project)
        now[0] += 1
        assert await held.of(project) is not default
    finally:
        await held.close()
        await default.close()
    assert tries == [100.0, 100.0 + RETRY_SECONDS]


async def test_an_import_outlives_its_request(tmp_path: Path) -> None:
    """A document that takes long to import is imported once, though each request for it is cancelled."""
    project = project_in(tmp_path, SLOW)
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
    program = filled(project, "pkg/core.py", "return n")
    try:
        for _ in range(12):
            request = asyncio.create_task(sandbox.observe(program, [Call(expression="f(2)")], PATIENT))
            done, _ = await asyncio.wait({request}, timeout=0.7)
            if done:
                break
            request.cancel()
            await asyncio.wait({request})
        assert done
        assert request.result()[0].value == 2
    finally:
        await sandbox.close()


async def test_closing_while_a_zygote_starts_leaves_no_process(tmp_path: Path) -> None:
    """At any moment of the first request, and nothing can be started afterwards."""
    for moment in (0.0, 0.05, 0.2, 0.5, 1.0):
        project = project_in(tmp_path / str(moment), SLOW)
        before = children()
        sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False))
        program = filled(project, "pkg/core.py", "return n")
        request = asyncio.create_task(sandbox.observe(program, [Call(expression="f(2)")], PATIENT))
        await asyncio.sleep(moment)
        await sandbox.close()
        await asyncio.wait({request})
        request.exception()
        assert await until_gone(children() - before) == set(), moment
    with pytest.raises(SandboxError):
        await sandbox.observe(program, [Call(expression="f(2)")], PATIENT)


async def test_importing_has_a_bound_for_memory(tmp_path: Path) -> None:
    """A document that takes all memory when imported is a problem of the document."""
    greedy = f"kept = []\nfor _ in range(4096):\n    kept.append(bytearray(1 << 30))\n{CORE}"
    project = project_in(tmp_path, greedy)
    sandbox = await open_sandbox(SandboxOptions(home=project, checks_itself=False, limits_together=False))
    try:
        program = filled(project, "pkg/core.py", "return n")
        (seen,) = await sandbox.observe(program, [Call(expression="f(2)")], PATIENT)
    finally:
        await sandbox.close()
    assert seen.ending is Ending.CRASHED
    assert "MemoryError" in seen.detail

"""Checks the project of the working folder for `plum-lsp doctor`. Its modules are imported in the sandbox only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from plum_lsp.cli.doctor.finding import Finding, State
from plum_lsp.config import Settings
from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import Call, Ending, Limits, Program
from plum_lsp.project.workspace import Standing
from plum_lsp.sandbox.by_project import ProjectSandboxes
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.verification.options import sandbox_options
from plum_lsp.verification.rank import counted
from plum_lsp.wiring import known_tests, workspace_of

PART = "this project"
IMPORTS_MAX = 20
"""The most names whose import is tried."""
TESTS_SHOWN = 3
_LIMITS = Limits(wall_seconds=20.0, cpu_seconds=20.0)
"""The time limit is high, because a first import reads the packages from the disk."""


async def check_project(settings: Settings) -> Finding:
    """The project of the working folder."""
    workspace = workspace_of(settings)
    if workspace.problem:
        return Finding(part=PART, state=State.FAILED, detail=workspace.problem)
    standing = await asyncio.to_thread(workspace.standing_of, (Path.cwd() / "_.py").as_uri())
    if standing is None:
        return Finding(part=PART, state=State.OK, detail=f"{Path.cwd()} is in no project")
    return await _finding(settings, standing)


async def _finding(settings: Settings, standing: Standing) -> Finding:
    """The project, whether its code may be executed and, if so, whether its modules can be imported."""
    project, said = standing.project, [_described(standing.project), standing.reason]
    if standing.usable is None:
        said.append("its code is not executed")
        remedy = f"To use its packages, modules and tests, if you trust it: plum-lsp trust {project.top}"
        return Finding(
            part=PART, state=State.WARNING, detail="; ".join(said), remedy=remedy if project.is_marked else ""
        )
    problems = [*project.problems, *await _import_problems(settings, project)]
    if not problems:
        said.append(f"can be imported: {', '.join(project.packages[:IMPORTS_MAX]) or 'no module of its own'}")
    said += await asyncio.to_thread(_mapped, settings, project)
    state = State.WARNING if problems else State.OK
    remedy = "Install what is missing into its environment." if problems and project.environment else ""
    if problems and project.environment is None:
        remedy = f"Make an environment for it: python3 -m venv {project.root / '.venv'}"
    return Finding(part=PART, state=state, detail="; ".join([*said, *problems]), remedy=remedy)


def _mapped(settings: Settings, project: Project) -> list[str]:
    """How much of the map from tests to functions is up to date, in words."""
    known = known_tests(settings, project)
    if known is None or not settings.verification.test_map:
        return []
    fresh, files = known.fresh_files(project)
    return [f"map of tests up to date for {fresh} of {counted(files, 'file')}"] if files else []


def _described(project: Project) -> str:
    """Root, environment, import roots and tests, in words."""
    environment = project.environment
    python = (
        f"Python {environment.version} of {environment.prefix} ({environment.origin})"
        if environment
        else "no environment"
    )
    roots = ", ".join(_below(root, project.root) for root in project.import_roots)
    tests = [_below(place, project.root) for place in project.tests]
    more = f" and {len(tests) - TESTS_SHOWN} more" if len(tests) > TESTS_SHOWN else ""
    named = f"tests in {', '.join(tests[:TESTS_SHOWN])}{more}" if tests else "no tests found"
    return f"{project.root}, {python}, imports from {roots}, {named}"


def _below(place: Path, root: Path) -> str:
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)


async def _import_problems(settings: Settings, project: Project) -> Sequence[str]:
    """The imports that fail in the sandbox, each with its error text."""
    try:
        default = await open_sandbox(sandbox_options(settings))
    except SandboxError as error:
        return [str(error)]
    sandboxes = ProjectSandboxes(sandbox_options(settings), default)
    try:
        if problem := await sandboxes.prepare(project):
            return [problem]
        sandbox = await sandboxes.of(project)
        found = [await _import_problem(sandbox, name) for name in project.packages[:IMPORTS_MAX]]
    finally:
        await sandboxes.close()
        await default.close()
    return list(filter(None, found))


async def _import_problem(sandbox: Sandbox, name: str) -> str:
    """Why a module cannot be imported. Empty if it can."""
    (seen,) = await sandbox.observe(Program(source=f"import {name}"), [Call(expression="None")], _LIMITS)
    if seen.ending is Ending.RETURNED:
        return ""
    return f"import {name} fails: {seen.detail or seen.ending.value}"

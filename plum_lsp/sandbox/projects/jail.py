"""Runs programs that are modules of a project, and the project's own tests with them.

The module chooses the child: one that has imported the document already, or one that imports it itself. `conversation`
and `testing` hold the protocol with children.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import DID_NOT_LOAD, InModule, Limits, Program, RunOutcome, TestRun, TracedTest
from plum_lsp.sandbox import launching
from plum_lsp.sandbox.conversation import Answer, Ask, converse
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.isolation.child import Child
from plum_lsp.sandbox.projects import kinds, testing, tracing
from plum_lsp.sandbox.projects.installed import Installed
from plum_lsp.sandbox.projects.pool import ProjectPool
from plum_lsp.sandbox.projects.showing import Hides, Views, packages_named, pytest_modules
from plum_lsp.sandbox.zygote_process import ZygoteProcess

_log = logging.getLogger(__name__)


class ProjectJail:
    """The part of a sandbox for one project. `order` describes a zygote, without what the project adds to it.

    `installed` are the packages that it may import. `slots` bounds the children at work.
    """

    def __init__(
        self,
        project: Project,
        hides: Hides,
        order: launching.Order,
        installed: Installed,
        slots: asyncio.Semaphore,
    ) -> None:
        self._project = project
        self._order = order
        self._packages = installed.folders
        self._slots = slots
        self._homes = ""
        self._warming: asyncio.Task[None] | None = None
        self._pool = ProjectPool(project, hides, installed, self._started)

    def warm_up(self) -> None:
        """Start the project's zygote now. The first program gets the error if the start fails."""
        self._warming = asyncio.create_task(self._warmed())

    async def _warmed(self) -> None:
        try:
            await self._pool.warm_up()
        except SandboxError as error:
            _log.info("the project's zygote did not start ahead: %s", error)

    async def run(self, program: Program, module: InModule, asks: Sequence[Ask], limits: Limits) -> list[Answer]:
        """Run one program and its calls. The child has imported the document already, if possible.

        Raises:
            SandboxError: the jail broke.
        """
        answers: list[Answer] = []
        module = kinds.fitting(program, module)
        for ahead in (True, False):
            child = await self._pool.child(module, "alone", ahead=ahead)
            if child is None:
                continue
            try:
                async with self._slots:
                    answers = await converse(child, program, asks, limits)
            finally:
                child.kill()
            if not (ahead and _cannot_exchange(answers[0])):
                break
        return answers

    async def run_tests(
        self, program: Program, tests: Sequence[str], *, watches: bool, seconds: float
    ) -> tuple[TestRun, ...]:
        """Run whole tests of the project together with the program. See the port.

        Raises:
            SandboxError: the jail broke.
        """
        module = program.module
        if module is None or not tests:
            return testing.none_run(tests)
        module = kinds.fitting(program, module)
        runs = await self._run_ahead(program, module, tests, watches=watches, seconds=seconds)
        late = [run.test for run in runs if run.outcome is RunOutcome.UNCOLLECTED]
        if watches or not late:
            return runs
        again = await self._run_alone(program, module, late, seconds)
        by_test = {run.test: run for run in (*runs, *again)}
        return tuple(by_test[test] for test in tests)

    async def _run_ahead(
        self, program: Program, module: InModule, tests: Sequence[str], *, watches: bool, seconds: float
    ) -> tuple[TestRun, ...]:
        """Run tests in a child that has imported the document and collected the tests before."""
        try:
            child = await self._pool.tests_child(module, testing.files_of(tests))
            if child is None:
                return testing.none_collected(tests, "the document cannot be imported ahead")
            return await self._run_in(child, program, tests, watches=watches, seconds=seconds, is_ahead=True)
        except testing.NotLoaded as error:
            return testing.none_collected(tests, str(error))

    async def _run_alone(
        self, program: Program, module: InModule, tests: Sequence[str], seconds: float
    ) -> tuple[TestRun, ...]:
        """Run tests in a child that imports the program and collects the tests by itself.

        Their files may call the function at the hole while they are imported. Only tests that call it count.
        """
        child = await self._pool.child(module, "tests", ahead=False)
        if child is None:
            return testing.none_run(tests)
        try:
            runs = await self._run_in(child, program, tests, watches=True, seconds=seconds, is_ahead=False)
        except testing.NotLoaded as error:
            return testing.none_loaded(tests, str(error))
        return testing.alone(runs)

    async def _run_in(
        self, child: Child, program: Program, tests: Sequence[str], *, watches: bool, seconds: float, is_ahead: bool
    ) -> tuple[TestRun, ...]:
        folder = str(self._project.root)
        run = testing.Run(tests=tuple(tests), folder=folder, watches=watches, seconds=seconds, is_ahead=is_ahead)
        try:
            async with self._slots:
                return await testing.run_tests(child, program, run)
        finally:
            child.kill()

    async def traced(self, file: str, pause: tracing.Pause) -> AsyncGenerator[TracedTest, None]:
        """Run the tests of a file as it is saved, in turn. See `tracing`.

        Raises:
            SandboxError: the jail broke.
        """
        child = await self._pool.tracing_child()
        try:
            async with aclosing(tracing.traced(child, str(self._project.root), file, pause)) as tests:
                async for test in tests:
                    yield test
        finally:
            child.kill()

    async def close(self) -> None:
        """End every process and remove every folder. Idempotent."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self._pool.close()
        if self._homes:
            await asyncio.to_thread(shutil.rmtree, self._homes, ignore_errors=True)

    async def _started(self, views: Views) -> ZygoteProcess:
        """The zygote of the project. It has imported the packages that the project's modules name, and pytest."""
        has_file_system = self._order.tier.has_bubblewrap
        if not has_file_system and not self._homes:
            self._homes = _folder_for_homes()
        room = isolation.Room(
            homes=isolation.HOMES if has_file_system else self._homes,
            alone=views.alone,
            beside=views.beside,
            tests=views.tests,
            listed=views.listed,
            mapped=tuple((one.name, str(one.path)) for one in self._project.mapped),
            folder=str(self._project.root),
        )
        named = await asyncio.to_thread(packages_named, views.alone, self._packages)
        # Native parts of a package can be loaded by a zygote only, so those that only tests import come here, too.
        named |= await asyncio.to_thread(packages_named, views.tests, self._packages)
        named |= await asyncio.to_thread(pytest_modules, self._packages)
        order = replace(
            self._order,
            readable=views.tests,
            import_paths=tuple(str(root) for root in self._project.import_roots),
            imports=(*self._order.imports, *sorted(named)),
            room=room,
        )
        zygote, _ = await launching.start(order)
        if not isinstance(zygote, ZygoteProcess):
            raise SandboxError("a project needs a zygote, which this system has none of")
        return zygote


def _folder_for_homes() -> str:
    """The folder for the children's folders, in a jail without its own file system.

    Each child's folder is closed to others.

    The zygote may change to another user, so any user may make a folder in it.
    """
    folder = tempfile.mkdtemp(prefix="plum-homes-")
    Path(folder).chmod(0o777)
    return folder


def _cannot_exchange(answer: Answer) -> bool:
    """Whether a program could not be put into the document that was imported ahead. No part of it was run."""
    return answer.observation.detail.startswith(f"{DID_NOT_LOAD}CannotExchange")

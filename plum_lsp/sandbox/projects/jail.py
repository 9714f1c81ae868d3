"""Runs programs that are modules of a project, and the project's own tests with them.

The module chooses the child: one that has imported the document already, or one that imports it itself. `conversation`
and `testing` hold the protocol with children.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import InModule, Limits, Program, TestRun
from plum_lsp.sandbox import launching
from plum_lsp.sandbox.conversation import DID_NOT_LOAD, Answer, Ask, converse
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.projects import testing
from plum_lsp.sandbox.projects.pool import ProjectPool
from plum_lsp.sandbox.projects.showing import Hides, Views, packages_named, pytest_modules
from plum_lsp.sandbox.zygote_process import ZygoteProcess

_log = logging.getLogger(__name__)


class ProjectJail:
    """The part of a sandbox for one project. `order` describes a zygote, without what the project adds to it.

    `packages` are the folders of installed packages. `slots` bounds the children at work.
    """

    def __init__(
        self,
        project: Project,
        hides: Hides,
        order: launching.Order,
        packages: Sequence[str],
        slots: asyncio.Semaphore,
    ) -> None:
        self._project = project
        self._order = order
        self._packages = tuple(packages)
        self._slots = slots
        self._homes = ""
        self._warming: asyncio.Task[None] | None = None
        self._pool = ProjectPool(project, hides, packages, self._started)

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
        module, files = program.module, testing.files_of(tests)
        for ahead in (True, False) if module is not None and tests else ():
            assert module is not None, "there is nothing to do without one"
            pool = self._pool
            child = await (pool.tests_child(module, files) if ahead else pool.child(module, "tests", ahead=False))
            if child is None:
                continue
            run = testing.Run(
                tests=tuple(tests), folder=str(self._project.root), watches=watches, seconds=seconds, is_ahead=ahead
            )
            try:
                async with self._slots:
                    return await testing.run_tests(child, program, run)
            except testing.NotLoaded as error:
                _log.debug("tests are not run: %s", error)
            finally:
                child.kill()
        return testing.none_run(tests)

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

"""Makes and updates the maps of projects in the background, and chooses tests by them.

It runs test files in the sandbox, one test at a time, while no request is served (`pacing`). It belongs to one event
loop. `tests_of` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import ProjectSandboxes
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import TestCase, TracedTest
from plum_lsp.project.files import read_text
from plum_lsp.project.mapping.choosing import chosen, is_complete
from plum_lsp.project.mapping.pacing import Pacing
from plum_lsp.project.mapping.stored import MappedFile, MappedTest, TestMap, digest_of, map_file, read_map, write_map
from plum_lsp.project.test_index import FILE_BYTES_MAX, TESTS_MAX, TestIndex
from plum_lsp.sandbox.host import JailSandbox

_log = logging.getLogger(__name__)
PROJECTS_MAX = 8
"""The projects whose maps are held in memory."""


class TestMapper:
    """The maps of a user's projects. `folder` keeps them. `sandboxes` run the tests."""

    __test__ = False

    def __init__(
        self,
        index: TestIndex,
        sandboxes: ProjectSandboxes,
        folder: Path | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._index, self._sandboxes, self._folder, self._clock = index, sandboxes, folder, clock
        self._maps: dict[Path, TestMap] = {}
        self._paces: dict[Path, Pacing] = {}
        self._digests: dict[Path, tuple[tuple[int, int], str]] = {}
        self._wanted: dict[Path, Project] = {}
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task = asyncio.create_task(self._work())

    def tests_of(self, project: Project, document: Path, context: Context) -> tuple[TestCase, ...]:
        """The tests of the function at the hole, best first. It blocks while it reads."""
        self._pace(project).requested(self._clock())
        self._wanted[project.root] = project
        self._idle.clear()
        self._loop.call_soon_threadsafe(self._wake.set)
        static = self._index.tests_of(project, document, context)
        function = context.function
        if function is None or not document.is_relative_to(project.root):
            return static
        path, name = document.relative_to(project.root).as_posix(), function.qualified_name
        known = [
            test
            for file, mapped in list(self._map(project).files.items())
            if self._is_fresh(project, mapped)
            for test in mapped.tests
        ]
        saved = read_text(document, bytes_max=FILE_BYTES_MAX)
        return chosen(static, known, (path, name), is_complete=is_complete(saved, name), limit=TESTS_MAX)

    async def settled(self) -> None:
        """Wait until all work is done."""
        await self._idle.wait()

    async def close(self) -> None:
        """End the work. Idempotent."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def _pace(self, project: Project) -> Pacing:
        return self._paces.setdefault(project.root, Pacing())

    def _map(self, project: Project) -> TestMap:
        if project.root not in self._maps:
            while len(self._maps) >= PROJECTS_MAX:
                self._maps.pop(next(iter(self._maps)))
            found = read_map(map_file(self._folder, project.root)) if self._folder is not None else TestMap()
            self._maps[project.root] = found
        return self._maps[project.root]

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                _, project = self._wanted.popitem()
                try:
                    await self._update(project)
                except SandboxError as error:
                    _log.info("the suite is not run in the background: %s", error)
            if not self._wake.is_set():
                self._idle.set()

    async def _update(self, project: Project) -> None:
        """Run each test file that is new or has changed, or of which a file that its tests depend on has changed."""
        sandbox = await self._sandboxes.of(project)
        if not isinstance(sandbox, JailSandbox) or sandbox.project != project:
            return
        known, pace = self._map(project), self._pace(project)
        files = await asyncio.to_thread(self._index.test_files, project)
        for gone in known.files.keys() - set(files):
            del known.files[gone]
        for file in files:
            mapped = known.files.get(file)
            if mapped is not None and await asyncio.to_thread(self._is_fresh, project, mapped):
                continue
            if pace.is_over(self._clock()):
                _log.info("the time for running the suite in the background is used up")
                return
            known.files[file] = await self._run(project, sandbox, file, pace)
            if self._folder is not None:
                await asyncio.to_thread(write_map, map_file(self._folder, project.root), known)

    async def _run(self, project: Project, sandbox: JailSandbox, file: str, pace: Pacing) -> MappedFile:
        """The tests of a file, run one by one."""

        async def pause() -> None:
            while seconds := pace.wait_seconds(self._clock(), is_busy=sandbox.is_busy):  # noqa: ASYNC110
                await asyncio.sleep(seconds)  # Requests and time decide, and time gives no event.

        await pause()
        before = await asyncio.to_thread(self._digests_of, project, [file])
        tests: list[MappedTest] = []
        started = self._clock()
        async with aclosing(sandbox.traced(file, pause)) as runs:
            async for one in runs:
                tests.append(_mapped(project, one))
                pace.spent(self._clock(), one.run.wall_ms / 1000)
        if not tests:
            pace.spent(self._clock(), min(self._clock() - started, 5.0))
        needed = {path for test in tests for path, _ in test.called}
        digests = await asyncio.to_thread(self._digests_of, project, sorted({*needed, *_conftests(project, file)}))
        return MappedFile(tests=tuple(tests), digests={**digests, **before})

    def _is_fresh(self, project: Project, mapped: MappedFile) -> bool:
        return self._digests_of(project, list(mapped.digests)) == mapped.digests

    def _digests_of(self, project: Project, paths: Sequence[str]) -> dict[str, str]:
        """The digests of files. A file is read again only if its time or size has changed."""
        found = {}
        for name in paths:
            path = project.root / name
            try:
                stated = path.stat()
            except OSError:
                found[name] = ""
                continue
            state = (stated.st_mtime_ns, stated.st_size)
            kept = self._digests.get(path)
            if kept is None or kept[0] != state:
                kept = self._digests[path] = (state, digest_of(path))
            found[name] = kept[1]
        return found


def _mapped(project: Project, one: TracedTest) -> MappedTest:
    called = ((Path(path), name.replace("<locals>.", "")) for path, name in one.called)
    below = {
        (path.relative_to(project.root).as_posix(), name) for path, name in called if path.is_relative_to(project.root)
    }
    run = one.run
    return MappedTest(name=run.test, wall_ms=run.wall_ms, outcome=run.outcome, called=frozenset(below))


def _conftests(project: Project, file: str) -> list[str]:
    """The conftest files whose fixtures a test file may use."""
    folders = (project.root / file).relative_to(project.root).parents
    names = [(folder / "conftest.py").as_posix() for folder in folders]
    return [name for name in names if (project.root / name).exists()]

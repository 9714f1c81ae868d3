"""The zygotes of one project: one that has imported packages, and branches of it that have imported a document.

A candidate is judged in a fork of the branch that holds its document with the hole unfilled. There only the bodies of
functions are exchanged. A candidate that changes more is imported in a fork of the project's own zygote. A branch is
replaced when a file that it imported changes. The zygote is replaced when the files that the project shows change.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import Call, Ending, InModule, Limits, Program
from plum_lsp.sandbox.conversation import Ask, converse, module_order
from plum_lsp.sandbox.isolation.child import Child
from plum_lsp.sandbox.projects.copies import Copies
from plum_lsp.sandbox.projects.installed import Installed
from plum_lsp.sandbox.projects.showing import Hides, Views, views_of
from plum_lsp.sandbox.projects.testing import NotCollected
from plum_lsp.sandbox.zygote_process import ZygoteProcess

_log = logging.getLogger(__name__)
DOCUMENTS_MAX = 4
"""Documents that are kept imported. Each shares most of its memory with the project's zygote."""
COLLECTIONS_MAX = 2
"""Sets of test files that are kept collected for a document."""
BRANCH_SECONDS = 20.0
"""Time to import a document and all modules that it imports."""
_LOOK_SECONDS = 1.0
"""How long files count as unchanged after they were checked."""
_ACCEPTED_MAX = 64
_PROBE = Limits(wall_seconds=5.0, cpu_seconds=5.0)

_Made = TypeVar("_Made")
StartZygote = Callable[[Views], Awaitable[ZygoteProcess]]


@dataclass(slots=True, kw_only=True)
class _Document:
    """A branch with a document. `problem` says why the document could not be imported with its hole unfilled.

    `accepted` holds digests of texts whose bodies can be put into it.
    """

    branch: ZygoteProcess
    problem: str
    accepted: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    tests: OrderedDict[tuple[str, ...], ZygoteProcess] = field(default_factory=OrderedDict)
    looked_at: float = 0.0

    def accept(self, base: str) -> None:
        self.accepted[_digest(base)] = None
        while len(self.accepted) > _ACCEPTED_MAX:
            self.accepted.popitem(last=False)


class ProjectPool:
    """Hands out children that have a project's modules. Belongs to one event loop."""

    def __init__(self, project: Project, hides: Hides, installed: Installed, start: StartZygote) -> None:
        self._project = project
        self._packages = installed.folders
        self._hides = hides
        self._start = start
        self._zygote: ZygoteProcess | None = None
        self._views: Views | None = None
        self._seen: tuple[Path | None, float, Views] | None = None
        self._documents: OrderedDict[tuple[str, str, bool], _Document] = OrderedDict()
        self._copies = Copies(installed)
        self._copied: tuple[tuple[str, str, int], float, list[str]] | None = None
        self._lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._going_on: asyncio.Task[Any] | None = None
        self._is_closed = False

    async def child(self, module: InModule, view: str, *, ahead: bool) -> Child | None:
        """A child for a program of this module. With `ahead`, it has imported the module, or None is returned.

        Raises:
            SandboxError: no zygote can be started, or it does not fork.
        """
        async with self._alone():
            if not ahead:
                zygote = await self._ready(module)
                return await zygote.fork(view, await self._hidden(module))
            document = await self._document(module)
            return None if document.problem else await document.branch.fork(view, await self._hidden(module))

    async def tests_child(self, module: InModule, files: Sequence[str]) -> Child | None:
        """A child that has imported this module and collected these test files. None if the module was not imported.

        Raises:
            NotCollected: none of the files can be collected while the hole is unfilled.
            SandboxError: no zygote can be started, or it does not fork.
        """
        async with self._alone():
            document = await self._document(module)
            if document.problem:
                return None
            key = tuple(files)
            key = next((kept for kept in document.tests if set(key) <= set(kept)), key)
            branch = document.tests.get(key)
            if (
                branch is None
                or branch.is_broken
                or not await asyncio.to_thread(_unchanged, _files(branch), module.path)
            ):
                order = {**self._order(module), "module": None, "source": "", "tests": list(key)}
                branch = await self._to_the_end(self._collected(document, key, order))
            document.tests.move_to_end(key)
            if branch.report["problem"]:
                raise NotCollected(str(branch.report["problem"]))
            return await branch.fork("beside", await self._hidden(module))

    async def tracing_child(self) -> Child:
        """A child that may open all files that the project shows, its tests too. It runs no candidate.

        Raises:
            SandboxError: no zygote can be started, or it does not fork.
        """
        async with self._lock:
            return await (await self._ready(None)).fork("tests", [])

    async def _hidden(self, module: InModule) -> list[str]:
        """The document's file, other files from which its module could be imported, and copies of all kinds.

        A candidate must not read them, because they say what its tests expect. They are searched for at most once a
        second.
        """
        key, now = (module.path, module.base, module.hole_line), asyncio.get_running_loop().time()
        if self._copied is None or self._copied[0] != key or now - self._copied[1] > _LOOK_SECONDS:
            self._copied = (key, now, await self._to_the_end(asyncio.to_thread(self._copies_now, module)))
        return self._copied[2]

    def _copies_now(self, module: InModule) -> list[str]:
        name = module.name.replace(".", "/") + ("/__init__.py" if module.is_package else ".py")
        folders = (*self._packages, *map(str, self._project.import_roots))
        own = [module.path, *(str(Path(folder, name).resolve()) for folder in folders)]
        views = self._views
        places = (*views.alone, *views.beside) if views is not None else ()
        tests = views.tests if views is not None else ()
        return list(dict.fromkeys((*own, *self._copies.of(module, places, tests))))

    async def warm_up(self) -> None:
        """Start the project's zygote before the first program needs it."""
        async with self._alone():
            reading = asyncio.create_task(asyncio.to_thread(self._copies.warm_up))
            try:
                await self._ready(None)
                await reading
            finally:
                reading.cancel()
            views = self._views
        for path in self._copies.near((*views.alone, *views.beside)) if views is not None else ():
            if self._is_closed:
                break
            await asyncio.to_thread(self._copies.read_ahead, path)  # One by one, so that requests come in between.

    async def close(self) -> None:
        """End every zygote. Idempotent."""
        self._is_closed = True
        await self._end_all()
        async with self._lock:  # A zygote that was being started is there now, or has failed.
            await self._end_all()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One at a time, after what an earlier caller has left going on.

        Raises:
            SandboxError: the pool is closed.
        """
        async with self._lock:
            if self._going_on is not None:
                await asyncio.wait({self._going_on})
            if self._is_closed:
                raise SandboxError("the sandbox of the project is closed")
            yield

    async def _to_the_end(self, work: Coroutine[Any, Any, _Made]) -> _Made:
        """The result of some work. It goes on if the caller is cancelled.

        An import that takes longer than the time between two keys would never end otherwise.

        Raises:
            SandboxError: the pool was closed meanwhile.
        """
        task = self._going_on = asyncio.create_task(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise SandboxError("the sandbox of the project is closed") from None
            raise

    async def _collected(self, document: _Document, key: tuple[str, ...], order: dict[str, Any]) -> ZygoteProcess:
        """A new branch of a document's that has collected tests."""
        stale = document.tests.pop(key, None)
        if stale is not None:
            self._retire(stale)
        branch = document.tests[key] = await document.branch.branch(order, seconds=BRANCH_SECONDS)
        while len(document.tests) > COLLECTIONS_MAX:
            self._retire(document.tests.popitem(last=False)[1])
        return branch

    async def _end_all(self) -> None:
        going_on = [*self._closing, *([self._going_on] if self._going_on is not None else [])]
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
        while self._documents:
            _, document = self._documents.popitem()
            for branch in (*document.tests.values(), document.branch):
                await branch.close()
        if self._zygote is not None:
            await self._zygote.close()
            self._zygote = None

    async def _document(self, module: InModule) -> _Document:
        """The branch that holds the document with its hole unfilled."""
        key = _key(module)
        document = self._documents.get(key)
        if document is not None and not await self._fits(document, module):
            self._retire_document(self._documents.pop(key))
            document = None
        if document is None:
            document = await self._to_the_end(self._imported(module))
        self._documents.move_to_end(key)
        return document

    async def _is_fresh(self, branch: ZygoteProcess, module: InModule) -> bool:
        """Whether a branch is alive and its files have not changed since it imported them."""
        is_usable = not (branch.is_broken or branch.is_worn)
        return is_usable and await asyncio.to_thread(_unchanged, _files(branch), module.path)

    async def _fits(self, document: _Document, module: InModule) -> bool:
        """Whether the branch is alive, its files have not changed, and the text differs from its own in bodies only."""
        if document.branch.is_broken or self._zygote is None or self._zygote.is_broken:
            return False
        now = asyncio.get_running_loop().time()
        is_known = _digest(module.base) in document.accepted
        if not is_known or now - document.looked_at > _LOOK_SECONDS:
            if not await self._is_fresh(document.branch, module):
                return False
            document.looked_at = now
        if is_known:
            return True
        if document.problem or not await _exchanges(document.branch, module):
            return False
        document.accept(module.base)
        return True

    async def _imported(self, module: InModule) -> _Document:
        """A new branch that has imported the document."""
        zygote = await self._ready(module)
        branch = await zygote.branch(self._order(module), seconds=BRANCH_SECONDS)
        problem = str(branch.report["problem"])
        if problem:
            _log.debug("a document cannot be imported ahead: %s", problem.split(":")[0])
        found = _Document(branch=branch, problem=problem)
        found.accept(module.base)
        found.looked_at = asyncio.get_running_loop().time()
        self._documents[_key(module)] = found
        while len(self._documents) > DOCUMENTS_MAX:
            self._retire_document(self._documents.popitem(last=False)[1])
        return found

    def _order(self, module: InModule) -> dict[str, Any]:
        roots = [str(root) for root in self._project.import_roots]
        return {
            "paths": [path for path in (module.import_root, *roots) if path],
            "folder": str(self._project.root),
            "imports": [],
            "tests": [],
            "module": module_order(module),
            "source": module.base,
            "hole_line": module.hole_line,
            "yields": module.yields,
        }

    async def _ready(self, module: InModule | None) -> ZygoteProcess:
        """The project's zygote. It is a new one if the files that the project shows have changed."""
        beside = Path(module.import_root) if module is not None else None
        if beside in self._project.import_roots:
            beside = None
        views = await self._views_now(beside)
        if self._zygote is not None and (self._zygote.is_broken or self._zygote.is_worn or views != self._views):
            for key in list(self._documents):
                self._retire_document(self._documents.pop(key))
            self._retire(self._zygote)
            self._zygote = None
        if self._zygote is None:
            self._zygote, self._views = await self._start(views), views
        return self._zygote

    async def _views_now(self, beside: Path | None) -> Views:
        """The files that the project shows, read at most once a second."""
        now, key = asyncio.get_running_loop().time(), beside
        if self._seen is not None and self._seen[0] == key and now - self._seen[1] < _LOOK_SECONDS:
            return self._seen[2]
        views = await asyncio.to_thread(views_of, self._project, self._hides, beside=beside)
        self._seen = (key, now, views)
        return views

    def _retire_document(self, document: _Document) -> None:
        for branch in (*document.tests.values(), document.branch):
            self._retire(branch)

    def _retire(self, zygote: ZygoteProcess) -> None:
        """End a zygote when its children have ended, without waiting for it."""
        task = asyncio.create_task(_ended(zygote))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _key(module: InModule) -> tuple[str, str, bool]:
    return module.name, module.path, module.yields


async def _ended(zygote: ZygoteProcess) -> None:
    try:
        for _ in range(0 if zygote.is_broken else 500):
            if not zygote.is_busy:
                break
            await asyncio.sleep(0.01)
    finally:
        await zygote.close()


def _files(branch: ZygoteProcess) -> tuple[tuple[str, int, int], ...]:
    """The files that a branch has imported, with the data that shows a change."""
    return tuple((str(path), int(changed), int(size)) for path, changed, size in branch.report["files"])


async def _exchanges(branch: ZygoteProcess, module: InModule) -> bool:
    """Whether the branch can take the bodies of this text. No part of the text is run."""
    child = await branch.fork("alone")
    try:
        nothing = [Ask(call=Call(expression=""))]
        answers = await converse(child, Program(source=module.base, module=module), nothing, _PROBE)
        return answers[0].observation.ending is Ending.RETURNED
    finally:
        child.kill()


def _unchanged(files: tuple[tuple[str, int, int], ...], document: str) -> bool:
    """Whether no file has changed. The document is left out, because its text comes from the editor."""
    for path, changed, size in files:
        if path == document:
            continue
        with contextlib.suppress(OSError):
            state = Path(path).stat()
            if (state.st_mtime_ns, state.st_size) == (changed, size):
                continue
        return False
    return True


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

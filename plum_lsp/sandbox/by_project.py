"""One sandbox for each trusted project, opened when it is first needed. The default one is used if that fails.

The module belongs to one event loop. It does not check trust: the caller passes trusted projects only.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Environment, MappedModule, Project
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

_log = logging.getLogger(__name__)
PROJECTS_MAX = 3
"""Projects whose sandboxes are kept warm. Each takes tens of megabytes."""

RETRY_SECONDS = 30.0
"""After a failed start, time until the next one. What was missing may be there by then."""

IN_USE_SECONDS_MAX = 60.0
"""How long a replaced sandbox is kept for the requests that hold it. They have a deadline of their own."""
_LOOK_SECONDS = 0.1
_Key = tuple[Path, Environment | None, tuple[Path, ...], tuple[MappedModule, ...]]


class ProjectSandboxes:
    """The sandboxes of a window's projects."""

    def __init__(
        self,
        options: SandboxOptions,
        default: Sandbox,
        *,
        open_one: Callable[[SandboxOptions], Awaitable[JailSandbox]] = open_sandbox,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._default = default
        self._open = open_one
        self._clock = clock
        self._failed_at: dict[_Key, float] = {}
        self._tasks: OrderedDict[_Key, asyncio.Task[JailSandbox]] = OrderedDict()
        self._retiring: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def of(self, project: Project | None) -> Sandbox:
        """The sandbox for a project's documents, once it is open."""
        if project is None:
            return self._default
        task = self._task(project)
        await asyncio.wait({task})  # A cancelled caller leaves the task to the other callers.
        return self._default if task.cancelled() or task.exception() else task.result()

    async def prepare(self, project: Project) -> str:
        """Open a project's sandbox ahead. Return the reason for a failure in a user's words, or an empty text."""
        task = self._task(project)
        await asyncio.wait({task})
        error = None if task.cancelled() else task.exception()
        return f"{project.root} is not used: {error}" if error else ""

    async def close(self) -> None:
        """Close every sandbox that was opened here, also those in use. Idempotent."""
        self._is_closing = True
        while self._tasks:
            self._retire(next(iter(self._tasks)))
        await asyncio.gather(*self._retiring, return_exceptions=True)

    def _task(self, project: Project) -> asyncio.Task[JailSandbox]:
        """The task that opens a project's sandbox or has opened it. Older ones of the same folder are closed."""
        key: _Key = (project.root, project.environment, project.import_roots, project.mapped)
        if self._clock() - self._failed_at.get(key, math.inf) >= RETRY_SECONDS:
            self._retire(key)
        if key not in self._tasks:
            for old in [old for old in self._tasks if old[0] == project.root]:
                self._retire(old)
            self._tasks[key] = asyncio.create_task(self._opened(project, key))
            for old in [old for old in self._tasks if old != key and self._is_idle(old)][
                : len(self._tasks) - PROJECTS_MAX
            ]:
                self._retire(old)
        self._tasks.move_to_end(key)
        return self._tasks[key]

    async def _opened(self, project: Project, key: _Key) -> JailSandbox:
        """A sandbox for the project.

        The self-test has run on the default sandbox: isolation depends on the machine only.
        """
        options = replace(self._options, interpreter="", home=project, checks_itself=False)
        try:
            return await self._open(options)
        except SandboxError as error:
            _log.warning("a project's sandbox does not open: %s", error)
            self._failed_at[key] = self._clock()
            raise

    def _is_idle(self, key: _Key) -> bool:
        task = self._tasks[key]
        return task.done() and (task.cancelled() or task.exception() is not None or not task.result().is_busy)

    def _retire(self, key: _Key) -> None:
        """Close a sandbox once no request holds it, without waiting for its end."""
        self._failed_at.pop(key, None)
        task = asyncio.create_task(self._end(self._tasks.pop(key)))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _end(self, opening: asyncio.Task[JailSandbox]) -> None:
        """Close the sandbox that a task has opened, or cancel the task."""
        if not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
        if opening.cancelled() or opening.exception() is not None:
            return
        sandbox, until = opening.result(), time.monotonic() + IN_USE_SECONDS_MAX
        while sandbox.is_busy and not self._is_closing and time.monotonic() < until:  # noqa: ASYNC110 (as in `_ended`)
            await asyncio.sleep(_LOOK_SECONDS)
        await sandbox.close()

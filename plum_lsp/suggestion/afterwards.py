"""The work that goes on after an answer: one piece for each document, and one piece at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from plum_lsp.domain.errors import SandboxError

_log = logging.getLogger(__name__)
DOCUMENTS_MAX = 4
"""The most documents whose records are being completed or wait for it. Each holds its group in memory."""


class Afterwards:
    """The tasks that complete records. A document's next request, or too many other documents, end its task."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    @property
    def documents(self) -> tuple[str, ...]:
        """The URIs of the documents with work, the oldest first."""
        return tuple(self._tasks)

    def begin(self, uri: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start the work of a document as soon as it is its turn."""
        self.stop(uri)
        while len(self._tasks) >= DOCUMENTS_MAX:
            self.stop(next(iter(self._tasks)))
        task = self._tasks[uri] = asyncio.create_task(self._in_turn(work))
        task.add_done_callback(lambda done: self._tasks.pop(uri) if self._tasks.get(uri) is done else None)

    def stop(self, uri: str) -> None:
        """End the work of a document, if there is any."""
        if (task := self._tasks.pop(uri, None)) is not None:
            task.cancel()

    async def finish(self) -> None:
        """Wait until all work is done."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """End all work, and wait for its end. Idempotent."""
        for task in self._tasks.values():
            task.cancel()
        await self.finish()

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._turn:
                await work()
        except SandboxError as error:
            _log.info("the record is not complete: %s", error)

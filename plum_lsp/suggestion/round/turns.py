"""One task for each document, for the work that goes on after an answer. It does not know what the work is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

DOCUMENTS_MAX = 4
"""The most documents whose work goes on or waits. Each holds its group in memory."""
QUIET_SECONDS = 0.25
"""The record waits so long for the next request. Until then, a user who types on needs the processor."""
Work = Callable[[], Awaitable[None]]


class Turns:
    """One task for each document. The document's next request, or too many other documents, end it."""

    def __init__(self) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._is_hurried = asyncio.Event()

    def begin(self, uri: str, *, look: Work | None, complete: Work, end: Callable[[], None]) -> None:
        """Look again at the offer, if there is something to `look` for. Then complete the record.

        `end` is called when the work ends for any reason, even if it never began.
        """
        self.stop(uri)
        while len(self.tasks) >= DOCUMENTS_MAX:
            self.stop(next(iter(self.tasks)))
        task = self.tasks[uri] = asyncio.create_task(self._run(uri, look, complete))
        task.add_done_callback(lambda done: _forget(self.tasks, uri, done))
        task.add_done_callback(lambda _: end())

    def stop(self, uri: str) -> None:
        """End all work for a document."""
        if (task := self.tasks.pop(uri, None)) is not None:
            task.cancel()

    def leave(self, uri: str) -> None:
        """The text of a document changed, so its offer is not looked at again. The record is still completed."""
        if (looking := self._looking.pop(uri, None)) is not None:
            looking.cancel()

    async def quiet(self) -> None:
        """Wait until no request is likely to come at once. `finish` ends the wait."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_hurried.wait(), QUIET_SECONDS)

    async def finish(self) -> None:
        """Wait until all work is done."""
        self._is_hurried.set()
        try:
            await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        finally:
            self._is_hurried.clear()

    async def close(self) -> None:
        """End all work. Idempotent."""
        for task in list(self.tasks.values()):
            task.cancel()
        await self.finish()

    async def _run(self, uri: str, look: Work | None, complete: Work) -> None:
        if look is not None:
            looking = self._looking[uri] = asyncio.ensure_future(_awaited(look))
            try:
                await asyncio.wait([looking])
            finally:
                looking.cancel()
                _forget(self._looking, uri, looking)
        await complete()


async def _awaited(work: Work) -> None:
    await work()


def _forget(tasks: dict[str, asyncio.Task[None]], uri: str, done: asyncio.Task[None]) -> None:
    """Forget a task, unless another took its place."""
    if tasks.get(uri) is done:
        del tasks[uri]

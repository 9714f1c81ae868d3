"""Opens the services that answer requests in the background, and reopens them when the settings change.

The server starts before its services. A service that cannot open becomes a status, never an exception in the editor.
The module does not know policies or sandboxes. `open_services` does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TypeAlias

from plum_lsp.config import Settings
from plum_lsp.domain.errors import PlumError, SandboxError
from plum_lsp.domain.ports import Recorder
from plum_lsp.domain.suggestion import AbstentionReason
from plum_lsp.suggestion.services import Services

logger = logging.getLogger(__name__)

CLOSE_SECONDS_MAX = 5.0
"""An editor waits a few seconds for its servers to exit and then kills them. Work still open by then is abandoned."""


OpenServices: TypeAlias = Callable[[Settings, Recorder], Awaitable[Services]]
Working: TypeAlias = Callable[[str], AbstractAsyncContextManager[None]]
"""Shows that long work is going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there are no services."""

    error: PlumError

    @property
    def reason(self) -> AbstentionReason:
        """The same for one request."""
        is_sandbox = isinstance(self.error, SandboxError)
        return AbstentionReason.SANDBOX_UNAVAILABLE if is_sandbox else AbstentionReason.POLICY_UNAVAILABLE


class ServiceKeeper:
    """Keeps services open for the latest settings. `run` owns them. All other methods only send it requests."""

    def __init__(self, open_services: OpenServices, recorder: Recorder, *, working: Working) -> None:
        self._open = open_services
        self._recorder = recorder
        self._working = working
        self._wanted: Settings | None = None
        self._has_changed = asyncio.Event()
        self._has_settled = asyncio.Event()
        self._is_needed = asyncio.Event()
        self._state: Services | Trouble | None = None

    @property
    def now(self) -> Services | Trouble | None:
        """The services, or why there are none, or None while they open."""
        return self._state

    def want(self, settings: Settings) -> bool:
        """Request services for `settings`. Returns whether the open services must close.

        A pause takes effect before a request reaches the services, so they stay open.
        """
        before, paused = self._wanted, settings.privacy.paused
        if before is not None and replace(before, privacy=replace(before.privacy, paused=paused)) == settings:
            return False
        self._wanted = settings
        self._has_settled.clear()
        self._has_changed.set()
        return before is not None

    async def get(self) -> Services | Trouble:
        """The services once they have opened, or why they did not. The caller sets the time limit."""
        await self._has_settled.wait()
        assert self._state is not None, "settled means that there is something to return"
        return self._state

    def warm_up(self) -> None:
        """Load the policy now, because requests will follow and the first one should not wait for it."""
        self._is_needed.set()

    async def run(self, on_settled: Callable[[Services | Trouble], None]) -> None:
        """Open and reopen the services until cancelled, then close them. Raises `CancelledError` only."""
        warming: asyncio.Task[None] | None = None
        try:
            while True:
                await self._has_changed.wait()
                self._has_changed.clear()
                await _ended(warming)
                await self._close()
                assert self._wanted is not None
                state = await self._opened(self._wanted)
                self._state = state
                if not self._has_changed.is_set():
                    self._has_settled.set()
                    on_settled(state)
                    warming = asyncio.create_task(self._warm(state, on_settled))
        finally:
            await _ended(warming)
            await self._close()

    async def _warm(self, state: Services | Trouble, on_settled: Callable[[Services | Trouble], None]) -> None:
        """Load the policy once it will be needed, and report whether it can be loaded."""
        await self._is_needed.wait()
        if not isinstance(state, Services):
            return
        try:
            async with self._working("loading the model"):
                await state.pipeline.policy.version()
        except PlumError as error:
            logger.warning("the policy did not load: %s", error)
            on_settled(Trouble(error=error))
        except Exception:  # a boundary: the first request reports it
            logger.exception("the policy did not load")

    async def _opened(self, settings: Settings) -> Services | Trouble:
        try:
            return await self._open(settings, self._recorder)
        except PlumError as error:
            logger.warning("services did not open: %s", error)
            return Trouble(error=error)
        except Exception as error:
            logger.exception("services did not open")
            return Trouble(error=PlumError(f"plum-lsp could not start: {type(error).__name__}."))

    async def _close(self) -> None:
        self._has_settled.clear()
        state, self._state = self._state, None
        if not isinstance(state, Services):
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await state.close()
        except TimeoutError:
            logger.warning("services did not close within %.0f s", CLOSE_SECONDS_MAX)
        except Exception:
            logger.exception("services did not close")


async def _ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, if there is one, and wait for its end."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])

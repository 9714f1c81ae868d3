"""The policy port over `plum-lsp policy serve` on this machine: its address and the active version from their files.

Each group is asked of the version that is active when its request begins, under that version's own name. A server
that restarts is waited for with growing pauses, up to the request's deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from plum_lsp.config.folder import versions_folder
from plum_lsp.domain.errors import PolicyError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.hosting.engines import engine_called
from plum_lsp.policy.hosting.serving import ServingState, read_state
from plum_lsp.policy.versions.folders import VersionStore

logger = logging.getLogger(__name__)

PAUSES_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses between tries of a request whose server does not answer. The last pause repeats until the deadline."""
GONE = "the policy server of yours does not run"


class ServedPolicy:
    """A policy whose server another process of this user keeps running."""

    def __init__(self, data_dir: Path) -> None:
        """The first request opens the connection."""
        self._data_dir = data_dir
        self._store = VersionStore(versions_folder(data_dir))
        self._state: ServingState | None = None
        self._client: CompletionsPolicy | None = None

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version that answers this request: the active one, or the one before while that is on trial.

        Raises:
            PolicyUnavailable: no server runs.
        """
        return self._version(await self._reach(), request_id)

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Yield each completion as its stream ends. A group that lost its server before the first completion is
        requested again.

        Raises:
            PolicyError: no completion could be had.
        """
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            has_yielded = False
            try:
                state = await self._reach()
                assert self._client is not None
                asked = version or self._version(state)
                async with aclosing(self._client.sample(prompt, options, deadline=deadline, version=asked)) as stream:
                    async for completion in stream:
                        has_yielded = True
                        yield completion
                return
            except PolicyError as error:
                pause = PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)]
                tries += 1
                if has_yielded or loop.time() + pause >= deadline:
                    raise
                logger.info("asking the policy server again in %.1f s: %s", pause, error)
                await asyncio.sleep(pause)

    async def close(self) -> None:
        """Cancel the requests in flight. The server continues."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _version(self, state: ServingState, request_id: str = "") -> PolicyVersion:
        answering = self._store.answering(request_id) if request_id else self._store.active()
        if answering is not None and answering.model_sha256 == state.model_sha256:
            return answering.policy_version()
        return PolicyVersion(number=0, model=state.model, model_sha256=state.model_sha256)

    async def _reach(self) -> ServingState:
        """The server as it is now, with a client for it."""
        state = read_state(self._data_dir)
        if state is None:
            raise PolicyUnavailable(GONE, remedy="Run: plum-lsp policy serve")
        if self._client is None or state != self._state:
            await self.close()
            self._state = state
            shares_prompt = engine_called(state.engine).facts.shares_prompt
            self._client = CompletionsPolicy(
                state.url, model=state.model, connection=state.connection(), shares_prompt=shares_prompt
            )
        return state

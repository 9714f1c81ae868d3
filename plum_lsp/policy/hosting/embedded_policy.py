"""The policy port with a server that plum-lsp starts on demand, restarts if it died, and ends when it is idle or
closed.

When another version becomes active, requests in flight end on the server that they began with. New requests wait until
the server has started again with the new adapter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from plum_lsp.config.folder import gguf_folder
from plum_lsp.domain.errors import AdapterError, ModelError, PolicyError, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.hosting.launch import LaunchOptions, PolicyProcess, ServedModel, launch
from plum_lsp.policy.hosting.llama.adapter import gguf_adapter
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.hosting.sources import check_model_name, find_model
from plum_lsp.policy.versions.folders import PublishedVersion

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 120.0
"""Each request has its own deadline, 120 s by default. After this time a version that is no longer active is ended."""
DEATH_SECONDS = 0.5
"""A broken connection is noticed before the death of the process behind it. After this time the process counts as
alive."""


class EmbeddedPolicy:
    """A policy whose server is a child process.

    The start is a task in a field, because it outlives the request that began it. If that request is cancelled while
    the model loads, the next request must not load the model again.
    """

    def __init__(self, options: PolicyOptions) -> None:
        """The process starts with the first request.

        Raises:
            ModelError: there is no such model.
        """
        check_model_name(options.model)
        self._options = options
        self._model: ServedModel | None = None
        self._starting: asyncio.Task[_Running] | None = None
        self._is_closed = False

    @property
    def process(self) -> PolicyProcess | None:
        """The child that runs now, if one does."""
        task = self._starting
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        running = task.result()
        return running.process if running.process.is_alive else None

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The model's name and hash. Starts a server for it if none runs. It serves one version to all requests.

        Raises:
            PolicyError: it cannot be started.
        """
        return await (await self._running()).client.version()

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Yield each completion as its stream ends. A server that died before the first completion is started once
        more.

        Raises:
            PolicyError: no completion could be had.
        """
        for is_last in (False, True):
            running = await self._ready_by(deadline, version)
            has_yielded = False
            running.begin()
            try:
                async with aclosing(running.client.sample(prompt, options, deadline=deadline)) as stream:
                    async for completion in stream:
                        has_yielded = True
                        yield completion
                return
            except PolicyError as error:
                if is_last or has_yielded or self._is_closed or not await _has_died(running.process):
                    raise
                logger.warning("the policy server died and is started again: %s", error)
            finally:
                running.end()

    async def close(self) -> None:
        """Cancel the requests in flight and end the server. Idempotent."""
        self._is_closed = True
        starting, self._starting = self._starting, None
        if starting is None:
            return
        starting.cancel()
        outcome = (await asyncio.gather(starting, return_exceptions=True))[0]
        if isinstance(outcome, _Running):
            await outcome.close()

    async def _ready_by(self, deadline: float, version: PolicyVersion | None) -> _Running:
        """The running server, if it is ready before the deadline. If not, it continues to start.

        A request that began with a version stays with it as long as the server of that version runs.
        """
        task = self._starting
        if version and task and task.done() and _is_alive(task) and task.result().number == version.number:
            return task.result()
        try:
            async with asyncio.timeout_at(deadline):
                running = await self._running()
            if version and running.number != version.number:
                raise PolicyUnavailable("another policy version became active", remedy="Ask again.")
            return running
        except TimeoutError:
            reason = "the policy server is still loading its model"
            raise PolicyUnavailable(reason, remedy="Try again in a moment.") from None

    async def _running(self) -> _Running:
        """The running server, started if need be. Cancelling this does not cancel the start."""
        if self._is_closed:
            raise PolicyUnavailable("the policy was closed")
        task = self._starting
        if task is not None and task.done() and not (_is_alive(task) and self._is_current(task)):
            await self._bury(task)
            task = self._starting
        if task is None:
            task = self._starting = asyncio.create_task(self._start())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise PolicyUnavailable("the policy was closed") from None
            raise

    def _is_current(self, task: asyncio.Task[_Running]) -> bool:
        """Whether a server has the adapter of the version that is active now."""
        running = task.result()
        active = self._active(running.model)
        return running.number == (active.number if active else 0)

    def _active(self, model: ServedModel) -> PublishedVersion | None:
        """The active version, if it belongs to this model and engine."""
        store = self._options.store()
        active = store.active() if store and model.engine.adapter_at_start else None
        return active if active and active.model_sha256 == model.sha256 else None

    async def _bury(self, task: asyncio.Task[_Running]) -> None:
        """Forget a start that failed or whose server has ended."""
        if self._starting is task:
            self._starting = None
        if not task.cancelled() and task.exception() is None:
            await task.result().drain()
            await task.result().close()

    async def _start(self) -> _Running:
        """Launch the child and make a client for it."""
        options = self._options
        try:
            if self._model is None:
                self._model = await asyncio.to_thread(
                    find_model, options.model, cache_dir=options.cache_dir, folder=options.model_folder
                )
        except ModelError as error:
            raise PolicyUnavailable(str(error), remedy=error.remedy) from error
        model = self._model
        active = self._active(model)
        wanted = LaunchOptions(
            threads=options.threads,
            context_tokens=options.context_tokens,
            idle_seconds=options.idle_seconds,
            adapter=await asyncio.to_thread(_adapter_of, active, model) if active else None,
        )
        version = PolicyVersion(number=0, model=model.name, model_sha256=model.sha256)
        if active:
            version = replace(active.policy_version(), model=model.name)
        process = await launch(replace(model, name=version.served_name), wanted)
        client = CompletionsPolicy(
            f"{process.url}/v1",
            model=model.name,
            api_key=process.api_key,
            version=version,
            shares_prompt=model.engine.shares_prompt,
        )
        return _Running(process, client, model=model, number=version.number)


class _Running:
    """A child and the client that speaks to it."""

    def __init__(self, process: PolicyProcess, client: CompletionsPolicy, *, model: ServedModel, number: int) -> None:
        self.process = process
        self.client = client
        self.model = model
        self.number = number
        self._in_flight = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def begin(self) -> None:
        """A group is asked for."""
        self._in_flight += 1
        self._is_idle.clear()
        self.process.mark(b"+")

    def end(self) -> None:
        """A group has ended."""
        self._in_flight -= 1
        self.process.mark(b"-")
        if not self._in_flight:
            self._is_idle.set()

    async def drain(self) -> None:
        """Wait for the requests in flight, for a bounded time. A dead process has none."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS if self.process.is_alive else 0):
                await self._is_idle.wait()

    async def close(self) -> None:
        """End both."""
        try:
            await self.client.close()
        finally:
            await self.process.close()


def _adapter_of(active: PublishedVersion, model: ServedModel) -> Path:
    """The GGUF form of the active version's adapter."""
    try:
        return gguf_adapter(active.folder, base=model.path, cache=gguf_folder(active.folder.parent))
    except AdapterError as error:
        remedy = "Run: plum-lsp policy rollback VERSION"
        raise PolicyUnavailable(f"{active.name} cannot be loaded: {error}", remedy=remedy) from error


def _is_alive(task: asyncio.Task[_Running]) -> bool:
    """Whether a start that is over has led to a server that still runs."""
    return not task.cancelled() and task.exception() is None and task.result().process.is_alive


async def _has_died(process: PolicyProcess) -> bool:
    """Whether the child has ended, or does within a moment."""
    try:
        async with asyncio.timeout(DEATH_SECONDS):
            await process.wait()
    except TimeoutError:
        return False
    return True

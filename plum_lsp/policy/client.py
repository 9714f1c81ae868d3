"""The policy port over any OpenAI completions endpoint: one group, one deadline, one connection a candidate.

Every candidate is a request of its own, so that closing its connection stops it alone: at the first line outside the
block, when the iterator is closed, or at the deadline. The server finds their common prompt in its own prefix cache.
Starting a server of our own is `embedded_policy`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from plum_lsp.domain.errors import PolicyError, PolicyProtocolError, PolicyUnavailable
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Completion, FimPrompt, Finish, PolicyVersion, SamplingOptions
from plum_lsp.policy.connection import Connection, is_loopback
from plum_lsp.policy.cutting import Cutter
from plum_lsp.policy.ladder import temperature_ladder
from plum_lsp.policy.serving import read_state
from plum_lsp.policy.versions import ADAPTERS, VersionStore
from plum_lsp.policy.wire import Delta, EventReader, Token, completion_request, model_names, refusal

__all__ = ["CompletionsPolicy", "PolicyOptions", "open_policy", "temperature_ladder"]

logger = logging.getLogger(__name__)

LIST_SECONDS = 10.0
"""How long a server may take to say which models it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions:
    """Which policy answers. An empty `url` means a server of our own that loads `model`.

    `threads` 0 chooses by what is idle.
    """

    cache_dir: Path
    url: str = ""
    model: str = ""
    api_key: str = ""
    model_folder: Path | None = None
    offline: bool = False
    threads: int = 0
    context_tokens: int = 4096
    idle_seconds: float = 900.0
    ca_file: str = ""
    proxy: str = ""
    data_dir: Path | None = None
    """Where published versions and a server of ours are looked for; None: nowhere."""

    def store(self) -> VersionStore | None:
        """The published versions, where they are looked for."""
        return VersionStore(self.data_dir / ADAPTERS) if self.data_dir else None


def open_policy(options: PolicyOptions) -> Policy:
    """The policy these options mean. Starts and contacts nothing yet.

    Raises:
        ModelError: there is no such model.
    """
    state = read_state(options.data_dir) if options.data_dir else None
    if options.url and (state is None or options.url.rstrip("/") != state.url):
        reach = Connection(api_key=options.api_key, ca_file=options.ca_file, proxy=options.proxy)
        return CompletionsPolicy(options.url, model=options.model, connection=reach)
    if options.data_dir is not None and (state is not None or options.url):
        from plum_lsp.policy.served_policy import ServedPolicy

        return ServedPolicy(options.data_dir)
    from plum_lsp.policy.embedded_policy import EmbeddedPolicy

    return EmbeddedPolicy(options)


class CompletionsPolicy:
    """A policy server at an address. Belongs to the event loop it is first used in."""

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        api_key: str = "",
        version: PolicyVersion | None = None,
        connection: Connection | None = None,
    ) -> None:
        """`version` is what a server of our own is known to serve; otherwise the server is asked for its models."""
        self._url = url.rstrip("/")
        self._model = model
        self._version = version
        self._is_loopback = is_loopback(self._url)
        self._http = (connection or Connection(api_key=api_key)).client(self._url)
        self._streams: set[asyncio.Task[Completion]] = set()
        self._is_closed = False

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version that will answer the next request; asked for once, and again after an error.

        Raises:
            PolicyError: the server cannot be reached.
        """
        if self._version is None:
            names = await self._list_models()
            name = self._model or names[0]
            if name not in names:
                remedy = f"Set PLUM_POLICY_MODEL to one of: {', '.join(names)}."
                raise PolicyUnavailable(f"the policy server at {self._url} has no model {name!r}", remedy=remedy)
            self._version = PolicyVersion(number=0, model=name, model_sha256="")
        return self._version

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Yield each completion as its stream ends; see the port.

        Raises:
            PolicyError: no completion could be had.
        """
        group = await self._begin(prompt, options, deadline, version)
        tasks = [asyncio.create_task(self._stream(group, index)) for index in range(len(options.temperatures))]
        self._streams.update(tasks)
        error: PolicyError | None = None
        has_yielded = False
        pending = set(tasks)
        try:
            while pending:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for task in (task for task in tasks if task in done):
                    completion, failure = _outcome(task)
                    error = error or failure
                    if completion is not None:
                        has_yielded = True
                        yield completion
        finally:
            await _end(tasks)
            self._streams.difference_update(tasks)
        if error is not None:
            self._forget_version()
            logger.info("lost at least one stream of a group: %s", error)
            if not has_yielded:
                raise error

    async def close(self) -> None:
        """Cancel what is in flight and close all connections; idempotent."""
        self._is_closed = True
        streams = list(self._streams)
        await _end(streams)
        await self._http.aclose()

    async def _begin(
        self, prompt: FimPrompt, options: SamplingOptions, deadline: float, version: PolicyVersion | None
    ) -> _Group:
        """What the streams of one group share."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        if self._is_closed:
            raise PolicyUnavailable("the policy was closed")
        try:
            async with asyncio.timeout_at(deadline):
                version = version or await self.version()
        except TimeoutError:
            raise PolicyUnavailable(f"the policy server at {self._url} did not answer before the deadline") from None
        sent = tuple(asyncio.Event() for _ in options.temperatures)
        return _Group(
            model=version.served_name, prompt=prompt, options=options, deadline=deadline, started=started, sent=sent
        )

    async def _stream(self, group: _Group, index: int) -> Completion:
        """One candidate. Requests leave in the order of their index; whoever waits for them ends them (`_end`).

        The order matters to a server that answers one after the other: the likeliest candidate comes first. It is
        kept on this machine only, where waiting for the one before costs no round trip.
        """
        try:
            if index and self._is_loopback:
                await group.sent[index - 1].wait()
            return await self._complete(group, index)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise PolicyUnavailable(
                f"the policy server at {self._url} cannot be used: {str(error) or type(error).__name__}",
                remedy="Check that it runs and that PLUM_POLICY_URL is its address.",
            ) from error
        finally:
            group.sent[index].set()

    async def _complete(self, group: _Group, index: int) -> Completion:
        """Send the request and read its stream until it ends or leaves the block."""
        writing = _Writing(cutter=Cutter(group.prompt.block))
        reader = EventReader()
        request = completion_request(group.model, group.prompt, group.options, index)

        async def trace(event: str, _info: object) -> None:
            if event == "http11.send_request_body.complete":
                group.sent[index].set()

        url = f"{self._url}/completions"
        async with self._http.stream("POST", url, json=request, extensions={"trace": trace}) as response:
            if response.status_code != httpx.codes.OK:
                raise refusal(response.status_code, (await response.aread())[:4096], url=self._url)
            async for chunk in response.aiter_bytes():
                for delta in reader.feed(chunk):
                    writing.take(delta, at=group.elapsed_ms())
                    if writing.has_ended:
                        return writing.completion(group, index)
        raise PolicyProtocolError("the policy server ended a stream without saying why")

    async def _list_models(self) -> tuple[str, ...]:
        try:
            response = await self._http.get(f"{self._url}/models", timeout=LIST_SECONDS)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise PolicyUnavailable(
                f"the policy server at {self._url} cannot be reached: {str(error) or type(error).__name__}",
                remedy="Check that it runs and that PLUM_POLICY_URL is its address.",
            ) from error
        if response.status_code != httpx.codes.OK:
            raise refusal(response.status_code, response.content, url=self._url)
        return model_names(response.content)

    def _forget_version(self) -> None:
        """Ask a server that failed again what it serves, unless it is our own."""
        if self._version is not None and not self._version.model_sha256:
            self._version = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """What the streams of one group share; `sent[i]` is set once request `i` has left."""

    model: str
    prompt: FimPrompt
    options: SamplingOptions
    deadline: float
    started: float
    sent: tuple[asyncio.Event, ...]

    def elapsed_ms(self) -> float:
        """Milliseconds since the group began."""
        return (asyncio.get_running_loop().time() - self.started) * 1000


@dataclass(slots=True, kw_only=True)
class _Writing:
    """A completion while it streams."""

    cutter: Cutter
    tokens: list[tuple[int, float | None]] = field(default_factory=list)
    length: int = 0
    finish: str = ""
    first_token_ms: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is wanted of the stream."""
        return bool(self.finish) or self.cutter.has_ended

    def take(self, delta: Delta, *, at: float) -> None:
        """Add what one event brought."""
        for token in delta.tokens:
            self._take_token(token, at)
        self.finish = delta.finish

    def _take_token(self, token: Token, at: float) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = at
        self.tokens.append((self.length, token.logprob))
        self.length += len(token.text)
        self.cutter.feed(token.text)

    def completion(self, group: _Group, index: int) -> Completion:
        """The completion, cut to its block, with the log-probabilities of the tokens kept."""
        text = self.cutter.close()
        reason = Finish.LENGTH if self.finish == "length" else Finish.STOP
        ended = group.elapsed_ms()
        return Completion(
            index=index,
            text=text,
            finish=Finish.CUT if self.cutter.has_ended else reason,
            temperature=group.options.temperatures[index],
            seed=group.options.seed + index,
            token_logprobs=tuple(value for start, value in self.tokens if start < len(text) and value is not None),
            first_token_ms=self.first_token_ms if self.first_token_ms is not None else ended,
            ended_ms=ended,
        )


async def _end(streams: Collection[asyncio.Task[Completion]]) -> None:
    """Cancel each stream exactly once, and wait for all.

    A stream that is cancelled closes its connection, which takes a few turns of the event loop. A second cancellation
    in that time (a deadline of the caller's beside ours, `gather` passing its own on) would leave the connection open,
    and with it a policy that goes on generating and keeps every later request waiting.
    """
    for task in streams:
        if not task.done() and not task.cancelling():
            task.cancel()
    if streams:
        await asyncio.wait(streams)


def _outcome(task: asyncio.Task[Completion]) -> tuple[Completion | None, PolicyError | None]:
    """What became of one stream that ended by itself: a completion, or an error of the policy."""
    if task.cancelled():
        return None, PolicyUnavailable("the policy was closed")
    error = task.exception()
    if error is None:
        return task.result(), None
    if isinstance(error, PolicyError):
        return None, error
    raise error

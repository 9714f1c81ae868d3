"""The policy port over any OpenAI completions endpoint: one group, one deadline, one connection a temperature.

Candidates of one temperature share one request with `n` choices, so the server reads the prompt once. A connection is
closed when the last of its candidates has left the block, when the iterator is closed, or at the deadline. Requests of
other temperatures find their common prompt in the server's prefix cache. `exchange` sends the requests and adapts them
to the server. `hosting.embedded_policy` starts a server on this machine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection

import httpx

from plum_lsp.domain.errors import PolicyError, PolicyProtocolError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.policy.client.address import address_of, is_azure
from plum_lsp.policy.client.cards import NAMED_MAX, model_cards, server_kind, version_in, version_named
from plum_lsp.policy.client.connection import Connection, is_loopback, unreachable
from plum_lsp.policy.client.exchange import Exchange
from plum_lsp.policy.client.habits import Habits
from plum_lsp.policy.client.refusals import BODY_BYTES_MAX, Refusal
from plum_lsp.policy.client.writing import Group, asks

logger = logging.getLogger(__name__)

VERSION_SECONDS = 30.0
"""How long a server by URL is taken to serve what it served: as long as it keeps a retired version loaded."""
NO_LIST = {400, 401, 403, 404, 405, 406, 410, 415, 422, 500, 501}
"""Statuses of a server that does not list its models. If `policy.model` is set, it is asked for that name."""
_UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    httpx.StreamError,
)
"""What reading an answer raises if its form was not foreseen. Any other error is a fault of ours and is passed on."""


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
        shares_prompt: bool = True,
    ) -> None:
        """`version` is the version that a server of plum-lsp is known to serve. Without it, the server is asked for its
        models.

        `shares_prompt` is False for a server that needs one request for each candidate.
        """
        address = address_of(url)
        self._url = address.base
        self._model = model or address.deployment
        self._version = version
        self._is_loopback = is_loopback(self._url)
        client = (connection or Connection(api_key=api_key)).client(self._url)
        refused = frozenset() if shares_prompt else frozenset({"n"})
        habits = Habits(refused=refused, takes_suffix=self._url.endswith("/fim"))
        self._exchange = Exchange(address, client, habits=habits)
        self._asked_at = 0.0
        self.server_kind = ""
        self._streams: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version that will answer the next request. It is asked for periodically, and after an error.

        If the server does not answer, the last known version is assumed.

        Raises:
            PolicyError: the server cannot be reached.
        """
        now = asyncio.get_running_loop().time()
        if self._version is None or (not self._version.model_sha256 and now - self._asked_at > VERSION_SECONDS):
            try:
                self._version = await self._ask_version()
            except PolicyError:
                if self._version is None:
                    raise
            self._asked_at = now
        return self._version

    async def _ask_version(self) -> PolicyVersion:
        response, body = await self._exchange.models()
        self.server_kind = server_kind(self._url, response.headers, body)
        if not response.is_success:
            if self._model and response.status_code in NO_LIST:
                return version_named(self._model)
            raise self._exchange.refused(Refusal(response.status_code, body[:BODY_BYTES_MAX], response.headers))
        try:
            cards = model_cards(body)
        except PolicyProtocolError:
            if self._model:
                return version_named(self._model)
            raise
        version = version_in(cards, self._model)
        if version is None and is_azure(self._url):
            return version_named(self._model)
        if version is None:
            names = ", ".join(list(cards)[:NAMED_MAX]) + (", …" if len(cards) > NAMED_MAX else "")
            remedy = f"Set policy.model (PLUM_POLICY_MODEL) to one of: {names}."
            raise PolicyRefused(f"the policy server at {self._url} has no model {self._model!r}", remedy=remedy)
        return version

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Yield each completion as its stream ends. See the port.

        Raises:
            PolicyError: no completion could be had.
        """
        group = await self._begin(prompt, options, deadline, version)
        tasks = [self._begin_stream(group, ask) for ask in asks(options, shares_prompt=self.shares_prompt)]
        error: PolicyError | None = None
        has_yielded = False
        pending = set(group.results)
        try:
            while pending:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for result in (result for result in group.results if result in done):
                    completion, lost = _outcome(result)
                    error = error or lost
                    if completion is not None:
                        has_yielded = True
                        yield completion
        finally:
            await _end(tasks)
            for result in group.results:
                _outcome(result)  # without this, asyncio logs the error as never retrieved
        if error is not None:
            self._forget_version()
            logger.info("lost at least one stream of a group: %s", error)
            if not has_yielded:
                raise error

    @property
    def shares_prompt(self) -> bool:
        """Whether candidates of one temperature share a request. False once the server has refused it."""
        return "n" not in self.habits.refused

    @property
    def habits(self) -> Habits:
        """What has been learned about the server."""
        return self._exchange.habits

    async def close(self) -> None:
        """Cancel the requests in flight and close all connections. Idempotent."""
        self._is_closed = True
        streams = list(self._streams)
        await _end(streams)
        await self._exchange.close()

    async def _begin(
        self, prompt: FimPrompt, options: SamplingOptions, deadline: float, version: PolicyVersion | None
    ) -> Group:
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
        return Group(
            model=version.served_name,
            prompt=prompt,
            options=options,
            deadline=deadline,
            started=started,
            sent=sent,
            results=tuple(loop.create_future() for _ in options.temperatures),
        )

    def _begin_stream(self, group: Group, ask: tuple[int, ...]) -> asyncio.Task[None]:
        """Run a stream in a task.

        The end of the stream is always reported, even if the task is cancelled before its first step. So is an
        unexpected error.
        """

        def ended(task: asyncio.Task[None]) -> None:
            self._streams.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                _fail(group, ask, error)
            for index in ask:
                group.sent[index].set()
                group.results[index].cancel()

        task = asyncio.create_task(self._stream(group, ask))
        self._streams.add(task)
        task.add_done_callback(ended)
        return task

    async def _stream(self, group: Group, ask: tuple[int, ...]) -> None:
        """The candidates of one request. Requests leave in the order of their candidates.

        The order matters to a server that answers one after the other: the likeliest candidate comes first. It is
        kept on this machine only, where waiting for the one before costs no round trip.
        """
        try:
            if ask[0] and self._is_loopback:
                await group.sent[ask[0] - 1].wait()
            await self._exchange.complete(group, ask)
        except PolicyError as error:
            _fail(group, ask, error)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            _fail(group, ask, unreachable(error, self._url))
        except _UNREADABLE as error:
            logger.error("the answer of the policy server could not be read: %s", type(error).__name__)
            logger.debug("the answer of the policy server could not be read", exc_info=error)
            told = f"the answer of the policy server could not be read ({type(error).__name__})"
            _fail(group, ask, PolicyProtocolError(told))

    def _forget_version(self) -> None:
        """Ask a server that failed again what it serves, unless it is our own."""
        if self._version is not None and not self._version.model_sha256:
            self._version = None


def _fail(group: Group, ask: tuple[int, ...], error: BaseException) -> None:
    """Report the error for every candidate that has not ended."""
    for index in ask:
        if not group.results[index].done():
            group.results[index].set_exception(error)


async def _end(streams: Collection[asyncio.Task[None]]) -> None:
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


def _outcome(result: asyncio.Future[Completion]) -> tuple[Completion | None, PolicyError | None]:
    """The result of one candidate whose stream has ended: a completion, or an error of the policy."""
    if result.cancelled():
        return None, PolicyUnavailable("the policy was closed")
    error = result.exception()
    if error is None:
        return result.result(), None
    if isinstance(error, PolicyError):
        return None, error
    raise error

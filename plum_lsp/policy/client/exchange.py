"""One server at its address: a request, its answer, and what is learned about the server from its refusals.

A request that is refused for a field, a path or its length is sent again in another form (`complaints`). The form that
is answered is remembered for this server. Redirects are not followed, and a Retry-After is obeyed by all requests.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import httpx

from plum_lsp.domain.errors import PolicyBusy, PolicyError, PolicyProtocolError
from plum_lsp.policy.client.address import Address
from plum_lsp.policy.client.complaints import learned
from plum_lsp.policy.client.connection import unreachable
from plum_lsp.policy.client.events import EventReader
from plum_lsp.policy.client.habits import Habits, completion_request
from plum_lsp.policy.client.refusals import BODY_BYTES_MAX, BUSY, ErrorEvent, Refusal, refusal, shown, without_text
from plum_lsp.policy.client.wire import Delta, read_event
from plum_lsp.policy.client.writing import Group, Writing

logger = logging.getLogger(__name__)

FORMS_MAX = 10
"""At most this many forms of one request are tried."""
LIST_SECONDS = 10.0
"""How long a server may take to say which models it has."""
KEY_CHARACTERS_MIN = 8
"""A shorter key is no secret, and may be a word of the message in which it would be hidden."""
UNPACKED = "Switch compression off in the server, or in the proxy before it."
LIST_BYTES_MAX = 8 * 1024 * 1024
STREAM_BYTES_MIN = 1024 * 1024
TOKEN_BYTES_MAX = 8 * 1024
"""An answer longer than `STREAM_BYTES_MIN` and this for each token is ended. An event with log-probabilities has about
500 bytes."""

Answer = tuple[int, ...]
"""The candidates that an answer left out."""

SILENT_KEYS = {"choices", "usage", "type", "id", "object", "created", "model", "prompt_filter_results", "service_tier"}
"""What an event without choices may hold and say nothing: it counts tokens, or keeps the connection alive."""
_SILENT = Refusal(200, b"", {})
"""A stream that ended before its first byte."""


class Exchange:
    """The requests to one server. Belongs to the event loop it is first used in."""

    def __init__(self, address: Address, client: httpx.AsyncClient, *, habits: Habits) -> None:
        """Takes over `client` and closes it."""
        self.url = address.base
        self._address = address
        self.habits = habits
        self._http = client
        self._paused_until = 0.0

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def models(self) -> tuple[httpx.Response, bytes]:
        """The answer to `/models` with its body, whatever its status.

        Raises:
            PolicyError: the server cannot be reached, or asks for a pause.
        """
        self._check_pause()
        try:
            async with self._http.stream("GET", self._address.at("/models"), timeout=LIST_SECONDS) as response:
                return response, await _body(response, LIST_BYTES_MAX)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise unreachable(error, self.url) from error

    def refused(self, answer: Refusal) -> PolicyError:
        """The error that a refusal means. A pause that it asks for begins now."""
        error = refusal(self._without_key(answer), url=self.url, now=time.time())
        if isinstance(error, PolicyBusy):
            self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + error.seconds)
        return error

    def _without_key(self, answer: Refusal) -> Refusal:
        """A refusal that does not repeat the key, which its words may do."""
        headers = self._http.headers
        key = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if len(key) < KEY_CHARACTERS_MIN:
            return answer
        return replace(answer, body=answer.body.replace(key.encode(), "…".encode()))

    async def complete(self, group: Group, ask: tuple[int, ...]) -> None:
        """Ask for candidates of a group, and give each its result. What an answer leaves out is asked for alone.

        Raises:
            PolicyError: a candidate cannot be had.
            httpx.RequestError: the connection failed.
        """
        habits = self.habits
        while ask:
            count = 1 if "n" in habits.refused else len(ask)
            now, later = ask[:count], ask[count:]
            habits, missing = await self._ask(group, now, habits)
            if missing and count == 1:
                raise PolicyProtocolError("the policy server ended a stream without a completion")
            if missing:
                habits = replace(habits, refused=habits.refused | {"n"})
                logger.info("the policy server gave fewer candidates than asked for, so each is asked for alone")
            ask = missing + later

    async def _ask(self, group: Group, ask: tuple[int, ...], habits: Habits) -> tuple[Habits, Answer]:
        """Send a request in the forms that its refusals suggest, until one is answered. Remember that form."""
        first: Refusal | None = None
        for _ in range(FORMS_MAX):
            request = completion_request(group.model, group.prompt, group.options, ask, habits)
            answer = await self._send(group, ask, habits, request, first)
            if answer == _SILENT:
                habits, answer = await self._explained(group, ask, habits)
            if not isinstance(answer, Refusal):
                return habits, answer
            first = first or answer
            next_habits = learned(habits, answer, request)
            if next_habits is None:
                raise self.refused(answer if answer.status == 429 else first)
            if "n" in next_habits.refused and len(ask) > 1:
                return next_habits, ask
            habits = next_habits
        assert first is not None
        raise self.refused(first)

    async def _explained(self, group: Group, ask: tuple[int, ...], habits: Habits) -> tuple[Habits, Answer | Refusal]:
        """Ask for a whole answer, after a stream ended before its first byte.

        llama-cpp-python reports a prompt that is too long in this way. Without a stream it gives the reason.
        """
        whole = replace(habits, refused=habits.refused | {"stream"})
        request = completion_request(group.model, group.prompt, group.options, ask, whole)
        answer = await self._send(group, ask, whole, request, _SILENT)
        return (habits if isinstance(answer, Refusal) else whole), answer

    def _remember(self, habits: Habits, first: Refusal | None) -> None:
        """Keep the form that was answered. `first` is the refusal of the full form, if there was one."""
        known = self.habits
        self.habits = known.joined(habits)
        if first is None or self.habits == known:
            return
        words = "; ".join(self.habits.in_words())
        logger.info("the policy server answered %d to a request, so from now on it is %s", first.status, words)
        if habits.prompt_characters_max is not None:
            logger.warning(
                "the prompt is longer than the context of the policy server (set sampling.prefix_tokens lower)"
            )

    async def _send(
        self, group: Group, ask: tuple[int, ...], habits: Habits, request: dict[str, Any], first: Refusal | None
    ) -> Answer | Refusal:
        """Send one request and read its answer until each choice has ended or left the block."""
        self._check_pause()

        async def trace(event: str, _info: object) -> None:
            if event == "http11.send_request_body.complete":
                for index in ask:
                    group.sent[index].set()

        url = self._address.at(habits.path)
        async with self._http.stream("POST", url, json=request, extensions={"trace": trace}) as response:
            if not response.is_success:
                return Refusal(response.status_code, await _body(response, BODY_BYTES_MAX), response.headers)
            encoding = self._strange_encoding(response)
            reading = _Reading(group, ask, lambda found: self._remember(replace(habits, gives_reasons=found), first))
            try:
                await reading.read(response)
            except httpx.RemoteProtocolError:
                if reading.has_bytes or "stream" not in request:
                    raise
                return _SILENT
            except PolicyProtocolError:
                if reading.has_text or not encoding:
                    raise
                told = f"the policy server compressed its answer as {encoding!r:.40}, which was not asked for"
                raise PolicyProtocolError(told, remedy=UNPACKED) from None
            except ErrorEvent as error:
                if reading.has_text:
                    raise self.refused(error.as_refusal()) from None
                return error.as_refusal()
            if not reading.has_bytes and "stream" in request:
                return _SILENT
            return reading.close(is_always_told=self.habits.gives_reasons)

    def _strange_encoding(self, response: httpx.Response) -> str:
        """The encoding of an answer that was not asked for. httpx passes such an answer on as it is."""
        encoding = str(response.headers.get("content-encoding", "")).strip().lower()
        if encoding == "x-gzip":  # the same as gzip (RFC 9110, 8.4.1.3)
            response.headers["content-encoding"] = encoding = "gzip"
        asked_for = self._http.headers.get("accept-encoding", "").split(", ")
        return "" if encoding in {"identity", *asked_for} else encoding

    def _check_pause(self) -> None:
        left = self._paused_until - asyncio.get_running_loop().time()
        if left > 0:
            told = f"the policy server at {self.url} has asked for a pause"
            raise PolicyBusy(told, remedy=BUSY, seconds=left)


class _Reading:
    """The choices of one answer while it streams. A choice that has ended becomes the result of its candidate."""

    def __init__(self, group: Group, ask: tuple[int, ...], answered: Callable[[bool], None]) -> None:
        """`answered` is called before each result, because the task may be cancelled as soon as there is one.

        It is told whether the answer has given a reason for an end.
        """
        self._group = group
        self._answered = answered
        self._ask = ask
        self._writings = [Writing.of(group) for _ in ask]
        self._left = set(range(len(ask)))
        self._reader = EventReader()
        self._has_choices = False
        self._has_reason = False
        self._odd: dict[str, Any] = {}
        """The last event without choices that was not understood."""
        self.has_bytes = False

    @property
    def has_text(self) -> bool:
        """Whether any choice has text."""
        return any(writing.length for writing in self._writings)

    async def read(self, response: httpx.Response) -> None:
        """Read to the end of the answer, or until no choice is left.

        Raises:
            PolicyError: the answer is no completion, or reports an error.
        """
        size, size_max = 0, STREAM_BYTES_MIN + TOKEN_BYTES_MAX * self._group.options.max_tokens * len(self._ask)
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            self.has_bytes = True
            self._take(self._reader.feed(chunk))
            if not self._left or self._reader.is_done:
                return
            if size > size_max:
                raise PolicyProtocolError(f"the policy server sent more than {size_max:,} bytes without an end")
        self._take(self._reader.close())

    def close(self, *, is_always_told: bool) -> Answer:
        """End the choices with text that were closed without a reason, and return the candidates that have no text.

        A server that gives reasons (`is_always_told`) has broken off if it gives none.

        Raises:
            PolicyProtocolError: there is no completion, or the stream broke off.
        """
        silent = {place for place in self._left if not self._writings[place].length}
        if self._left - silent and is_always_told:
            raise PolicyProtocolError("the policy server ended a stream without saying why")
        for place in sorted(self._left - silent):
            self._writings[place].end()
            self._settle(place)
        if len(silent) < len(self._ask):
            return tuple(self._ask[place] for place in sorted(silent))
        if not (self._has_choices and self._reader.is_done):
            odd = f". It sent {shown(json.dumps(self._odd).encode())}" if self._odd else ""
            raise PolicyProtocolError(f"the policy server ended a stream without a completion{odd}")
        for place in sorted(silent):
            self._settle(place)
        return ()

    def _take(self, events: Iterable[Any]) -> None:
        for event in events:
            deltas = read_event(event)
            if not deltas and isinstance(event, dict) and event.keys() - SILENT_KEYS:
                self._odd = event
            for delta in deltas:
                self._take_delta(delta)

    def _take_delta(self, delta: Delta) -> None:
        self._has_choices = True
        self._has_reason |= bool(delta.finish)
        if delta.index not in self._left:
            return
        writing = self._writings[delta.index]
        writing.take(delta, at=self._group.elapsed_ms())
        if writing.has_ended:
            self._settle(delta.index)

    def _settle(self, place: int) -> None:
        """Make the choice the result of its candidate."""
        self._left.discard(place)
        index = self._ask[place]
        result = self._group.results[index]
        self._answered(self._has_reason)
        if result.done():
            return
        if refused := self._writings[place].refusal:
            result.set_exception(without_text(refused))
        else:
            result.set_result(self._writings[place].completion(self._group, index))


async def _body(response: httpx.Response, size: int) -> bytes:
    """The beginning of an answer."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= size:
            break
    return body[:size]

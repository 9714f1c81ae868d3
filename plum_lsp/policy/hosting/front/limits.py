"""How much one person may ask at once and in a minute, and whose turn it is at the engine.

A request over a limit waits for a moment. If that is not enough, it is refused with the time after which it will do.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from plum_lsp.policy.hosting.front.keys import Key
from plum_lsp.policy.hosting.http_server import Refusal

WAIT_SECONDS = 5.0
"""How long a request over a limit waits. An editor would give up later."""
WAITING_MAX = 16
"""Requests of one key that may wait. Each holds a connection and its body."""
RETRY_SECONDS = 1
"""When to try again where the end of the other requests is not known."""


class Turns:
    """Lets `capacity` requests through at once (0: all), and of those that wait the one whose name has fewest."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def resize(self, capacity: int) -> None:
        """Let another number through at once."""
        self.capacity = capacity
        self._go_on()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        await self._begin(name)
        try:
            yield
        finally:
            self._running[name] -= 1
            self._go_on()

    async def _begin(self, name: str) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(waiter)
        self._go_on()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # its turn came in the same moment
                self._running[name] -= 1
                self._go_on()
            raise

    def _go_on(self) -> None:
        """Give every free turn to a waiter. Names with equally many take turns: the one served goes to the end."""
        while not self.capacity or self._running.total() < self.capacity:
            self._drop_gone()
            if not self._waiting:
                return
            name = min(self._waiting, key=lambda one: self._running[one])
            waiters = self._waiting.pop(name)
            waiters.popleft().set_result(None)
            self._running[name] += 1
            if waiters:
                self._waiting[name] = waiters

    def _drop_gone(self) -> None:
        for name, waiters in list(self._waiting.items()):
            kept = deque(waiter for waiter in waiters if not waiter.done())
            if kept:
                self._waiting[name] = kept
            else:
                del self._waiting[name]


@dataclass(slots=True)
class Person:
    """What one name has asked for since the server started, and what it may still ask for."""

    key: Key
    clock: Callable[[], float] = time.monotonic
    open: int = 0
    in_flight: int = 0
    requests: int = 0
    refused: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    _line: Turns = field(default_factory=lambda: Turns(0))
    _left: float = 0.0
    _counted_at: float = -math.inf

    def enter(self) -> None:
        """Count a connection.

        Raises:
            Refusal: too many wait already.
        """
        if self.key.in_flight and self.open >= self.key.in_flight + WAITING_MAX:
            raise self._refusal(f"{self.open} requests of {self.key.name} are open", RETRY_SECONDS)
        self.open += 1

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the key's places for requests in flight.

        Raises:
            Refusal: none becomes free soon.
        """
        self._line.capacity = self.key.in_flight
        holding = self._line.turn(self.key.name)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await holding.__aenter__()
        except TimeoutError:
            told = f"{self.key.name} has {self.key.in_flight} requests in flight"
            raise self._refusal(told, RETRY_SECONDS) from None
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            await holding.__aexit__(None, None, None)

    async def reserve(self, tokens: int) -> None:
        """Take tokens out of the minute's, and wait for a moment if they are used up. `give_back` returns the rest.

        Raises:
            Refusal: there are not enough, nor will there be soon.
        """
        rate = self.key.tokens_a_minute / 60
        if not rate:
            return
        if tokens > self.key.tokens_a_minute:
            told = f"asks for up to {tokens:,} tokens. {self.key.name} has {self.key.tokens_a_minute:,} in a minute"
            self.refused += 1
            raise Refusal(400, f"the request {told}")
        now = self.clock()
        self._left = min(self.key.tokens_a_minute, self._left + (now - self._counted_at) * rate)
        self._counted_at = now
        self._left -= tokens
        wait = -self._left / rate
        if wait > WAIT_SECONDS:
            self._left += tokens
            raise self._refusal(f"{self.key.name} has used its tokens of this minute", math.ceil(wait))
        if wait > 0:
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                self._left += tokens
                raise

    def give_back(self, tokens: int) -> None:
        """Return reserved tokens that were not used."""
        self._left += tokens

    def _refusal(self, told: str, seconds: int) -> Refusal:
        self.refused += 1
        return Refusal(429, f"{told}. Try again in {seconds} s", retry_after_s=seconds)

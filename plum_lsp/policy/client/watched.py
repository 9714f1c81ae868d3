"""A policy with supervision: it is asked again with growing pauses when it fails, and a slow one is detected.

Each error that it raises says what is wrong and what to do, so it can be shown to the user. `health` makes the
decisions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from plum_lsp.domain.errors import PolicyBusy, PolicyError, PolicyProtocolError, PolicyRefused, PolicyUnavailable
from plum_lsp.domain.ports import Policy
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.policy.client.health import Backoff, Pace

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0
"""The longest pause that is waited for. With a longer one, the user is told at once that the policy is down."""
MARGIN_SECONDS = 0.1
"""A policy that is too slow is given up this long before the deadline, so that the caller still gets the reason."""


class WatchedPolicy:
    """Another policy, watched. `tries` counts the first question too."""

    def __init__(self, policy: Policy, *, tries: int, backoff: Backoff | None = None) -> None:
        """Takes over `policy` and closes it."""
        self.policy = policy
        self._tries = tries
        self._backoff = backoff or Backoff()
        self.pace = Pace()
        self._last: PolicyError | None = None

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version that will answer the request with this id, or the next one.

        Raises:
            PolicyError: the server cannot be reached or started.
        """
        for left in reversed(range(self._tries)):
            await self._rest()
            try:
                return await self.policy.version(request_id)
            except PolicyError as error:
                self._note(error)
                if not left or not _may_pass(error):
                    raise
        raise AssertionError("a policy is asked at least once")

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Yield each completion as its stream ends. See the port.

        Raises:
            PolicyError: no completion could be had, or the policy is much slower than usual.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        is_long = self.pace.is_slow((deadline - began - MARGIN_SECONDS) * 1000)
        until = deadline - MARGIN_SECONDS if is_long else deadline
        for left in reversed(range(self._tries)):
            await self._rest()
            has_yielded = False
            try:
                async with aclosing(self.policy.sample(prompt, options, deadline=until, version=version)) as stream:
                    async for completion in stream:
                        if not has_yielded:
                            has_yielded = True
                            self._answered(completion.ended_ms)
                        yield completion
                break
            except PolicyError as error:
                self._note(error)
                if has_yielded or not left or not _may_pass(error) or loop.time() >= until:
                    raise
        waited_ms = (loop.time() - began) * 1000
        if not has_yielded and self.pace.is_slow(waited_ms):
            raise self._slow(waited_ms)

    async def close(self) -> None:
        """Cancel the requests in flight and release the server. Idempotent."""
        await self.policy.close()

    async def _rest(self) -> None:
        """Wait until the server may be asked, unless that takes too long."""
        left = self._backoff.left(asyncio.get_running_loop().time())
        if left > PATIENCE_SECONDS and self._last is not None:
            raise PolicyUnavailable(f"{self._last} (asked again in {left:.0f} s)", remedy=self._last.remedy)
        await asyncio.sleep(left)

    def _note(self, error: PolicyError) -> None:
        if _may_pass(error):
            least = error.seconds if isinstance(error, PolicyBusy) else 0.0
            self._backoff.failed(asyncio.get_running_loop().time(), at_least=least)
            self._last = error
            logger.info("the policy failed %d times in a row: %s", self._backoff.failures, error)

    def _answered(self, first_ms: float) -> None:
        self._backoff.succeeded()
        self.pace.took(first_ms)

    def _slow(self, waited_ms: float) -> PolicyUnavailable:
        usual = self.pace.usual_ms or 0.0
        return PolicyUnavailable(
            f"the model is slow: no answer after {waited_ms / 1000:.1f} s (usually {usual / 1000:.1f} s)",
            remedy="Something else may keep it busy. Ask for fewer candidates (sampling.candidates), or wait.",
        )


def _may_pass(error: PolicyError) -> bool:
    """Whether the same question may be answered the next time."""
    return not isinstance(error, PolicyRefused | PolicyProtocolError)

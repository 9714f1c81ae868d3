"""A sandbox that remembers whether it broke, for callers that cannot use a group with a gap.

The ladder reports a candidate that could not be run as `unverified`, which is right for an offer. A stored row must not
say that, because it would count a failure of the machine as a fact about the candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import Call, Limits, Observation, Program, SandboxTier, TestCase, TestRun, Verdict


class WatchedSandbox:
    """Another sandbox, watched. It leaves the closing to the owner of that sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._error: SandboxError | None = None

    def raise_if_broken(self) -> None:
        """Raise the first error of the sandbox, if there was one.

        Raises:
            SandboxError: the sandbox broke under a program.
        """
        if self._error is not None:
            raise self._error

    @property
    def problem(self) -> str:
        """See the port."""
        return self._sandbox.problem

    @property
    def tier(self) -> SandboxTier:
        """See the port."""
        return self._sandbox.tier

    @property
    def project(self) -> Project | None:
        """See the port."""
        return self._sandbox.project

    async def observe(self, program: Program, calls: Sequence[Call], limits: Limits) -> tuple[Observation, ...]:
        """See the port."""
        with self._noting():
            return await self._sandbox.observe(program, calls, limits)

    async def examine(
        self,
        program: Program,
        tests: Sequence[TestCase],
        calls: Sequence[Call],
        limits: Limits,
        *,
        reference: Program,
    ) -> tuple[tuple[Verdict, ...], tuple[Observation, ...]]:
        """See the port."""
        with self._noting():
            return await self._sandbox.examine(program, tests, calls, limits, reference=reference)

    async def verify(
        self, program: Program, tests: Sequence[TestCase], limits: Limits, *, reference: Program
    ) -> tuple[Verdict, ...]:
        """See the port."""
        with self._noting():
            return await self._sandbox.verify(program, tests, limits, reference=reference)

    async def run_tests(
        self, program: Program, tests: Sequence[str], *, watches: bool, seconds: float
    ) -> tuple[TestRun, ...]:
        """See the port."""
        with self._noting():
            return await self._sandbox.run_tests(program, tests, watches=watches, seconds=seconds)

    def held(self) -> AbstractContextManager[None]:
        """See the port."""
        return self._sandbox.held()

    async def close(self) -> None:
        """Does not close the sandbox: the owner does."""

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except SandboxError as error:
            self._error = self._error or error
            raise

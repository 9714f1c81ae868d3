"""The Protocols between the core and the shell. For each one, real and fake implementations pass the same tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from plum_lsp.domain.events import Event
from plum_lsp.domain.project import Project
from plum_lsp.domain.quality import Findings, Passage
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.domain.verification import Call, Limits, Observation, Program, SandboxTier, TestCase, TestRun, Verdict


class Clock(Protocol):
    """Monotonic time. Deadlines are instants on this clock."""

    def now(self) -> float:
        """Seconds since an arbitrary start. The value never decreases."""
        ...


class Policy(Protocol):
    """The source of completions."""

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version that will answer this request. A version on trial gets a share of the requests, chosen by their
        ids.

        Raises:
            PolicyError: the server cannot be reached or started.
        """
        ...

    def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Sample from `version` to the end, even if another version is published meanwhile. None means the active
        version.

        Yield each completion of the group as its stream ends, in any order. Closing the iterator cancels the rest.
        Completions that have not ended at the deadline are not yielded. Each one is cut to its block (`prompt.block`).

        Raises:
            PolicyError: there is no completion at all. If only some streams fail, the others are still yielded.
        """
        ...

    async def close(self) -> None:
        """Cancel the requests in flight and release the server. Idempotent."""
        ...


class Sandbox(Protocol):
    """Runs untrusted programs in isolation. A result says what a program did. An exception says the sandbox broke."""

    @property
    def problem(self) -> str:
        """Why no candidate can run here, in one line for the user. Empty for a sandbox that works."""
        ...

    @property
    def tier(self) -> SandboxTier:
        """The isolation in force.

        Raises:
            SandboxError: no candidate can run here.
        """
        ...

    @property
    def project(self) -> Project | None:
        """The project whose documents run as the modules they are. None if there is none."""
        ...

    async def observe(self, program: Program, calls: Sequence[Call], limits: Limits) -> tuple[Observation, ...]:
        """Run the program once in a fresh child, then each call in order. Returns one observation for each call.

        If the program itself fails to load, every observation says so.

        Raises:
            SandboxError: the jail broke.
        """
        ...

    async def examine(
        self,
        program: Program,
        tests: Sequence[TestCase],
        calls: Sequence[Call],
        limits: Limits,
        *,
        reference: Program,
    ) -> tuple[tuple[Verdict, ...], tuple[Observation, ...]]:
        """`verify` the tests, then `observe` the calls, in one child, because a child's start costs more than a call.

        Raises:
            SandboxError: the jail broke.
        """
        ...

    async def verify(
        self, program: Program, tests: Sequence[TestCase], limits: Limits, *, reference: Program
    ) -> tuple[Verdict, ...]:
        """Judge the program on each test, in order. The verdicts are computed outside the child.

        `reference` is the same program without the candidate. Expected values that are not literals are evaluated in
        it, in a separate child.

        Raises:
            SandboxError: the jail broke.
        """
        ...

    async def run_tests(
        self, program: Program, tests: Sequence[str], *, watches: bool, seconds: float
    ) -> tuple[TestRun, ...]:
        """Run tests of the project whole (`file::Class::function`), in order, in one child beside the program.

        The program is a module of the project. `watches` also tells which tests call the function at the hole.
        `seconds` bounds all of them together.

        Raises:
            SandboxError: the jail broke.
        """
        ...

    def held(self) -> AbstractContextManager[None]:
        """Count the sandbox as in use within the block, also while no program runs and the policy writes."""
        ...

    async def close(self) -> None:
        """Kill every process of the sandbox. Idempotent."""
        ...


class ProjectSandboxes(Protocol):
    """The sandboxes of trusted projects. Each has the packages and modules of one project."""

    async def of(self, project: Project | None) -> Sandbox:
        """The sandbox for a project. For None, or if the project's sandbox fails, the default sandbox."""
        ...

    async def prepare(self, project: Project) -> str:
        """Open a project's sandbox in advance. Returns an error text for the user if that fails."""
        ...


class Inspector(Protocol):
    """Reads candidates for signals beside correctness."""

    async def inspect(self, passages: Sequence[Passage]) -> tuple[Findings, ...]:
        """The findings for each passage, in order. Empty if the passages cannot be inspected."""
        ...


class Recorder(Protocol):
    """Receives the events of a request: the store, the status bar, the terminal."""

    def record(self, event: Event) -> None:
        """Take one event. It does not block and does not raise. A recorder reports its own failures."""
        ...

"""The Protocols through which the core meets the world. Real and fake implementations pass one suite each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from plum_lsp.domain.events import Event
from plum_lsp.domain.project import Project
from plum_lsp.domain.quality import Findings, Passage
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.domain.verification import Call, Limits, Observation, Program, SandboxTier, TestCase, TestRun, Verdict


class Clock(Protocol):
    """Monotonic time; deadlines are instants on it."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...


class Policy(Protocol):
    """Where completions come from."""

    async def version(self, request_id: str = "") -> PolicyVersion:
        """The version that will answer this request; a version on trial gets a share of them, told by their ids.

        Raises:
            PolicyError: the server cannot be reached or started.
        """
        ...

    def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        """Sample from `version` (None: the one that is active now) to the end, whatever is published meanwhile.

        Yield each completion of the group as its stream ends, in any order; closing the iterator cancels the rest.

        Completions that have not ended at the deadline are not yielded; each is cut to its block (`prompt.block`).

        Raises:
            PolicyError: no completion could be had; a group that loses some streams yields the others.
        """
        ...

    async def close(self) -> None:
        """Cancel what is in flight and let go of the server; idempotent."""
        ...


class Sandbox(Protocol):
    """The jail. A result says what a program did; an exception says the jail broke."""

    @property
    def tier(self) -> SandboxTier:
        """The isolation in force."""
        ...

    @property
    def project(self) -> Project | None:
        """The project whose documents run as the modules they are; None if there is none."""
        ...

    async def observe(self, program: Program, calls: Sequence[Call], limits: Limits) -> tuple[Observation, ...]:
        """Run the program once in a fresh child, then each call in order; one observation for each call.

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
        """`verify` on the tests and then `observe` on the calls, in one child: starting it costs more than a call.

        Raises:
            SandboxError: the jail broke.
        """
        ...

    async def verify(
        self, program: Program, tests: Sequence[TestCase], limits: Limits, *, reference: Program
    ) -> tuple[Verdict, ...]:
        """Judge the program on each test, in order; the verdicts are computed outside the child.

        `reference` is the same program without the candidate: expected values that are not literals are
        evaluated in it, in a child of their own.

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

    async def close(self) -> None:
        """Kill every process of the sandbox; idempotent."""
        ...


class ProjectSandboxes(Protocol):
    """The jails of trusted projects, each with the packages and modules of one."""

    async def of(self, project: Project | None) -> Sandbox:
        """The sandbox for documents of a project; the default one for None, and where that of the project fails."""
        ...

    async def prepare(self, project: Project) -> str:
        """Open a project's sandbox ahead; returns why it cannot be had, in a user's words, or nothing."""
        ...


class Inspector(Protocol):
    """Who reads candidates for signals beside correctness."""

    async def inspect(self, passages: Sequence[Passage]) -> tuple[Findings, ...]:
        """What each passage shows, in order; empty if they cannot be inspected."""
        ...


class Recorder(Protocol):
    """Who is told what happens: the store, the status bar, the terminal."""

    def record(self, event: Event) -> None:
        """Take one event. Does not block and does not raise: a recorder that fails reports it by itself."""
        ...

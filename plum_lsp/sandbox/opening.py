"""Opens a sandbox, or an absent one if the machine offers no isolation. `host` is the sandbox itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from plum_lsp.domain.errors import SandboxError, SandboxUnavailable, told
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.verification import Call, Limits, Observation, Program, SandboxTier, TestCase, TestRun, Verdict
from plum_lsp.files.pages import page
from plum_lsp.sandbox import seatbelt
from plum_lsp.sandbox.environments import describe_environment, describe_interpreter
from plum_lsp.sandbox.host import JailSandbox, SandboxOptions
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.projects.showing import views_of
from plum_lsp.sandbox.selftest import SelfTestReport, check


async def open_sandbox(options: SandboxOptions | None = None) -> JailSandbox:
    """Open the strongest sandbox that this machine offers, and run the self-test once to see that it holds.

    Raises:
        SandboxUnavailable: there is no isolation. `remedy` says what would help.
        SandboxError: there is isolation, but the interpreter cannot be used in it.
    """
    options = _with_home(options or SandboxOptions())
    if not sys.platform.startswith(("linux", "darwin")):
        raise SandboxUnavailable("this system has no sandbox yet", remedy="use Linux, macOS, or a Linux container")
    interpreter = await asyncio.to_thread(_interpreter, options)
    problems: dict[str, list[str]] = {}
    for tier in _tiers(options.tier):
        sandbox = JailSandbox(options, interpreter, tier)
        try:
            await sandbox.start()
            sandbox.passed_over = _told(problems)
            return sandbox
        except SandboxError as error:
            await sandbox.close()
            problems.setdefault(str(error), []).append(tier.name)
        except BaseException:
            await sandbox.close()
            raise
    raise SandboxUnavailable(
        "no isolation works here, so candidates are not executed: " + "; ".join(_told(problems)),
        remedy="Candidates need Linux 5.13 or newer with Landlock and seccomp, or user namespaces for bubblewrap. In a "
        f"container, its seccomp profile must allow one of them ({page('sandbox.md')}).",
    )


def _told(problems: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Why tiers do not hold here, by the names of the tiers. Two may fail for one reason."""
    return tuple(f"{' and '.join(names)}: {reason}" for reason, names in problems.items())


def _with_home(options: SandboxOptions) -> SandboxOptions:
    """The options, with those that the project adds."""
    home = options.home
    if home is None:
        return options
    return replace(
        options,
        readable=(*options.readable, *views_of(home, options.hides).alone),
        import_paths=(*options.import_paths, *map(str, home.import_roots)),
    )


def _interpreter(options: SandboxOptions) -> isolation.Interpreter:
    """The interpreter that was chosen, else the project's, else our own."""
    environment = options.home.environment if options.home is not None else None
    if environment is not None and not options.interpreter:
        return describe_environment(environment)
    return describe_interpreter(options.interpreter or sys.executable)


def _tiers(forced: str | None) -> tuple[isolation.Tier, ...]:
    if sys.platform == "darwin" and forced in {None, seatbelt.TIER.name}:
        return (seatbelt.TIER,)
    try:
        return isolation.tiers_to_try(forced)
    except KeyError:
        known = ", ".join(tier.name for tier in isolation.TIERS)
        raise SandboxUnavailable(f"no tier is called {forced!r}", remedy=f"choose one of {known}") from None


async def open_or_absent(options: SandboxOptions) -> Sandbox:
    """The sandbox, or `NoSandbox` with the reason. A sandbox that breaks while it opens counts as absent."""
    try:
        return await open_sandbox(options)
    except SandboxError as error:
        return NoSandbox(error)


@dataclass(frozen=True, slots=True)
class NoSandbox:
    """The sandbox of a machine without isolation. Each method that should run code raises `SandboxUnavailable`.

    `why` is the error that a sandbox ended with when it was opened.
    """

    why: SandboxError

    @property
    def problem(self) -> str:
        """Why no code runs. See the port."""
        return told(self.why)

    @property
    def tier(self) -> SandboxTier:
        """There is no tier."""
        raise self._unavailable()

    @property
    def project(self) -> None:
        """There is no project."""
        return None

    async def observe(self, program: Program, calls: Sequence[Call], limits: Limits) -> tuple[Observation, ...]:
        """Raise the error. See the port."""
        raise self._unavailable()

    async def examine(
        self,
        program: Program,
        tests: Sequence[TestCase],
        calls: Sequence[Call],
        limits: Limits,
        *,
        reference: Program,
    ) -> tuple[tuple[Verdict, ...], tuple[Observation, ...]]:
        """Raise the error. See the port."""
        raise self._unavailable()

    async def verify(
        self, program: Program, tests: Sequence[TestCase], limits: Limits, *, reference: Program
    ) -> tuple[Verdict, ...]:
        """Raise the error. See the port."""
        raise self._unavailable()

    async def run_tests(
        self, program: Program, tests: Sequence[str], *, watches: bool, seconds: float
    ) -> tuple[TestRun, ...]:
        """Raise the error. See the port."""
        raise self._unavailable()

    def held(self) -> AbstractContextManager[None]:
        """There is no process to hold. See the port."""
        return nullcontext()

    async def close(self) -> None:
        """There is no process to close."""

    def _unavailable(self) -> SandboxUnavailable:
        """A fresh error for each call, so that tracebacks do not grow."""
        return SandboxUnavailable(str(self.why), remedy=self.why.remedy)


async def selftest(options: SandboxOptions) -> SelfTestReport:
    """Open a sandbox and run the self-test in it.

    Raises:
        SandboxUnavailable: no isolation works here.
        SandboxError: an attack succeeded.
    """
    sandbox = await open_sandbox(replace(options, checks_itself=False))
    try:
        return await check(sandbox)
    finally:
        await sandbox.close()

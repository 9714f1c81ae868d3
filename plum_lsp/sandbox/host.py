"""The sandbox port with real isolation: zygotes, children forked ahead, verdicts computed outside the sandbox.

This module handles deadlines, concurrency and the end of children. `judge` compares values. `isolation` decides what a
child may do. An expected value is never sent to a candidate's child.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.project import Project
from plum_lsp.domain.verification import (
    Call,
    Ending,
    Equals,
    Limits,
    Observation,
    Program,
    Raises,
    SandboxTier,
    Shows,
    TestCase,
    TestRun,
    TracedTest,
    Verdict,
    VerdictStatus,
    is_plain,
)
from plum_lsp.sandbox import asking, kinship, launching, pool, seatbelt
from plum_lsp.sandbox.conversation import Answer, Ask, converse
from plum_lsp.sandbox.isolation import plans as isolation
from plum_lsp.sandbox.isolation import quota
from plum_lsp.sandbox.pool import ZygotePool
from plum_lsp.sandbox.projects import testing
from plum_lsp.sandbox.projects.installed import installed_in, package_folders
from plum_lsp.sandbox.projects.jail import ProjectJail
from plum_lsp.sandbox.projects.showing import Hides, shows_everything
from plum_lsp.sandbox.verdicts import literal, verdicts

_log = logging.getLogger(__name__)
_REMEMBERED_MAX = 512
"""Expected values kept, so that the candidates of a group share their evaluation."""
_LARGE = 32 * 1024
"""Answers longer than this are judged in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How to open a sandbox. An untrusted project sets none of these options.

    `interpreter` is a path. If it is empty, the interpreter of `home`'s environment is used, or else our own. `home` is
    the project whose packages and modules candidates may import. Its documents are imported as the modules they are, on
    its environment's interpreter. `hides` tells which parts of it cannot be opened. `readable` are folders and files
    that candidates may read. `import_paths` are those of them that candidates may import from. `imports` are modules to
    import ahead. `jobs` bounds the children at work at once (0: see `jobs_or_default`). `spares` bounds the children
    that are forked ahead. As many are forked as the last group took. `tier` forces one of `isolation.TIERS`. `nice` is
    added to our own niceness. `limits_together` puts each zygote into a control group with limits for all its children
    together, where the machine allows it. `cache` is a folder for what is read from installed packages, which no child
    sees. Without one, each process reads them again.
    """

    interpreter: str = ""
    home: Project | None = None
    jobs: int = 0
    spares: int = 32
    nice: int = 5
    tier: str | None = None
    readable: tuple[str, ...] = ()
    import_paths: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    checks_itself: bool = True
    limits_together: bool = True
    hides: Hides = shows_everything
    cache: Path | None = None

    @property
    def jobs_or_default(self) -> int:
        """Half the cores, at least two, at most eight. The editor needs the rest."""
        return self.jobs or max(2, min(8, (os.cpu_count() or 2) // 2))


def _quota(is_wanted: bool) -> quota.Quota | None:
    """The limits for a whole zygote, as far as this machine allows them."""
    try:
        return quota.find() if is_wanted else None
    except quota.NoQuota as error:
        _log.debug("no limits for all children together: %s", error)
        return None


class JailSandbox:
    """A sandbox over one zygote. It belongs to the event loop that started it."""

    def __init__(self, options: SandboxOptions, interpreter: isolation.Interpreter, tier: isolation.Tier) -> None:
        self._options = options
        self._interpreter = interpreter
        self._plan = tier
        self._readable = isolation.without_hidden(options.readable)
        self.passed_over: tuple[str, ...] = ()
        """Why each stronger tier was not used."""
        self._quota = _quota(options.limits_together)
        self._tier: SandboxTier | None = None
        self._pool = ZygotePool(self._started, spares=options.spares)
        self._slots = asyncio.Semaphore(options.jobs_or_default)
        self._expecting = asyncio.Lock()
        self._at_work = self._holders = 0
        self._expected: OrderedDict[tuple[str, str, str], Observation] = OrderedDict()
        self._packages = package_folders((*interpreter.paths, *options.import_paths))
        self._project_jail = self._jail_for_project()

    @property
    def problem(self) -> str:
        """Always empty: this sandbox works. See the port."""
        return ""

    @property
    def tier(self) -> SandboxTier:
        """The isolation in force."""
        if self._tier is None:
            raise SandboxError("the sandbox is not open")
        return self._tier

    def _jail_for_project(self) -> ProjectJail | None:
        """The jail that runs documents of the project as its modules. None without a project."""
        if self._options.home is None:
            return None
        order = launching.Order(
            tier=self._plan,
            interpreter=self._interpreter,
            readable=(),
            import_paths=(),
            imports=self._options.imports,
            nice=self._options.nice,
            quota=self._quota,
        )
        installed = installed_in(self._packages, self._options.cache)
        return ProjectJail(self._options.home, self._options.hides, order, installed, self._slots)

    @property
    def project(self) -> Project | None:
        """The project whose documents run as the modules they are. See the port.

        None without Landlock: only Landlock hides the document and the tests from a candidate.
        """
        return self._options.home if self._plan is not seatbelt.TIER and launching.has_landlock() else None

    @property
    def is_busy(self) -> bool:
        """Whether a program is being run, or a request holds the sandbox while the policy writes."""
        return self._at_work > 0 or self._holders > 0

    async def start(self) -> None:
        """Start the zygote and run the self-test, unless the options turn it off.

        Raises:
            SandboxError: this tier does not work here.
        """
        child = await self._pool.take(frozenset())
        child.kill()
        if self._options.checks_itself:
            from plum_lsp.sandbox.selftest import check

            await check(self)
        self._pool.refill()
        if self._project_jail is not None:
            self._project_jail.warm_up()

    async def observe(self, program: Program, calls: Sequence[Call], limits: Limits) -> tuple[Observation, ...]:
        """Run the program once in a fresh child, then each call in order. See the port."""
        answers = await self._run(program, [Ask(call=call) for call in calls], limits)
        return tuple(answer.observation for answer in answers)

    async def verify(
        self, program: Program, tests: Sequence[TestCase], limits: Limits, *, reference: Program
    ) -> tuple[Verdict, ...]:
        """Judge the program on each test, in order. See the port."""
        found, _ = await self.examine(program, tests, (), limits, reference=reference)
        return found

    async def examine(
        self,
        program: Program,
        tests: Sequence[TestCase],
        calls: Sequence[Call],
        limits: Limits,
        *,
        reference: Program,
    ) -> tuple[tuple[Verdict, ...], tuple[Observation, ...]]:
        """Judge the program on each test, then make the calls. See the port."""
        with self._counted():
            expected = [await self._expected_value(test, reference, limits) for test in tests]
            asks = [await self._ask(test, reference, limits) for test in tests]
            everything = await self._run(program, [*asks, *(Ask(call=call) for call in calls)], limits)
            answers, rest = everything[: len(tests)], everything[len(tests) :]
            foreign = {place: asking.foreign_in(answer.observation, reference) for place, answer in enumerate(answers)}
            answers = await self._derived(tests, answers, reference, limits)
            held = await self._held(tests, answers, reference, limits)
            known = await self._known(tests, answers, reference, limits)
        if any(answer.size > _LARGE for answer in answers):
            found = await asyncio.to_thread(verdicts, tests, answers, expected, held, known, foreign)
        else:
            found = verdicts(tests, answers, expected, held, known, foreign)
        return found, tuple(answer.observation for answer in rest)

    async def run_tests(
        self, program: Program, tests: Sequence[str], *, watches: bool, seconds: float
    ) -> tuple[TestRun, ...]:
        """Run whole tests of the project together with the program. See the port."""
        if self._project_jail is None:
            return testing.none_run(tests)
        with self._counted():
            return await self._project_jail.run_tests(program, tests, watches=watches, seconds=seconds)

    async def traced(self, file: str, pause: Callable[[], Awaitable[None]]) -> AsyncGenerator[TracedTest, None]:
        """Run the tests of a file of the project as it is saved, one by one, each after `pause`.

        It does not count as busy, because it waits for everything else.

        Raises:
            SandboxError: the jail broke.
        """
        if self._project_jail is not None:
            async with aclosing(self._project_jail.traced(file, pause)) as tests:
                async for test in tests:
                    yield test

    @contextmanager
    def held(self) -> Iterator[None]:
        """Count as busy within the block. See the port."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1

    async def close(self) -> None:
        """Kill every process of the sandbox. Idempotent."""
        await self._pool.close()
        if self._project_jail is not None:
            await self._project_jail.close()

    async def _run(self, program: Program, asks: Sequence[Ask], limits: Limits) -> list[Answer]:
        """Run one program and its calls in its own child. The child ends with them."""
        if not asks:
            return []
        if program.module is not None and self._project_jail is not None:
            with self._counted():
                return await self._project_jail.run(program, program.module, asks, limits)
        imports = pool.installed_imports(program.source, self._packages)
        with self._counted():
            # Outside the slots, so that a package that hangs at its import does not block other programs.
            await self._pool.prepare(imports)
            async with self._slots:
                child = await self._pool.take(imports)
                try:
                    return await converse(child, program, asks, limits)
                finally:
                    child.kill()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count as busy within the block."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                # Only now: earlier, forking would compete with the candidates that are being judged.
                self._pool.refill()

    async def _started(self, imports: pool.Imports) -> pool.Source:
        """A fresh zygote in this sandbox's tier. It has imported the given modules besides its own."""
        order = launching.Order(
            tier=self._plan,
            interpreter=self._interpreter,
            readable=self._readable,
            import_paths=self._options.import_paths,
            imports=(*self._options.imports, *sorted(imports)),
            nice=self._options.nice,
            quota=self._quota,
        )
        try:
            zygote, self._tier = await launching.start(order)
        except SandboxError as error:
            if self._quota is None or "control group" not in str(error):
                raise
            _log.warning("the sandbox goes on without limits for all children together: %s", error)
            self._quota = None
            return await self._started(imports)
        return zygote

    async def _ask(self, test: TestCase, reference: Program, limits: Limits) -> Ask:
        """The question to the candidate's child, with the input values of the call."""
        wants_text, value = isinstance(test.expectation, Shows), None
        if test.call.given:
            call = Call(expression=test.call.given, setup=test.call.given_setup)
            seen = await self._beside(call, reference, limits)
            value = (seen.value,) if seen.ending is Ending.RETURNED and is_plain(seen.value) else None
        return Ask(call=test.call, wants_text=wants_text, value=value)

    async def _expected_value(self, test: TestCase, reference: Program, limits: Limits) -> Observation | None:
        """The expected value of an `Equals` that is not a literal. A child without the candidate evaluates it."""
        if not isinstance(test.expectation, Equals):
            return None
        source = test.expectation.expected
        if (stated := literal(source)) is not None:
            return stated
        return await self._beside(
            Call(expression=source, setup="" if test.expectation.derived else test.expectation.setup), reference, limits
        )

    async def _beside(self, call: Call, reference: Program, limits: Limits) -> Observation:
        """The observation of a call in a child without the candidate. The candidates of a group share it."""
        key = (reference.source, call.setup, call.expression)
        async with self._expecting:
            if key not in self._expected:
                (answer,) = await self._run(reference, [Ask(call=call)], limits)
                self._expected[key] = answer.observation
                while len(self._expected) > _REMEMBERED_MAX:
                    self._expected.popitem(last=False)
            self._expected.move_to_end(key)
            return self._expected[key]

    async def _held(
        self, tests: Sequence[TestCase], answers: Sequence[Answer], reference: Program, limits: Limits
    ) -> dict[int, VerdictStatus]:
        """The results of the predicates on the decoded values, by index of the test.

        One child without the candidate runs them.
        """
        asks = asking.about_predicates(tests, answers)
        results = await self._run(reference, list(asks.values()), limits)
        return {place: asking.predicate_status(each.observation) for place, each in zip(asks, results, strict=True)}

    async def _derived(
        self, tests: Sequence[TestCase], answers: list[Answer], reference: Program, limits: Limits
    ) -> list[Answer]:
        """The answers, where values derived from the decoded ones replace those that are not compared themselves."""
        asks = asking.about_derivations(tests, answers)
        made = await self._run(reference, list(asks.values()), limits)
        return asking.with_derived(answers, dict(zip(asks, made, strict=True)))

    async def _known(
        self, tests: Sequence[TestCase], answers: Sequence[Answer], reference: Program, limits: Limits
    ) -> dict[int, frozenset[kinship.Chain]]:
        """The exceptions of the program without the candidate that `Raises` may mean, by index of the test."""
        known: dict[int, frozenset[kinship.Chain]] = {}
        for index, (test, answer) in enumerate(zip(tests, answers, strict=True)):
            raised = answer.observation.raised
            if not isinstance(test.expectation, Raises) or raised is None:
                continue
            names = kinship.names_to_ask(raised, test.expectation.type_name)
            if names:
                call = kinship.lookup(names)
                known[index] = kinship.chains_in(await self._beside(call, reference, limits))
        return known

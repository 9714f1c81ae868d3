"""Judges one candidate at a time: static problems first, then the specification, or else whether it runs.

It decides which evidence is needed and which tier it supports. It does not run code (the sandbox port does) and does
not order candidates (`rank` does). A broken jail is reported and is never evidence against a candidate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.place import Place
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Candidate, Context, HoleKind, Judged, Tier
from plum_lsp.domain.verification import (
    DID_NOT_LOAD,
    Call,
    Ending,
    Limits,
    Observation,
    Program,
    TestCase,
    Verdict,
    VerdictStatus,
)
from plum_lsp.python.contracts.contract import Contract
from plum_lsp.python.contracts.finding import contracts_of
from plum_lsp.python.effects import (
    EffectFound,
    effects_of,
    undecidable,
    with_fresh_world,
    with_stand_ins,
)
from plum_lsp.python.inputs.calls import generated_calls
from plum_lsp.python.inputs.definitions import is_outside
from plum_lsp.python.reading.import_lines import program_around, with_imports
from plum_lsp.python.reading.placeholder import shows_placeholder, shows_unfilled
from plum_lsp.python.reading.quiet import program_to_run, quieted
from plum_lsp.python.reading.sources import reachable_function
from plum_lsp.python.reading.window import reference_program
from plum_lsp.python.slips import first_slip, missing_attribute, surprise_in
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.python.unfinished import gives_a_result, goes_on
from plum_lsp.verification import whole
from plum_lsp.verification.ordering import Experience
from plum_lsp.verification.rank import counted, score
from plum_lsp.verification.screening import beside_calls, is_absent, is_literal, judgeable, out_of_reach_of, telling
from plum_lsp.verification.whole import idle_in_module, in_module

LOADS = Call(expression="None")
"""The observation of this call shows only whether a program loads."""
DOES_NOT_RUN = "the file itself does not run"
GENERATED_SECONDS_MAX = 0.3
"""Time limit for the program and all its generated inputs together. Most groups need a hundredth of it."""
HURRY_SECONDS_MAX = 0.4
"""First time limit for the program and its tests. If no candidate passes, slower ones get the full limit."""
GOES_ON = "the function goes on after it, so its tests cannot tell yet"
"""A reason. Such a candidate is not compared with the others either, because none gives the function's result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The usable tests of one request. `specification` holds those that separate right candidates from wrong ones.

    `problem` is empty if code can run. Else it says why not: no jail, a broken one, or (`DOES_NOT_RUN`) the file.
    `is_called_at_import` says that the file calls the function while it loads, and `is_endless` that it did not end in
    time.
    """

    specification: tuple[TestCase, ...]
    problem: str = ""
    is_called_at_import: bool = False
    is_endless: bool = False


GENERATED_CALLS = 40
"""The number of generated inputs. It separates most wrong candidates. Each input costs about 0.1 ms in the child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges the candidates of one request. `reference` is the program without a candidate. It is made once.

    `contracts` are the promises of names, words and annotations. `calls` are generated inputs. Without a specification
    they are the only evidence. With one they run only if `compares`, to compare the candidates that pass the examples
    with the others. `experience` holds the time and information of the tests so far. `whole` are tests of the project
    that may reach the function, likeliest first. Those that reach it join the evidence. `saved` is the document's text
    on disk.
    """

    sandbox: Sandbox
    context: Context
    reference: Program
    tests: tuple[TestCase, ...]
    calls: tuple[Call, ...]
    contracts: tuple[Contract, ...]
    limits: Limits
    compares: bool = True
    experience: Experience = field(default_factory=Experience)
    whole: tuple[TestCase, ...] = ()
    saved: str = ""

    @classmethod
    def of(
        cls,
        context: Context,
        sandbox: Sandbox,
        limits: Limits,
        *,
        compares: bool = True,
        project: Sequence[TestCase] = (),
        path: Path | None = None,
        whole: Sequence[TestCase] = (),
        saved: str = "",
    ) -> Judge:
        """The judge of the hole in `context`, with all tests and inputs that its text gives.

        `project` are the project's own tests of the function. They come first. `path` is the document's own, if it
        lies on this machine: in a project it is run as the module it is. `saved` is its text on disk.
        """
        tests = (*project, *examples_of(context))
        reference = in_module(reference_program(context), context, sandbox, path)
        varied = [test for test in tests if not test.call.given]
        calls = generated_calls(context, varied, limit=GENERATED_CALLS)
        return cls(
            sandbox=sandbox,
            context=context,
            reference=reference,
            tests=tests,
            calls=calls,
            contracts=contracts_of(context, varied),
            limits=limits,
            compares=compares,
            whole=tuple(whole),
            saved=saved,
        )

    def context_of(self, candidate: Candidate) -> Context:
        """What is around the hole in the candidate's program."""
        return program_around(self.context, candidate)

    def program(self, candidate: Candidate) -> Program:
        """The candidate's program, with its imports."""
        around = self.context_of(candidate)
        added = around.before.count("\n") - self.context.before.count("\n")
        return replace(self.reference, source=program_to_run(around, candidate.text).source, lines_added=added)

    def reference_with(self, imports: Sequence[str]) -> Program:
        """The program without a candidate, with the imports that one adds."""
        around = with_imports(self.context, imports)
        if around is self.context:
            return self.reference
        added = around.before.count("\n") - self.context.before.count("\n")
        made = reference_program(around)
        made = made if self.reference.module is None else quieted(made)
        return replace(self.reference, source=made.source, lines_added=added)

    async def evidence(self) -> Evidence:
        """Run the program without a candidate, and find out whether it loads and which tests it passes already.

        A test that passes with the hole unfilled is vacuous. It is no evidence about a candidate and is dropped. A test
        whose expected value cannot be computed is dropped too. If the file calls the function while it loads, or the
        hole stands outside any function, the program loads only with a candidate. The tests with literal expected
        values then count without this check.
        """
        reference = self.reference
        try:
            asked = [LOADS, *(call for test in self.tests for call in beside_calls(test))]
            loads, *seen = await self.sandbox.observe(reference, asked, self.limits)
            needs_candidate = self._loads_with_candidate or shows_unfilled(shown(loads))
            if _is_unfilled(loads) or (loads.ending is not Ending.RETURNED and needs_candidate):
                literal = tuple(test for test in self.tests if is_literal(test))
                kept = (*literal, *self.whole[: whole.ALONE_MAX])
                return Evidence(specification=kept, is_called_at_import=_is_unfilled(loads))
            if loads.ending is not Ending.RETURNED:
                problem, is_endless = f"{DOES_NOT_RUN}: {shown(loads)}", loads.ending is Ending.TIMED_OUT
                return Evidence(specification=self.tests, problem=problem, is_endless=is_endless)
            tests = judgeable(self.tests, seen)
            verdicts, together = await asyncio.gather(
                self.sandbox.verify(reference, tests, self.limits, reference=reference),
                whole.telling(self.sandbox, reference, self.whole, idle=idle_in_module(reference, self.context)),
            )
        except SandboxError as error:
            return Evidence(specification=self.tests, problem=told(error))
        specified = telling(tests, verdicts, reachable_function(self.context))
        return Evidence(specification=(*whole.confirmed(specified, together), *together))

    async def judge(self, candidate: Candidate, evidence: Evidence) -> tuple[Judged, tuple[Observation, ...]]:
        """The candidate with its verdicts and tier, and its observations on the generated inputs (if they were run)."""
        problem = candidate.problem or (f"not run: {evidence.problem}" if evidence.problem else "")
        if problem:
            return unverified(candidate, problem), ()
        try:
            if evidence.specification:
                hurried = replace(self.limits, wall_seconds=min(self.limits.wall_seconds, HURRY_SECONDS_MAX))
                calls = self.calls if self.compares else ()
                return await self._verify(candidate, evidence.specification, hurried, calls)
            return await self._check(candidate)
        except SandboxError as error:
            return unverified(candidate, f"not run: {told(error)}"), ()

    async def again(self, judged: Judged, evidence: Evidence) -> Judged:
        """Judge a candidate that ran out of time once more, with all the time that the limits allow.

        Raises:
            SandboxError: the jail broke.
        """
        again, _ = await self._verify(judged.candidate, evidence.specification, self.limits)
        return again

    async def observe(self, program: Program, calls: Sequence[Call]) -> tuple[Observation, ...]:
        """The observations of a program with a candidate on generated calls, with stand-ins for its effects.

        Raises:
            SandboxError: the jail broke.
        """
        effects = self.effects(program)
        asked = [with_fresh_world(call, effects, shows_files=True) for call in calls]
        seen = await self.sandbox.observe(with_stand_ins(program, effects), asked, self.short_limits)
        return tuple(seen)

    async def examine(
        self,
        program: Program,
        tests: Sequence[TestCase],
        limits: Limits,
        calls: Sequence[Call] = (),
        *,
        imports: Sequence[str] = (),
    ) -> tuple[tuple[Verdict, ...], tuple[Observation, ...]]:
        """The verdicts on a program with a candidate, and its observations on generated calls after its tests.

        `imports` are those that the candidate adds. What is judged beside it has them, too. A test that could not be
        run has no verdict.

        Raises:
            SandboxError: the jail broke.
        """
        effects = self.effects(program)
        split = [test for test in tests if not whole.is_whole(test)]
        asked = [replace(test, call=with_fresh_world(test.call, effects)) for test in split]
        made = [with_fresh_world(call, effects, shows_files=True) for call in calls]
        staged = with_stand_ins(program, effects)
        (given, seen), together = await asyncio.gather(
            self.sandbox.examine(staged, asked, made, limits, reference=self.reference_with(imports)),
            whole.verdicts(self.sandbox, program, [test for test in tests if whole.is_whole(test)]),
        )
        return whole.reconciled(tests, (*given, *together)), seen

    def effects(self, program: Program) -> tuple[EffectFound, ...]:
        """The effects of the function at the hole and of the code that makes its object."""
        return effects_of(program, *self.reached_names)

    @property
    def reached_names(self) -> tuple[str, ...]:
        """The bare names of the function at the hole and of its class."""
        function = reachable_function(self.context)
        names = (function.name, (function.class_name or "").rpartition(".")[2]) if function is not None else ()
        return tuple(filter(None, names))

    async def _verify(
        self,
        candidate: Candidate,
        tests: Sequence[TestCase],
        limits: Limits,
        calls: Sequence[Call] = (),
    ) -> tuple[Judged, tuple[Observation, ...]]:
        """Judge by the specification: every test must pass. The observations on `calls` are returned too."""
        program = self.program(candidate)
        refused = (
            whole.refusal_of(self.context_of(candidate), program, candidate) if any(map(whole.is_whole, tests)) else ""
        )
        if refused:
            tests = [test for test in tests if not whole.is_whole(test)]
        ordered, imports = self.experience.ordered(tests), candidate.imports
        given, seen = await self.examine(program, ordered, limits, calls, imports=imports)
        self.experience.learn(given)
        undecided = [verdict for verdict in given if verdict.status is VerdictStatus.UNDECIDED]
        by_test = {verdict.test_id: verdict for verdict in given if verdict not in undecided}
        verdicts = tuple(by_test[test.id] for test in tests if test.id in by_test)
        failed = [(test, by_test[test.id]) for test in tests if test.id in by_test and not by_test[test.id].is_pass]
        out_of_reach = out_of_reach_of(self.effects(program), program, failed, self.reached_names)
        if out_of_reach:
            return _checked(candidate, out_of_reach), ()
        is_idle = whole.is_idle(tests, verdicts)
        if (failed or undecided or is_idle or candidate.ending or not verdicts) and self._goes_on(candidate, failed):
            return self._unfinished(candidate, seen), ()
        if not verdicts and not undecided:
            return _checked(candidate, f"no test was run: {refused or 'none could be run beside it'}"), seen
        first = f": {_failure(*failed[0])}" if failed else f": {_open(tests, undecided)}" if undecided else ""
        first = first or (f": {whole.PASSES_IDLE}" if is_idle else "")
        judged = Judged(
            candidate=candidate,
            verdicts=verdicts,
            tier=Tier.UNVERIFIED if failed else Tier.CHECKED if undecided or is_idle else Tier.VERIFIED,
            score=score(candidate, verdicts),
            reason=f"{whole.passed_in_words(tests, verdicts)}{first}",
            has_run=True,
            undecided=len(undecided),
        )
        return judged, () if judged.ran_out else seen

    def _goes_on(self, candidate: Candidate, failed: Sequence[tuple[TestCase, Verdict]]) -> bool:
        """Whether tests do not tell about the candidate because the rest of the function is missing."""
        is_wrong = any(verdict.status is VerdictStatus.FAILED and verdict.shown != "None" for _, verdict in failed)
        if is_wrong and gives_a_result(candidate.text):
            return False
        return bool(candidate.ending) or goes_on(self.context_of(candidate), candidate.text)

    def _unfinished(self, candidate: Candidate, seen: Sequence[Observation]) -> Judged:
        """Judge a statement behind which the function goes on: by how it runs, without the tests."""
        slip = first_slip(seen)
        if slip is not None:
            return unverified(candidate, f"a generated input ended in {shown(slip)}", has_run=True)
        return _weakened(replace(_checked(candidate, GOES_ON), goes_on=True), GOES_ON)

    @property
    def _loads_with_candidate(self) -> bool:
        """Whether the program may load only when the hole is filled: outside any function, and in a decorator."""
        is_line = self.context.block.kind is HoleKind.LINE and self.context.function is None
        return is_line or is_outside(self.context) or self.context.place is Place.DECORATOR

    @property
    def short_limits(self) -> Limits:
        """The limits for generated inputs. Such an input may be so large that no right candidate answers in time."""
        return replace(self.limits, wall_seconds=min(self.limits.wall_seconds, GENERATED_SECONDS_MAX))

    async def _check(self, candidate: Candidate) -> tuple[Judged, tuple[Observation, ...]]:
        """Judge without a specification: whether it loads, and runs on generated inputs without a surprise."""
        program = self.program(candidate)
        out_of_reach = undecidable(self.effects(program))
        calls = () if out_of_reach else self.calls
        loads, *seen = await self.observe(program, (LOADS, *calls))
        if loads.ending is not Ending.RETURNED:
            return unverified(candidate, f"does not load: {shown(loads)}", has_run=True), ()
        if is_absent(reachable_function(self.context), seen):
            return _checked(candidate, "it loads, but the file does not define the function here"), ()
        surprise = surprise_in(seen) or missing_attribute(seen, candidate.text, self.context)
        if surprise is not None:
            return unverified(candidate, f"a generated input ended in {shown(surprise)}", has_run=True), tuple(seen)
        ran = f"loads and runs on {counted(len(calls), 'generated input')}" if calls else "loads"
        judged = _checked(candidate, out_of_reach or f"no example tells right from wrong, but it {ran}")
        judged = replace(judged, goes_on=self._goes_on(candidate, ()))
        return _weakened(judged, "no example tells right from wrong"), tuple(seen)


def index_of(judged: Judged) -> int:
    """The candidate's place in its group."""
    return judged.candidate.completion.index


def _is_unfilled(loads: Observation) -> bool:
    """Whether the program failed to load because of the unfilled hole."""
    return loads.ending is Ending.CRASHED and shows_placeholder(loads.detail)


def _checked(candidate: Candidate, reason: str) -> Judged:
    return _without_verdicts(candidate, Tier.CHECKED, reason, has_run=True)


def _weakened(judged: Judged, reason: str) -> Judged:
    """The same if the candidate is not weak. Else as much as a weak candidate can be."""
    weak = judged.candidate.weakness
    return judged if weak is None else replace(judged, tier=weak.tier, reason=f"{reason}, and {weak.reason}")


def unverified(candidate: Candidate, reason: str, *, has_run: bool = False) -> Judged:
    """The candidate without evidence, and why."""
    return _without_verdicts(candidate, Tier.UNVERIFIED, reason, has_run=has_run)


def _without_verdicts(candidate: Candidate, tier: Tier, reason: str, *, has_run: bool) -> Judged:
    own = score(candidate, ())
    return Judged(candidate=candidate, verdicts=(), tier=tier, score=own, reason=reason, has_run=has_run)


def shown(observation: Observation) -> str:
    """How a call ended, as text for people."""
    if observation.raised is not None:
        return f"{observation.raised.type_names[0]}: {observation.raised.message}"
    if observation.detail.startswith(DID_NOT_LOAD):
        return observation.detail.removeprefix(DID_NOT_LOAD)
    return f"{observation.ending.value.replace('_', ' ')} {observation.detail}".strip()


def _open(tests: Sequence[TestCase], undecided: Sequence[Verdict]) -> str:
    """The tests that do not judge a candidate, in words."""
    calls = {test.id: test.call.expression or test.quote for test in tests}
    first = undecided[0]
    return f"{counted(len(undecided), 'test')} decided nothing, as {calls[first.test_id]} gave {first.shown}"


def _failure(test: TestCase, verdict: Verdict) -> str:
    return f"{test.call.expression or test.quote} gave {verdict.shown}"

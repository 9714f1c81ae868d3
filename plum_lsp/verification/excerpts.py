"""Judges candidates without the rest of a file that does not run: a script, or a module whose packages are missing.

What the function at the hole needs of the file is run, with stand-ins for effects. A candidate that needs more of the
file gets more, if that runs. If it does not run, the candidate is not run and not blamed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.suggestion import Candidate, Context, Judged
from plum_lsp.domain.verification import Call, Ending, Equals, Observation, Program, TestCase
from plum_lsp.python.effects import Effect, EffectFound, effects_at_import, with_stand_ins
from plum_lsp.python.reading.import_lines import with_imports
from plum_lsp.python.reading.quiet import quieted
from plum_lsp.python.reading.slicing import Slices, names_used
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.reading.window import reference_program
from plum_lsp.verification.judge import DOES_NOT_RUN, LOADS, Evidence, Judge, shown, unverified

_ENDS = frozenset({"exit", "quit", "_exit", "SystemExit", "parse_args"})
"""Names of what may end a program while it loads."""
_HARMLESS = frozenset({Effect.CLOCK, Effect.RANDOMNESS})
"""Effects that work in the jail."""


async def judged_by(judge: Judge) -> tuple[Judge, Evidence]:
    """The judge that can run the function at the hole, and its evidence: the given one, or one without the rest."""
    evidence = await judge.evidence()
    cause = _cause(judge, evidence)
    if not cause:
        return judge, evidence
    smaller = ExcerptJudge.beside(judge, cause)
    second = await smaller.evidence()
    return (judge, evidence) if second.problem else (smaller, second)


def labelled(judge: Judge, judged: Judged) -> Judged:
    """The candidate with the labels that it was run with imports of its own, and without the rest of the file."""
    labels = [f"with {statement}" for statement in judged.candidate.imports]
    labels += [judge.label] if isinstance(judge, ExcerptJudge) and judged.has_run else []
    new = ", ".join(label for label in labels if label not in judged.reason)
    return replace(judged, reason=f"{judged.reason} ({new})") if new else judged


def _cause(judge: Judge, evidence: Evidence) -> str:
    """Why the whole file cannot be run. Empty if it can be."""
    if evidence.problem.startswith(DOES_NOT_RUN):
        return evidence.problem.removeprefix(DOES_NOT_RUN).removeprefix(": ")
    if not evidence.is_called_at_import:
        return ""
    found = [one for one in effects_at_import(judge.reference) if one.effect not in _HARMLESS]
    if found:
        return f"needs {found[0].effect.value}"
    return "ends or does not stop" if _may_end(judge.reference) else ""


def _may_end(program: Program) -> bool:
    """Whether a statement of the file, run while it loads, may end the program or never end itself."""
    tree = module_or_none(program.source)
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    statements = [node for node in tree.body if not isinstance(node, definitions)] if tree else []
    for node in (inner for statement in statements for inner in ast.walk(statement)):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in _ENDS or (isinstance(node, ast.While) and isinstance(node.test, ast.Constant)):
            return True
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcerptJudge(Judge):
    """A judge that runs only what the function needs of its file. `cause` says why the whole file cannot be run."""

    slices: Slices
    cause: str

    @classmethod
    def beside(cls, judge: Judge, cause: str) -> ExcerptJudge:
        """The judge of the same hole, with the same tests except those that need the whole module."""
        slices = Slices(judge.context, _names_in(judge.tests, judge.calls))
        kept = {field.name: getattr(judge, field.name) for field in fields(judge)}
        context = slices.around("")
        kept.update(context=context, reference=_reference(judge.reference, context), whole=())
        return cls(**kept, slices=slices, cause=cause)

    @property
    def label(self) -> str:
        """What a user is told of an offer."""
        return f"without the rest of the file, which does not run here: {self.cause}"

    def context_of(self, candidate: Candidate) -> Context:
        """The hole and the candidate, with what both need of the file."""
        return with_imports(self.slices.around(candidate.text), candidate.imports)

    def program(self, candidate: Candidate) -> Program:
        """The candidate's program."""
        reference = _reference(self.reference, self.slices.around(candidate.text))
        return Judge.program(replace(self, reference=reference), candidate)

    def reference_with(self, imports: Sequence[str]) -> Program:
        """The program without a candidate, with the imports that one adds."""
        return _reference(self.reference, with_imports(self.context, imports)) if imports else self.reference

    def effects(self, program: Program) -> tuple[EffectFound, ...]:
        """The effects of the function and of the statements that it needs."""
        found = (*Judge.effects(self, program), *effects_at_import(program))
        return tuple({one.effect: one for one in reversed(found)}.values())

    async def judge(self, candidate: Candidate, evidence: Evidence) -> tuple[Judged, tuple[Observation, ...]]:
        """As for any file, unless the candidate needs a part of the file that does not run."""
        problem = "" if candidate.problem or evidence.problem else await self._unmet(candidate.text)
        return (unverified(candidate, problem), ()) if problem else await Judge.judge(self, candidate, evidence)

    async def _unmet(self, text: str) -> str:
        """Why a candidate cannot be run, if what it needs of the file does not run."""
        if self.slices.needed(text) == self.slices.needed(""):
            return ""
        reference = _reference(self.reference, self.slices.around(text))
        try:
            (loads,) = await self.sandbox.observe(reference, (LOADS,), self.limits)
        except SandboxError as error:
            return f"not run: {told(error)}"
        return "" if loads.ending is Ending.RETURNED else f"not run: {DOES_NOT_RUN}: {shown(loads)}"


def _reference(whole: Program, context: Context) -> Program:
    """The program without a candidate, for a part of the file. It is the module that the whole file is."""
    made = reference_program(context)
    if whole.module is not None:
        line = context.before.count("\n") + 1
        made = replace(quieted(made), module=replace(whole.module, base=made.source, hole_line=line))
    return with_stand_ins(made, effects_at_import(made))


def _names_in(tests: Sequence[TestCase], calls: Sequence[Call]) -> frozenset[str]:
    """The names of the module that tests and generated inputs use."""
    found: set[str] = set()
    for test in tests:
        expected = test.expectation.expected if isinstance(test.expectation, Equals) else ""
        setup = getattr(test.expectation, "setup", "")
        found |= names_used(f"{setup}\n{expected}")
    for call in (*calls, *(test.call for test in tests)):
        found |= names_used(f"{call.setup}\n{call.expression}") | names_used(f"{call.given_setup}\n{call.given}")
    return frozenset(found)

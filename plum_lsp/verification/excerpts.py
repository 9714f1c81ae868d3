"""Judges candidates without the rest of a file that does not run: a script, or a module whose packages are missing.

What the function at the hole needs of the file is run, with stand-ins for effects. A candidate that needs more of the
file gets more, if that runs. If it does not run, the candidate is not run and not blamed. If the file runs with imports
that a candidate brings, the candidates that bring them are judged in it.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeGuard

from plum_lsp.domain.errors import SandboxError, told
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Candidate, Context, Judged
from plum_lsp.domain.verification import Call, Ending, Equals, Limits, Observation, Program, TestCase
from plum_lsp.python.effects import Effect, EffectFound, effects_at_import, with_stand_ins
from plum_lsp.python.reading.import_lines import imported_by, program_around, with_imports
from plum_lsp.python.reading.quiet import quieted
from plum_lsp.python.reading.slicing import Slices, names_used
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.reading.window import reference_program
from plum_lsp.verification.judge import DOES_NOT_RUN, LOADS, Evidence, Judge, shown, unverified
from plum_lsp.verification.whole import in_module

_ENDS = frozenset({"exit", "quit", "_exit", "SystemExit", "parse_args"})
"""Names of what may end a program while it loads."""
_HARMLESS = frozenset({Effect.CLOCK, Effect.RANDOMNESS})
"""Effects that work in the jail."""
_IMPORTERS = frozenset({"importlib", "runpy", "pkgutil", "__import__", "exec", "eval", "compile"})
"""Names of what may run code that the text of the file does not show."""


class KnownFiles:
    """What earlier requests found out about files, so that the next request for one does not run it again.

    A file that does not end while it loads is known by its syntax tree without the body of the function at the hole. An
    edit of anything else makes it another file. Evidence that was found is known by the program without a candidate and
    its tests. Only a file whose loading depends on its own text alone is remembered.
    """

    KEPT_MAX = 64

    def __init__(self) -> None:
        self._problems: OrderedDict[str, str] = OrderedDict()
        self._found: OrderedDict[tuple[int, Program, tuple[TestCase, ...], Limits], tuple[Sandbox, Evidence]] = (
            OrderedDict()
        )

    def evidence_of(self, judge: Judge) -> Evidence | None:
        """The evidence of a file that was screened with the same tests, or is known not to end. None for any other."""
        if (known := self._found.get(_key_of(judge))) is not None:
            return known[1]
        key = _key_without_function(judge) if self._problems else ""
        problem = self._problems.get(key)
        return Evidence(specification=judge.tests, problem=problem, is_endless=True) if problem else None

    def learn(self, judge: Judge, evidence: Evidence) -> None:
        """Remember the evidence of the judge's file, or that the file does not end."""
        if not evidence.problem and _depends_on_text_alone(judge):
            self._found[_key_of(judge)] = judge.sandbox, evidence
        if evidence.is_endless and (key := _key_without_function(judge)):
            self._problems[key] = evidence.problem
        for kept in (self._problems, self._found):
            while len(kept) > self.KEPT_MAX:
                kept.popitem(last=False)


def _depends_on_text_alone(judge: Judge) -> bool:
    """Whether no other file decides what the program does: it is no module of a project, and reads none."""
    return judge.reference.module is None and not judge.whole and not _effects_of(judge.reference)


def _effects_of(program: Program) -> list[EffectFound]:
    """What the program does to the world while it loads, as far as the jail stops it.

    A module of a project may ask for variables of the environment: its tests import it without them, too.
    """
    harmless = _HARMLESS if program.module is None else _HARMLESS | {Effect.ENVIRONMENT}
    return [one for one in effects_at_import(program) if one.effect not in harmless]


def _key_of(judge: Judge) -> tuple[int, Program, tuple[TestCase, ...], Limits]:
    """What decides the evidence. The sandbox is kept beside it, so its number stays its own."""
    return id(judge.sandbox), judge.reference, judge.tests, judge.limits


def _key_without_function(judge: Judge) -> str:
    """What names a file without the body of the function at the hole. Empty if more than this text decides its loading.

    The function must not run while the file loads: no other code names it, decorates it or calls it by rule.
    """
    tree = module_or_none(judge.reference.source)
    line = judge.context.before.count("\n") + 1
    function = next((node for node in ast.walk(tree) if _is_function_at(node, line)), None) if tree else None
    if tree is None or function is None or function.decorator_list or function.name.startswith("__"):
        return ""
    function.body = [ast.Pass()]
    names = {name for node in ast.walk(tree) for name in _names_of(node)}
    if function.name in names or names & _IMPORTERS or not _imported(tree) <= sys.stdlib_module_names:
        return ""
    if _effects_of(judge.reference):
        return ""
    return hashlib.sha256(f"{judge.sandbox.project}\n{ast.dump(tree)}".encode("utf-8", "surrogatepass")).hexdigest()


def _is_function_at(node: ast.AST, line: int) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return node.body[0].lineno <= line <= (node.end_lineno or 0)


def _names_of(node: ast.AST) -> tuple[str, ...]:
    """The names that a node reads, and the words of an import."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return (name,)
        case ast.alias(name=name):
            return tuple(name.split("."))
    return ()


def _imported(tree: ast.Module) -> set[str]:
    """The packages that a file imports anywhere. A relative import is none of the standard library."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("" if node.level else (node.module or "").split(".")[0])
    return found


async def judged_by(judge: Judge, known: KnownFiles | None = None) -> tuple[Judge, Evidence]:
    """The judge that can run the function at the hole, and its evidence: the given one, or one without the rest.

    Files that are `known` from earlier requests are not run once more.
    """
    known = known if known is not None else KnownFiles()
    evidence = known.evidence_of(judge)
    if evidence is None:
        evidence = await judge.evidence()
        known.learn(judge, evidence)
    cause = _cause(judge, evidence)
    if not cause:
        return judge, evidence
    smaller = ExcerptJudge.beside(judge, cause)
    second = await smaller.evidence()
    return (judge, evidence) if second.problem else (smaller, second)


async def judged_with_imports(judge: Judge, problem: str, candidate: Candidate) -> RepairedFile | None:
    """The judge of a file that runs only with imports of a candidate, and its evidence.

    `problem` says why the file does not run. Only imports whose names it mentions are added, until the file runs. None
    if it does not. The file may need the name itself, or another file may import it from there.
    """
    added: list[str] = []
    while True:
        more = [one for one in candidate.imports if one not in added and _is_mentioned(one, problem)]
        if not problem.startswith(DOES_NOT_RUN) or not more:
            return None
        added += more
        context = with_imports(judge.context, added)
        made, module = reference_program(context), judge.reference.module
        path = Path(module.path) if module is not None else None
        fuller = replace(judge, context=context, reference=in_module(made, context, judge.sandbox, path))
        evidence = await fuller.evidence()
        if not evidence.problem:
            return RepairedFile(judge=fuller, evidence=evidence, imports=frozenset(added), problem=problem)
        problem = evidence.problem


def _is_mentioned(statement: str, problem: str) -> bool:
    """Whether a problem names what an import brings, as `name 'wraps' is not defined` does."""
    return any(re.search(rf"'{re.escape(name)}'", problem) for name, _ in imported_by(statement))


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedFile:
    """A file with imports that it needs to run. Without them it has a `problem`."""

    judge: Judge
    evidence: Evidence
    imports: frozenset[str]
    problem: str


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
    if found := _effects_of(judge.reference):
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
        return program_around(self.slices.around(candidate.text), candidate)

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

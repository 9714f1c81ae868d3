"""Judges one body of a function in a file, as the editor's offers are judged, but without a policy and a deadline.

It finds the function by its qualified name and takes its body out of the text. It runs code through the sandbox port
only.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.suggestion import Completion, Context, Judged, PolicyVersion, Tier
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Limits, TestCase
from plum_lsp.evaluation.offline import PREFIX_TOKENS, SUFFIX_TOKENS
from plum_lsp.python.fitting.candidates import make_candidate
from plum_lsp.python.missing.repairing import repaired
from plum_lsp.python.missing.resolving import KnownImports
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.whole_tests import named_function
from plum_lsp.verification.excerpts import labelled
from plum_lsp.verification.group import Ladder
from plum_lsp.verification.judge import Evidence, Judge

_NOBODY = PolicyVersion(number=0, model="", model_sha256="")
_Function = ast.FunctionDef | ast.AsyncFunctionDef

TestsOf = Callable[[Context], Sequence[TestCase]]
"""Finds tests of the function at the hole."""


class NoBody(PlumError):
    """The body of a function cannot be taken out, or another one cannot stand in its place."""


class NoFunction(NoBody):
    """The file has no function of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A function in a text: the text before its body, the body without its docstring, and the text after it.

    `before` ends with the indentation of the body's first line.
    """

    before: str
    body: str
    after: str
    indentation: str

    def fitted(self, text: str) -> str:
        """Another body with this one's indentation. Its first line has none, because `before` ends with it."""
        text = dedent(text.replace("\r\n", "\n")).strip("\n").rstrip()
        return indent(text, self.indentation).removeprefix(self.indentation)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedBody:
    """A body with its verdicts. `looked_at` counts the project's tests that may reach the function."""

    judged: Judged
    evidence: Evidence
    looked_at: int

    @property
    def is_verified(self) -> bool:
        """Whether every test that tells passed."""
        return self.judged.tier is Tier.VERIFIED and not self.judged.is_refuted


def place_of(text: str, qualname: str) -> Place:
    """Where the function's body is. `qualname` joins classes and functions by dots. The last definition counts.

    Raises:
        NoFunction: the text has no such function.
        NoBody: the text does not parse, or the function has a docstring only.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NoBody(f"the file does not parse: {error}") from error
    node = named_function(tree, qualname.replace("::", "."))
    if node is None:
        raise NoFunction(f"the file has no function {qualname!r}", remedy="Name it as FILE::Class.method.")
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    if not body:
        raise NoBody(f"{qualname} has a docstring only", remedy="Give it a body, or name one with --body.")
    lines = text.split("\n")
    start = _start(lines, node, body)
    end = _offset(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indentation = line if not line.strip() else ""
    return Place(before=text[:start], body=text[start:end], after=text[end:], indentation=indentation)


def _start(lines: Sequence[str], node: _Function, body: Sequence[ast.stmt]) -> int:
    """The offset of the first statement, or of the comments above it."""
    first = min([body[0].lineno, *(one.lineno for one in getattr(body[0], "decorator_list", []))])
    floor = node.lineno if body is node.body else node.body[0].end_lineno or node.lineno
    column = body[0].col_offset
    while first - 1 > floor and lines[first - 2].lstrip().startswith("#"):
        first -= 1
        column = len(lines[first - 1]) - len(lines[first - 1].lstrip())
    return _offset(lines, first, column)


def _offset(lines: Sequence[str], line: int, column: int) -> int:
    """The offset in code points of a place of a syntax tree, whose columns count bytes."""
    return sum(len(one) + 1 for one in lines[: line - 1]) + len(lines[line - 1].encode()[:column].decode())


async def judged_body(
    place: Place,
    body: str,
    path: Path,
    sandbox: Sandbox,
    limits: Limits,
    *,
    project_tests: TestsOf,
    whole_tests: TestsOf,
    imports: KnownImports | None = None,
) -> JudgedBody:
    """Judge a body in the place of a function of the file at `path`.

    Raises:
        NoBody: the body cannot stand there as it is.
        SandboxError: the jail broke.
    """
    document = Document(uri=path.as_uri(), version=0, text=place.before + place.after)
    context = read_context(document, len(place.before), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
    if context is None:
        raise NoBody("there is no code to complete at the place of the body")
    whole = tuple(whole_tests(context))
    judge = Judge.of(
        context,
        sandbox,
        limits,
        compares=False,
        project=project_tests(context),
        path=path,
        whole=whole,
        saved=place.before + place.body + place.after,
    )
    candidate = make_candidate(Completion.written(body), context, _NOBODY)
    candidate = repaired(candidate, context, imports or KnownImports(), beside=True)
    if not candidate.problem and candidate.text.strip() != body.strip():
        raise NoBody("the text is more than the body of one function", remedy="Give the statements of the body alone.")
    ladder = Ladder(judge)
    evidence = await ladder.screen()
    await ladder.add(candidate)
    evidence = ladder.evidence or evidence
    await ladder.reconsider()
    (judged,) = ladder.group.members
    return JudgedBody(judged=labelled(ladder.judge, judged), evidence=evidence, looked_at=len(whole))

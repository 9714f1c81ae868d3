"""Collects the surroundings of a request: the project's tests of the function at the hole, and excerpts of other files.

It blocks while it reads. The functions that it receives decide where files are found and which of them may be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from plum_lsp.domain.place import Place
from plum_lsp.domain.project import Excerpt, Neighbourhood, Project, TestFile
from plum_lsp.domain.suggestion import Context, SuggestionRequest
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import TestCase
from plum_lsp.python.missing.resolving import KnownImports
from plum_lsp.python.reading.window import estimated_tokens, read_context
from plum_lsp.python.specification.project_tests import project_tests_of, subject_of
from plum_lsp.suggestion.neighbours import excerpts_of
from plum_lsp.suggestion.plan import Reach, reach_at

FindTests: TypeAlias = Callable[[str, str, Sequence[Path]], tuple[TestFile, ...]]
"""Finds the test files of a function. Takes the document's URI, the function's name and the workspace's folders."""
FindWholeTests: TypeAlias = Callable[[Project, Path, Context], tuple[TestCase, ...]]
"""What finds tests of a project that may reach the function at the hole, given the document's path."""
FindNeighbours: TypeAlias = Callable[[Document, Sequence[Document], Sequence[Path]], Neighbourhood]
"""Finds the modules near a document. Takes the document, the other open documents and the workspace's folders."""
FindImports: TypeAlias = Callable[[Document, Project], KnownImports]
"""Finds how the other files of a trusted project import names, and the packages that it has."""

DOCUMENT_LINES_MAX = 100_000
"""Reading the context takes about 20 µs a statement. Longer files are data, and users do not complete code in them."""
DOCUMENT_CHARACTERS_MAX = 5_000_000
"""The same limit for files with few, very long lines."""
LINE_CHARACTERS_MAX = 20_000
"""The limit for the cursor's line, which is read once more with every completion. A longer line is data."""


_FOREIGN_CELL = re.compile(
    r"\s*%%(bash|sh|script|cmd|system|sx|!|perl|ruby|python2|pypy|js|javascript|html|HTML|latex|markdown|svg|SVG|sql|R)\b"
)
"""The first line of a notebook's cell that is not Python (IPython's cell magics, and those of its SQL and R)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The result of the survey. `path` is the document's path within the project."""

    context: Context
    path: str
    excerpts: tuple[Excerpt, ...]
    tests: tuple[TestCase, ...]
    imports: KnownImports = field(default_factory=KnownImports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The budget in tokens. The share of other files is a part of the prefix's. 0 shows none of them.

    With `is_tight`, each place gets a prompt of its own size (`plan.ROWS`), because the policy reads slowly.
    """

    prefix: int
    suffix: int
    neighbours: int
    is_tight: bool = False


def survey(
    request: SuggestionRequest,
    budget: Budget,
    find_tests: FindTests,
    find_neighbours: FindNeighbours,
    find_imports: FindImports = lambda document, project: KnownImports(),
) -> Survey | None:
    """Read the context and the files around it. None if the cursor is at a place that cannot be completed.

    Tests are code of the project, so they run only if the project is trusted. The policy sees their text in both cases.
    """
    document = request.document
    whole = Reach(prefix=budget.prefix, suffix=budget.suffix, neighbours=budget.neighbours)

    def reach(place: Place) -> Reach:
        return reach_at(place, request.trigger, whole) if budget.is_tight else whole

    context = read_context(
        document,
        request.offset,
        prefix_tokens=budget.prefix,
        suffix_tokens=budget.suffix,
        tokens_at=lambda place: (reach(place).prefix, reach(place).suffix),
        has_prose=True,
    )
    if context is None:
        return None
    if context.place.is_prose:
        return Survey(context=context, path="", excerpts=(), tests=())
    name = subject_of(context)
    files = find_tests(document.uri, name, request.folders) if name else ()
    tests = project_tests_of(context, document.uri, files) if name and request.project is not None else ()
    known = find_imports(document, request.project) if request.project is not None else KnownImports()
    seen = reach(context.place)
    if not seen.neighbours:
        return Survey(context=context, path="", excerpts=(), tests=tests, imports=known)
    near = find_neighbours(document, request.open_documents, request.folders)
    excerpts = excerpts_of(near, files, context, tokens=seen.neighbours)
    left = seen.prefix - seen.neighbours
    if excerpts and estimated_tokens(context.prefix) > left:
        cut = read_context(document, request.offset, prefix_tokens=left, suffix_tokens=seen.suffix)
        context = cut or context
    return Survey(context=context, path=near.path, excerpts=excerpts, tests=tests, imports=known)


def without_body(document: Document, context: Context) -> str:
    """Why no body is suggested: functions of a stub file have none (PEP 484, "Stub Files"). Empty at other places."""
    if context.function is None or not urlsplit(document.uri).path.endswith(".pyi"):
        return ""
    return "A function in a stub file (.pyi) has no body: its place holds `...`."


def foreign_cell(document: Document) -> str:
    """Why nothing is suggested in a cell of a notebook that another program runs. Empty for other documents."""
    found = _FOREIGN_CELL.match(document.text)
    return f"The cell begins with %%{found[1]}, so it is not Python." if found else ""


def too_large(document: Document, offset: int) -> str:
    """Why a document is too large to be completed at `offset`. Empty if it is not."""
    text = document.text
    if len(text) > DOCUMENT_CHARACTERS_MAX or text.count("\n") > DOCUMENT_LINES_MAX:
        return f"The file is too large: over {DOCUMENT_LINES_MAX} lines or {DOCUMENT_CHARACTERS_MAX} characters."
    start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
    if (len(text) if end < 0 else end) - start > LINE_CHARACTERS_MAX:
        return f"The line of the cursor is too long: over {LINE_CHARACTERS_MAX} characters."
    return ""

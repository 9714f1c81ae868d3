"""Looks round a request's document: the project's tests of the function at the hole, and what of other files the policy
is shown. Blocks while it reads; where files are found and what may be read of them, is decided by whom it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from plum_lsp.domain.project import Excerpt, Neighbourhood, Project, TestFile
from plum_lsp.domain.suggestion import Context, SuggestionRequest
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import TestCase
from plum_lsp.python.reading.window import estimated_tokens, read_context
from plum_lsp.python.specification.project_tests import project_tests_of, subject_of
from plum_lsp.suggestion.neighbours import excerpts_of

FindTests: TypeAlias = Callable[[str, str, Sequence[Path]], tuple[TestFile, ...]]
"""What finds the test files of a function: the document's URI, the function's name and the workspace's folders."""
FindWholeTests: TypeAlias = Callable[[Project, Path, Context], tuple[TestCase, ...]]
"""What finds tests of a project that may reach the function at the hole, given the document's path."""
FindNeighbours: TypeAlias = Callable[[Document, Sequence[Document], Sequence[Path]], Neighbourhood]
"""What finds the modules near a document: the document, those open beside it and the workspace's folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found. `path` is the document's own, as the project names it."""

    context: Context
    path: str
    excerpts: tuple[Excerpt, ...]
    tests: tuple[TestCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """In tokens. What other files may take is a part of the prefix's; 0 shows none of them."""

    prefix: int
    suffix: int
    neighbours: int


def survey(
    request: SuggestionRequest, budget: Budget, find_tests: FindTests, find_neighbours: FindNeighbours
) -> Survey | None:
    """Read the context and look round; None where nothing can be completed.

    Tests are code of the project, so only a trusted project's are run. To the policy their text is shown either way.
    """
    document = request.document
    context = read_context(document, request.offset, prefix_tokens=budget.prefix, suffix_tokens=budget.suffix)
    if context is None:
        return None
    name = subject_of(context)
    files = find_tests(document.uri, name, request.folders) if name else ()
    tests = project_tests_of(context, document.uri, files) if name and request.project is not None else ()
    if not budget.neighbours:
        return Survey(context=context, path="", excerpts=(), tests=tests)
    near = find_neighbours(document, request.open_documents, request.folders)
    excerpts = excerpts_of(near, files, context, tokens=budget.neighbours)
    left = budget.prefix - budget.neighbours
    if excerpts and estimated_tokens(context.prefix) > left:
        cut = read_context(document, request.offset, prefix_tokens=left, suffix_tokens=budget.suffix)
        context = cut or context
    return Survey(context=context, path=near.path, excerpts=excerpts, tests=tests)

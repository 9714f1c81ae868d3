"""Removes comments and docstrings from the program of a candidate's process, because their examples hold the answers.

A candidate can read its own source and `__doc__`. Line numbers stay. A docstring stays, but its text is removed. A
module's docstring keeps its text if it holds no doctest session, because programs print it as their help.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import Program
from plum_lsp.python.reading.lines import logical_lines, mask, parses
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.reading.syntax import nodes_of

_STATEMENT = re.compile(
    r"(?:(?:(?:async[ ]+)?def|class)\b.*:[ \t]*)?(?P<text>[(\s\\]*(?:[rRuUbBfF]{0,2}s{2,}+[)\s\\]*+)++;?)", re.DOTALL
)
"""A masked line that is a string, or a header followed by a string. Strings in a row and in brackets are one string.

The quantifiers are possessive. Otherwise the time doubles with each character of a string in an annotation.
"""
_SESSION = ">>>"


def quieted(program: Program) -> Program:
    """The program without comments and docstrings."""
    return replace(program, source="".join(_quiet(program.source, "")))


def program_to_run(context: Context, text: str) -> Program:
    """The program with `text` in the hole, as the candidate's process may see it."""
    before, after = _quiet(context.before, context.after)
    return Program(source=before + text + after)


@functools.lru_cache(maxsize=2)
def shared_tree(source: str) -> ast.Module | None:
    """The tree of a program to run, or None if it does not parse. Several checks read it, so do not change it."""
    return module_or_none(source)


@functools.lru_cache(maxsize=2)
def shared_nodes(source: str) -> Sequence[ast.AST]:
    """The nodes of `shared_tree` in the order of `ast.walk` (`nodes_of`). None of a program that does not parse."""
    tree = shared_tree(source)
    return nodes_of(tree) if tree is not None else ()


@functools.lru_cache(maxsize=8)
def _quiet(before: str, after: str) -> tuple[str, str]:
    """Both parts of a program without comments and docstrings."""
    whole = before + after
    masked = mask(whole)
    parts = ["", ""]
    place = 0
    for span, replacement in sorted(
        [*_comments(whole, masked), *_strings(whole, masked)], key=lambda one: one[0].start
    ):
        if span.start < place or span.start < len(before) < span.end:
            continue
        _append(parts, whole[place : span.start], place, len(before))
        _append(parts, replacement, span.start, len(before), is_whole=True)
        place = span.end
    _append(parts, whole[place:], place, len(before))
    return parts[0], parts[1]


def _append(parts: list[str], text: str, start: int, border: int, *, is_whole: bool = False) -> None:
    """Add text that began at `start` to its part, or to both parts."""
    cut = max(0, border - start) if not is_whole else (len(text) if start < border else 0)
    parts[0] += text[:cut]
    parts[1] += text[cut:]


def _comments(whole: str, masked: str) -> Iterator[tuple[Span, str]]:
    """Every comment. Number signs in strings are masked, so they do not count."""
    for found in re.finditer(r"#[^\n]*", whole):
        if masked[found.start()] == " ":
            yield Span(start=found.start(), end=found.end()), ""


def _strings(whole: str, masked: str) -> Iterator[tuple[Span, str]]:
    """Every string that is a whole statement, with an empty replacement of as many lines."""
    for place, line in enumerate(logical_lines(masked, Span(start=0, end=len(whole)))):
        found = _STATEMENT.fullmatch(line.code)
        if found is None or not line.is_closed:
            continue
        start = line.start + len(line.indent) + found.start("text")
        literal = whole[start : line.end]
        is_module = place == 0 and not line.indent and not line.code.startswith(("def", "class", "async"))
        if not _is_closed(literal) or (is_module and _SESSION not in literal):
            continue
        semicolon = ";" if literal.rstrip().endswith(";") else ""  # the candidate may be on the same line
        yield Span(start=start, end=line.end), '"""' + "\n" * literal.count("\n") + '"""' + semicolon


def _is_closed(literal: str) -> bool:
    """Whether the last string of a statement ends where the statement does. A buffer may hold an open one."""
    core = literal.strip("() \t\n\\;").lstrip("rRuUbBfF")
    quote = next((one for one in ('"""', "'''", '"', "'") if core.startswith(one)), "")
    return bool(quote) and (core.endswith(quote) or parses(f"({literal.rstrip(';')})"))

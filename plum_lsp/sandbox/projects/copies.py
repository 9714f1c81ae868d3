"""Finds the files from which a candidate could read what it should write: copies of the document, its function, tests.

A copy may have another name (`core_old.py`, `build/lib/core.py`, a vendored package) and may differ in parts. A file
counts as a copy if it repeats telling lines of the function, much of the document, or a test of the function. The text
is compared without spaces and quotes, and the body of the function also without names. Each file is read once for a
function, in linear time, and is only read again after a change. This module reads texts and runs no code.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from plum_lsp.domain.verification import InModule
from plum_lsp.sandbox.projects.installed import FILE_BYTES_MAX, FILES_MAX, Installed, files_in, state_of
from plum_lsp.sandbox.projects.texts import Text, Texts, blind, lines_of, normal, read

TEST_FILES_MAX = 400
"""Test files whose copies are searched for."""
QUESTIONS_MAX = 16
"""Functions whose copies are remembered."""
STATED_MAX = 300
"""Stated results that are searched for within lines."""
_LEAST = 10
"""Characters of a line, without spaces and quotes, that make it telling."""
_BLIND_LEAST = 60
"""Characters that a body has at least without names, to be known again without them."""
_KEYWORD = re.compile(r"\b(?:if|for|while|return|yield|else|elif|try|except|with|in|not|and|or|lambda)\b")
_COMMON = re.compile(r"(?m)^[ \t]*(?:#|import\b|from\b).*$")
"""Lines that many files share: licences in comments, and imports."""
_PLACEHOLDERS = frozenset({b"raiseNotImplementedError", b"raiseNotImplementedError()"})
_HEADS = ("def ", "async def ", "class ", "@")


@dataclass(frozen=True, slots=True)
class _Marks:
    """What tells a copy: lines of the function, of the document and of tests, and the body without names.

    `stated` are lines that each state a result of a call, `examples` calls of sessions with the line below them.
    """

    name: bytes
    file: bytes
    function: frozenset[bytes]
    document: frozenset[bytes]
    stated: frozenset[bytes]
    examples: frozenset[tuple[bytes, bytes]]
    tests: frozenset[bytes]
    blind: str


@dataclass(slots=True)
class _Answers:
    """What is known about files, each with the state in which it was read, and the copies among installed packages."""

    seen: dict[str, tuple[tuple[int, int], bool]] = field(default_factory=dict)
    installed: list[str] = field(default_factory=list)
    packages_state: str = ""


class Copies:
    """Remembers for each function which files repeat it. May be used by one thread at a time."""

    def __init__(self, installed: Installed) -> None:
        self._installed = installed
        self._answers: OrderedDict[_Marks, _Answers] = OrderedDict()
        self._texts = Texts()

    def warm_up(self) -> None:
        """Read the installed packages now, because it may take seconds."""
        self._installed.naming(b"")

    def near(self, places: Sequence[str]) -> Iterator[str]:
        """The files of the project that may be copies."""
        return itertools.islice(files_in(places, suffixes=None), FILES_MAX)

    def read_ahead(self, path: str) -> None:
        """Read a file of the project now. Any thread may do it."""
        with contextlib.suppress(OSError):
            text = self._texts.of(path)
            if text.is_comparable:
                text.warm_up()

    def of(self, module: InModule, places: Sequence[str], tests: Sequence[str]) -> list[str]:
        """The copies, as paths with their links resolved.

        Args:
            module: the document. Its saved text may hold the body that is now to be written.
            places: files and folders of the project that a child may open.
            tests: the same with the project's test files. Files that repeat these are copies, too.
        """
        near = dict.fromkeys(self.near(places))
        every = itertools.islice(files_in(tests, suffixes=(".py",)), TEST_FILES_MAX + len(near))
        apart = sorted(path for path in every if path not in near)[:TEST_FILES_MAX]
        marks = _marks(_saved(module.path), module.base, module.hole_line, tuple(map(_saved, apart)))
        if marks is None:
            return []
        answers = self._answers.setdefault(marks, _Answers())
        self._answers.move_to_end(marks)
        while len(self._answers) > QUESTIONS_MAX:
            self._answers.popitem(last=False)
        state, naming = self._installed.naming(marks.name)
        if answers.packages_state != state:
            answers.installed = [path for path in naming if self._is_copy(path, marks, answers, is_near=False)]
            answers.packages_state = state
        found = [path for path in near if self._is_copy(path, marks, answers, is_near=True)]
        paths = dict.fromkeys(map(os.path.realpath, [*found, *answers.installed]))
        return [path for path in paths if path != module.path]

    def _is_copy(self, path: str, marks: _Marks, answers: _Answers, *, is_near: bool) -> bool:
        """The remembered answer about a file, or a new one if it has changed."""
        state = state_of(path)
        known = answers.seen.get(path)
        if known is None or known[0] != state:
            is_copy = False
            with contextlib.suppress(OSError):
                text = self._texts.of(path) if is_near else read(path)
                is_copy = _repeats(text, marks, is_near=is_near)
            known = answers.seen[path] = (state, is_copy)
        return known[1]


def _repeats(text: Text, marks: _Marks, *, is_near: bool) -> bool:
    if not is_near and marks.name not in text.content:
        return False
    if not text.is_comparable:
        return (marks.file if text.is_archive else marks.name) in text.content
    lines = text.lines
    is_special = marks.name.startswith(b"__")  # Methods such as `__init__` look alike everywhere.
    length = 30 if is_near and not is_special else 80
    return (
        _shares(lines, marks.function, least=2 if is_near else 3, length=length)
        or not lines.isdisjoint(marks.stated)
        or (is_near and _tells(text.joined, marks.stated))
        or any(call in lines and result in lines for call, result in marks.examples)
        or _shares(lines, marks.tests, least=3, length=60)
        or _shares(lines, marks.document, least=6, length=200)
        or (is_near and bool(marks.blind) and marks.blind in text.blind)
    )


def _tells(text: bytes, stated: frozenset[bytes]) -> bool:
    """Whether a text without spaces and quotes states a result anywhere in a line, as in JSON or in a list."""
    return any(one.removeprefix(b"assert") in text for one in itertools.islice(stated, STATED_MAX))


def _shares(lines: frozenset[bytes], telling: frozenset[bytes], *, least: int, length: int) -> bool:
    """Whether a file repeats half of the telling lines, and enough of them to be no chance."""
    shared = lines & telling
    is_whole = len(shared) == len(telling)
    return len(shared) * 2 >= len(telling) and (len(shared) >= least or is_whole) and sum(map(len, shared)) >= length


@lru_cache(maxsize=8)
def _marks(saved: _Saved, base: str, line: int, tests: tuple[_Saved, ...]) -> _Marks | None:
    """None if the hole is in no function."""
    here = next((one for one in _functions(base) if one.first <= line <= one.last), None)
    if here is None:
        return None
    name = here.name
    before = saved.text()
    there = next((one for one in _functions(before) if one.name == name), here)
    named = re.compile(rf"\b{re.escape(name)}\b")
    texts = (text for text in (test.text() for test in tests) if named.search(text))
    about = [one for text in texts for one in _functions(text) if named.search(one.text)]
    call = re.compile(rf"\b{re.escape(name)}\(.*\).*\w")
    told = [text for one in (here, there, *about) for text in one.text.splitlines()]
    stated = _telling("\n".join(text for text in told if call.search(text) and not text.lstrip().startswith(_HEADS)))
    code = _telling("\n".join(one.text for one in _functions(base) if one is not here))
    body = blind(there.body)
    return _Marks(
        name=name.encode(),
        file=Path(saved.path).name.encode(),
        function=(_telling(here.inside) | _telling(there.inside)) - _PLACEHOLDERS,
        document=_telling(_COMMON.sub("", before or base)) - _telling(there.text),
        stated=stated - code,
        examples=frozenset(_examples(named, (here, there, *about))),
        tests=frozenset[bytes]().union(*(_telling(one.text) for one in about)) - code,
        blind=body if len(body) >= _BLIND_LEAST and len(_KEYWORD.findall(there.body)) >= 3 else "",
    )


@dataclass(frozen=True, slots=True)
class _Saved:
    """A file in one state."""

    path: str
    state: tuple[int, int]

    def text(self) -> str:
        """Its text, empty if it cannot be read."""
        try:
            return Path(self.path).read_bytes()[:FILE_BYTES_MAX].decode("utf-8", "replace")
        except OSError:
            return ""


def _saved(path: str) -> _Saved:
    return _Saved(path, state_of(path))


@dataclass(frozen=True, slots=True)
class _Function:
    """A function of a text with its lines, from 1. `inside` is what stands below its
    head, and `body` the same without a docstring."""

    name: str
    first: int
    last: int
    text: str
    inside: str
    body: str


def _examples(named: re.Pattern[str], functions: Sequence[_Function]) -> Iterator[tuple[bytes, bytes]]:
    """The calls of sessions, each with the line below it."""
    for one in functions:
        for line, below in itertools.pairwise(one.text.splitlines()):
            is_result = below.strip() and not below.lstrip().startswith((">>>", "..."))
            if line.lstrip().startswith(">>>") and named.search(line) and is_result:
                yield normal(line.encode("utf-8", "surrogatepass")), normal(below.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=16)
def _functions(text: str) -> tuple[_Function, ...]:
    """The functions of a text, inner ones first. Of one that does not parse, there are none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    lines = text.splitlines()
    nodes = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return tuple(_function(one, lines) for one in sorted(nodes, key=lambda one: -one.lineno))


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> _Function:
    last = node.end_lineno or node.lineno
    code = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    start = code[0].lineno if code else last + 1
    text, inside = lines[node.lineno - 1 : last], lines[node.body[0].lineno - 1 : last]
    return _Function(node.name, node.lineno, last, *map("\n".join, (text, inside, lines[start - 1 : last])))


def _telling(text: str) -> frozenset[bytes]:
    """The telling lines of a text."""
    lines = lines_of(text.encode("utf-8", "surrogatepass"), is_compiled=False)
    return frozenset(line for line in lines if len(line) >= _LEAST)

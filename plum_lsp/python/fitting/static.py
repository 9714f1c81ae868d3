"""Checks a candidate's program without running it: whether it parses, and which names are undefined."""

from __future__ import annotations

import ast
import copy
import re
import warnings
from dataclasses import dataclass
from typing import TypeVar

from pyflakes import checker, messages  # type: ignore[import-untyped]

from plum_lsp.domain.suggestion import Context
from plum_lsp.python.reading.syntax import TREE_DEPTH_MAX, is_rewritable, nodes_of

TOO_DEEP = (
    f"line 1: nested too deeply, or a number too long: over {TREE_DEPTH_MAX} levels are not read, because Python's own "
    "tools would fail on them"
)
"""Why a program that parses has no tree."""

_Holder = TypeVar("_Holder", bound=ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserted:
    """Where a candidate's text stands in its program: lines from 1, columns in UTF-8 bytes, as `ast` counts."""

    first_line: int
    first_column: int
    last_line: int
    last_column: int

    def holds(self, line: int, column: int) -> bool:
        """Whether a place in the program is inside the candidate's text."""
        after_start = (line, column) >= (self.first_line, self.first_column)
        return after_start and (line, column) < (self.last_line, self.last_column)

    def touches(self, node: ast.stmt) -> bool:
        """Whether a statement has a line in common with the candidate's text."""
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        return first <= self.last_line and (node.end_lineno or node.lineno) >= self.first_line


def inserted(before: str, text: str) -> Inserted:
    """The place of `text` right after `before`."""
    first = before.count("\n") + 1
    column = len(before[before.rfind("\n") + 1 :].encode("utf-8", "surrogatepass"))
    last = first + text.count("\n")
    tail = text[text.rfind("\n") + 1 :].encode("utf-8", "surrogatepass")
    last_column = len(tail) + (column if last == first else 0)
    return Inserted(first_line=first, first_column=column, last_line=last, last_column=last_column)


def parse(source: str) -> ast.Module | str:
    """The tree, or in one phrase why there is none ("line 3: invalid syntax", counted from the source's start)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError as error:
        return f"line {error.lineno or 1}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"line 1: {error or type(error).__name__}"
    return tree if is_rewritable(tree, source) else TOO_DEEP


def undefined_names(tree: ast.Module, place: Inserted, context: Context) -> tuple[str, ...]:
    """Undefined names that the candidate uses, in order of appearance.

    A name that the program around the candidate also uses without a definition does not count. A name in a part of the
    document that was left out of the program does not count either.
    """
    if not _undefined(_without_others(tree, place), place):
        return ()
    found, elsewhere = names_without_definition(tree, place)
    if found and context.is_excerpt:
        elsewhere.update(re.findall(r"[^\W\d]\w*", context.prefix + context.suffix))
    return tuple(name for name in found if name not in elsewhere)


def names_without_definition(tree: ast.Module, place: Inserted) -> tuple[tuple[str, ...], set[str]]:
    """The names that the candidate uses and the program does not define, in order, and those of the code around it."""
    found: dict[str, None] = {}
    elsewhere: set[str] = set()
    undefined = _told(tree)
    declared = _declared(tree) if undefined else set()
    for message in undefined:
        name = str(message.message_args[0])
        if name in declared:
            continue
        if place.holds(message.lineno, message.col):
            found[name] = None
        else:
            elsewhere.add(name)
    return tuple(found), elsewhere


def _told(tree: ast.Module) -> list[messages.Message]:
    told = checker.Checker(tree, filename="program.py").messages
    return [one for one in told if isinstance(one, messages.UndefinedName | messages.UndefinedLocal)]


def _undefined(tree: ast.Module, place: Inserted) -> bool:
    return any(place.holds(one.lineno, one.col) for one in _told(tree))


def _without_others(tree: ast.Module, place: Inserted) -> ast.Module:
    """The tree without the bodies of functions that the candidate's text does not touch.

    What such a body does has no effect on the names of other functions, unless it declares some as `global`. The nodes
    that stay are those of the tree.
    """
    return _with_body(tree, [_less(node, place) for node in tree.body])


def _less(node: ast.stmt, place: Inserted) -> ast.stmt:
    if isinstance(node, ast.ClassDef):
        return _with_body(node, [_less(one, place) for one in node.body])
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or place.touches(node):
        return node
    if any(isinstance(one, ast.Global | ast.Nonlocal) for one in nodes_of(node)):
        return node
    return _with_body(node, [ast.copy_location(ast.Pass(), node.body[0])])


def _with_body(node: _Holder, body: list[ast.stmt]) -> _Holder:
    """A copy of a node with another body, and with the same other parts."""
    made = copy.copy(node)
    made.body = body
    return made


def _declared(tree: ast.Module) -> set[str]:
    """Names that are annotated without a value and get one elsewhere. pyflakes takes uses above that for undefined."""
    bare = [node.target for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and node.value is None]
    names = {target.id for target in bare if isinstance(target, ast.Name)}
    places = {id(target) for target in bare}
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return {node.id for node in stored if node.id in names and id(node) not in places} if names else set()

"""Checks whether a syntax tree can be walked and written back as source. Some texts that Python parses cannot. Pure."""

from __future__ import annotations

import ast
import re

TREE_DEPTH_MAX = 150
"""The deepest tree that is read. `ast.unparse` and pyflakes use up to five frames a level, and Python stops at 1000."""
STATEMENTS_MAX = 8192
"""Of this many statements the depth is remembered. A file of 6,000 lines has 500 outside of functions."""
_DEPTHS: dict[tuple[str, int, int, int], int] = {}
CLASS_LEVELS_MAX = 8
"""Classes that are nested deeper than this are read as one statement."""
_WORDS: tuple[type[ast.AST], ...] = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
_LONG_NUMBER = re.compile(r"0[xXoObB][0-9a-fA-F_]{1000}")
"""Python parses such a constant but cannot write it: a decimal has at most 4300 digits (CPython issue 95778)."""

_LEAVES = frozenset({
    *(int, str, bytes, float, bool, complex, type(None)),
    *(one for base in _WORDS for one in base.__subclasses__()),
})  # fmt: skip
"""Types of the values that have no children and no place in the text."""


def is_rewritable(tree: ast.AST, source: str) -> bool:
    """Whether walking the tree of `source` and writing it as source again cannot fail."""
    if len(source) <= TREE_DEPTH_MAX:
        return True
    return _LONG_NUMBER.search(source) is None and not _is_deep(tree, source)


def _is_deep(tree: ast.AST, source: str) -> bool:
    """Whether a tree has more levels than are read. A class is read statement by statement: few of them are new."""
    if not isinstance(tree, ast.Module) or "\r" in source:  # a line may end in a way that no text shows
        return _depth(tree) >= TREE_DEPTH_MAX
    lines = source.split("\n")
    pending: list[tuple[int, ast.stmt]] = [(1, statement) for statement in tree.body]
    while pending:
        level, statement = pending.pop()
        if isinstance(statement, ast.ClassDef) and level < CLASS_LEVELS_MAX:
            pending += [(level + 1, one) for one in statement.body]
            others = [*statement.decorator_list, *statement.bases, *statement.keywords]
            others += getattr(statement, "type_params", ())
            if any(level + 1 + _depth(one) >= TREE_DEPTH_MAX for one in others):
                return True
        elif level + _depth_of_text(statement, lines) >= TREE_DEPTH_MAX:
            return True
    return False


def _depth_of_text(statement: ast.stmt, lines: list[str]) -> int:
    """The depth of a statement. It is remembered under the statement's text, which decides on it."""
    last = statement.end_lineno or statement.lineno
    first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
    text = "\n".join(lines[first - 1 : last])
    key = text, statement.lineno - first, statement.col_offset, statement.end_col_offset or 0
    depth = _DEPTHS.get(key)
    if depth is None:
        if len(_DEPTHS) >= STATEMENTS_MAX:
            _DEPTHS.clear()
        depth = _DEPTHS[key] = _depth(statement)
    return depth


def _depth(tree: ast.AST) -> int:
    """The number of levels below a node, at most `TREE_DEPTH_MAX`. Contexts and operators make a level, too."""
    level = [tree]
    for depth in range(TREE_DEPTH_MAX):
        below = _children(level)
        if not below:
            return depth + any(next(ast.iter_child_nodes(node), None) is not None for node in level)
        level = below
    return TREE_DEPTH_MAX


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """The nodes of a parsed tree in the order of `ast.walk`, in half of its time. Contexts and operators are left out.

    A file of 5,000 lines has 50,000 nodes, and it is read again for each candidate.
    """
    found, level = [tree], [tree]
    while level:
        level = _children(level)
        found += level
    return found


def _children(nodes: list[ast.AST]) -> list[ast.AST]:
    """The children of the nodes. The parser sets the fields of a node in their order, so no name is looked up."""
    found: list[ast.AST] = []
    for node in nodes:
        for value in vars(node).values():
            kind = type(value)
            if kind is list:
                found += [one for one in value if isinstance(one, ast.AST) and type(one) not in _LEAVES]
            elif kind not in _LEAVES and isinstance(value, ast.AST):
                found.append(value)
    return found

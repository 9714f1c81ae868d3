"""Checks whether a syntax tree can be walked and written back as source. Some texts that Python parses cannot. Pure."""

from __future__ import annotations

import ast
import re

TREE_DEPTH_MAX = 150
"""The deepest tree that is read. `ast.unparse` and pyflakes use up to five frames a level, and Python stops at 1000."""
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
    return _LONG_NUMBER.search(source) is None and not _is_deep(tree)


def _is_deep(tree: ast.AST) -> bool:
    level = [tree]
    for _ in range(TREE_DEPTH_MAX - 1):
        level = _children(level)
        if not level:
            return False
    return any(next(ast.iter_child_nodes(node), None) is not None for node in level)


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

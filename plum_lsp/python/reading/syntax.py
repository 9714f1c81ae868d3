"""Checks whether a syntax tree can be walked and written back as source. Some texts that Python parses cannot. Pure."""

from __future__ import annotations

import ast
import re

TREE_DEPTH_MAX = 150
"""The deepest tree that is read. `ast.unparse` and pyflakes use up to five frames a level, and Python stops at 1000."""
_LONG_NUMBER = re.compile(r"0[xXoObB][0-9a-fA-F_]{1000}")
"""Python parses such a constant but cannot write it: a decimal has at most 4300 digits (CPython issue 95778)."""


def is_rewritable(tree: ast.AST, source: str) -> bool:
    """Whether walking the tree of `source` and writing it as source again cannot fail."""
    if len(source) <= TREE_DEPTH_MAX:
        return True
    return _LONG_NUMBER.search(source) is None and not _is_deep(tree)


def _is_deep(tree: ast.AST) -> bool:
    level = [tree]
    for _ in range(TREE_DEPTH_MAX):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)

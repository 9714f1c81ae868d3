"""Finds candidates behind which their function must go on, so that its tests cannot tell about them yet. Pure.

A user writes a function from its top, and most of its statements do not give its result. While the rest is missing, the
function fails its tests whatever such a statement is.
"""

from __future__ import annotations

import ast

from plum_lsp.domain.suggestion import Context, HoleKind
from plum_lsp.python.fitting.outside import ends
from plum_lsp.python.reading.sources import module_or_none

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def goes_on(context: Context, text: str) -> bool:
    """Whether `text` is one statement, the last that its function has so far, and does not end the function.

    A candidate that may have any number of statements is meant to be the whole rest, so its function does not go on.
    """
    block = context.block
    is_one = block.kind is HoleKind.LINE or (block.kind is HoleKind.BLOCK and block.statements_max == 1)
    if context.function is None or not is_one:
        return False
    head = f"{context.before}{text}".rstrip()
    tree = module_or_none(f"{context.before}{text}{context.after}")
    function = _outermost(tree, head.count("\n") + 1) if tree is not None else None
    return function is not None and function.end_lineno == head.count("\n") + 1 and not ends(function.body)


def gives_a_result(text: str) -> bool:
    """Whether a candidate itself returns a value. The value is then evidence, also where the function goes on."""
    return any(line.split("#")[0].split()[:1] == ["return"] and len(line.split()) > 1 for line in text.splitlines())


def _outermost(tree: ast.Module, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The outermost function around a line. Tests reach no other one."""
    functions = (node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS))
    around = (node for node in functions if node.lineno <= line <= (node.end_lineno or 0))
    return min(around, key=lambda node: node.lineno, default=None)

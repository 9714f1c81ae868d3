"""Finds candidates behind which their function must go on, so that no result of it can tell about them yet. Pure.

A user writes a function from its top, and most of its statements do not give its result. While the rest is missing, the
function fails its tests whatever such a statement is, and functions with different statements return the same None.
"""

from __future__ import annotations

import ast
import re

from plum_lsp.domain.suggestion import Context, HoleKind
from plum_lsp.python.fitting.outside import ends
from plum_lsp.python.reading.lines import width
from plum_lsp.python.reading.sources import module_or_none

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_AT_MARGIN = re.compile(r"^(?=[A-Za-z_@])", re.MULTILINE)
_CODE = re.compile(r"^([ \t]*)[^\s#]", re.MULTILINE)


def goes_on(context: Context, text: str) -> bool:
    """Whether `text` is one statement, the last that its function has so far, and does not end the function.

    A candidate that may have any number of statements is meant to be the whole rest, so its function does not go on.
    """
    block = context.block
    is_one = block.kind is HoleKind.LINE or (block.kind is HoleKind.BLOCK and block.statements_max == 1)
    if context.function is None or not is_one or _is_followed(context):
        return False
    head = f"{context.before}{text}"
    start = max((found.start() for found in _AT_MARGIN.finditer(context.before)), default=0)
    end = _AT_MARGIN.search(context.after, context.after.find("\n") + 1)
    own = head[start:], context.after[: end.start()] if end else context.after
    for above, below in (own, (head, context.after)):  # the part does not parse if it begins in a string
        tree, line = module_or_none(above + below), above.rstrip().count("\n") + 1
        function = _outermost(tree, line) if tree is not None else None
        if function is not None:
            return function.end_lineno == line and not ends(function.body)
    return False


def gives_a_result(text: str) -> bool:
    """Whether a candidate itself returns a value. The value is then evidence, also where the function goes on."""
    return any(line.split("#")[0].split()[:1] == ["return"] and len(line.split()) > 1 for line in text.splitlines())


def _is_followed(context: Context) -> bool:
    """Whether the next code below the hole surely belongs to the function."""
    following = _CODE.search(context.after, context.after.find("\n") + 1)
    return following is not None and 0 < width(context.block.indent) <= width(following[1])


def _outermost(tree: ast.Module, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The outermost function around a line. Tests reach no other one."""
    functions = (node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS))
    around = (node for node in functions if node.lineno <= line <= (node.end_lineno or 0))
    return min(around, key=lambda node: node.lineno, default=None)

"""Finds candidates behind which their function must go on, so that no result of it can tell about them yet. Pure.

A user writes a function from its top, and most of its statements do not give its result. While the rest is missing, the
function fails its tests whatever such a statement is, and functions with different statements return the same None.
"""

from __future__ import annotations

import ast
import re

from plum_lsp.domain.suggestion import Context, HoleKind
from plum_lsp.python.fitting.outside import ends
from plum_lsp.python.reading.lines import chunks, mask, width
from plum_lsp.python.reading.sources import module_or_none

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CODE = re.compile(r"^([ \t]*)[^\s#]", re.MULTILINE)


def goes_on(context: Context, text: str) -> bool:
    """Whether `text` is one statement, the last that its function has so far, and does not end the function.

    A candidate that may have any number of statements is meant to be the whole rest, so its function does not go on.
    """
    block = context.block
    is_one = block.kind is HoleKind.LINE or (block.kind is HoleKind.BLOCK and block.statements_max == 1)
    if context.function is None or not is_one or _is_followed(context):
        return False
    whole, end = f"{context.before}{text}{context.after}", len(f"{context.before}{text}".rstrip())
    region = next((one for one in chunks(mask(whole)) if one.start < end <= one.end), None)
    tree = module_or_none(whole[region.start : region.end]) if region is not None else None
    if region is None or tree is None:
        return False
    line = whole.count("\n", region.start, end) + 1
    function = _outermost(tree, line)
    return function is not None and function.end_lineno == line and not ends(function.body)


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

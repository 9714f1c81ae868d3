"""Chooses the kind of function that the unfilled hole is: a generator for a candidate that yields.

The body of a decorated function is exchanged only for one of the same kind, because a decorator may ask for the kind
(`inspect.isgeneratorfunction`). With an unfilled function of the right kind, a candidate needs no import of its own.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from plum_lsp.domain.verification import InModule, Program
from plum_lsp.sandbox.jail.documents import function_at

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def fitting(program: Program, module: InModule) -> InModule:
    """The program's module, with an unfilled function that yields if the program's own one is decorated and yields."""
    if program.source.count("yield") <= module.base.count("yield"):
        return module
    try:
        tree = ast.parse(program.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return module  # The child says what is wrong with it.
    function = function_at(tree, module.hole_line + program.lines_added)
    is_meant = function is not None and function.decorator_list and _yields(function.body)
    return replace(module, yields=True) if is_meant else module


def _yields(body: list[ast.stmt]) -> bool:
    """Whether a function with this body is a generator. The functions in it do not count."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)
    return False

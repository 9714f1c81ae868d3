"""The statement that stands for a missing body: how it is written, and how code and errors show it. Pure."""

from __future__ import annotations

import ast

PLACEHOLDER = "raise NotImplementedError"
UNFILLED = "__plum_hole__"
"""An undefined name. Code that reaches it raises `NameError`, so an unfilled hole fails every test that reaches it."""


def is_placeholder(statement: ast.stmt) -> bool:
    """Whether a statement only holds a place: `pass`, `...`, a docstring or `raise NotImplementedError`."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def shows_placeholder(error: str) -> bool:
    """Whether the text of an error shows that the placeholder was reached."""
    return NotImplementedError.__name__ in error


def shows_unfilled(error: str) -> bool:
    """Whether the text of an error shows that a hole within a line was reached."""
    return UNFILLED in error

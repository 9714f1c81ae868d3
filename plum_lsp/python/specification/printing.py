"""Tells which calls of a session print a value, by the names of the functions. Pure. It runs no code."""

from __future__ import annotations

import ast
import re

_PRINTERS = frozenset({"print", "pprint"})
"""Functions of the standard library that print a value and return None."""
_RENAMED = re.compile(r"\bfrom[ ]+pprint[ ]+import[ ]+pprint[ ]+as[ ]+(\w+)")


def is_print(tree: ast.expr) -> bool:
    """Whether an expression prints."""
    return isinstance(tree, ast.Call) and called(tree) in _PRINTERS


def called(tree: ast.Call) -> str:
    """The last name of the function that is called. Empty if it has none."""
    return tree.func.attr if isinstance(tree.func, ast.Attribute) else getattr(tree.func, "id", "")


def with_usual_printer(sources: list[str]) -> list[str]:
    """The lines of a session with `pprint` under its own name, if they import it under another."""
    found = next(filter(None, map(_RENAMED.search, sources)), None)
    if found is None:
        return sources
    renamed = [source.replace(found[0], "from pprint import pprint") for source in sources]
    return [re.sub(rf"(?<![\w.]){found[1]}\(", "pprint(", source) for source in renamed]

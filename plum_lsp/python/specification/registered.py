"""Tells which tables and decorators of a file keep a function, so that others call it without its name. Pure.

A table is filled by a decorator, by a function, or by a statement of the module. The module does not follow what they
do with the function.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

_FILLED = re.compile(
    r"^[ \t]+(\w+)(?:\[[^\n]*\][ \t]*=(?!=)|\.(?:append|add|extend|insert|register|setdefault|update)\()", re.MULTILINE
)
"""A line of a function that puts something into a table."""
_BUILTIN = frozenset(dir(builtins))
_TOOLS = frozenset({"pytest", "hypothesis", "typing_extensions", "mypy_extensions"}) | sys.stdlib_module_names
"""Modules whose decorators keep no functions of the project under other names."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def keepers(tree: ast.Module, text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The names by which functions of a file may be called through something else, each with the functions' names.

    These are the decorators of a function, the identifiers that they are given (`@command("add")`), the tables that a
    function fills, and the tables that the module's statements fill.
    """
    statements = list(_statements(tree))
    foreign = _BUILTIN.union(*(_foreign(one) for one in statements if isinstance(one, ast.Import | ast.ImportFrom)))
    own = set(_assigned(tree.body))
    filled = (
        (found[1], text.count("\n", 0, found.start(1)) + 1) for found in _FILLED.finditer(text) if found[1] in own
    )
    tables = list(filled)
    for function in (one for one in statements if isinstance(one, _Function) and not one.name.startswith("test")):
        kept = {name for one in function.decorator_list for name in _kept_by(one, foreign)}
        kept |= {name for name, line in tables if function.lineno <= line <= (function.end_lineno or 0)}
        for name in sorted(kept - {function.name}):
            yield name, frozenset({function.name})
    for statement in tree.body:
        yield from _filled_by(statement)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements of a file, without the expressions in them."""
    pending: list[ast.AST] = [tree]
    for node in pending:
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            pending += getattr(node, field, ())
    return iter(pending)


def _foreign(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The names that an import gives of modules, of the standard library and of test tools."""
    if isinstance(node, ast.Import):
        yield from (one.asname or one.name.partition(".")[0] for one in node.names)
    elif not node.level and (node.module or "").partition(".")[0] in _TOOLS:
        yield from (one.asname or one.name for one in node.names)


def _assigned(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that a module assigns or imports from others: its tables may be among them."""
    for node in body:
        if isinstance(node, ast.Assign):
            yield from (one.id for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.ImportFrom):
            yield from (one.asname or one.name for one in node.names)


def _kept_by(decorator: ast.expr, foreign: AbstractSet[str]) -> Iterator[str]:
    """The name that a decorator begins with, and the identifiers among its arguments. None of a foreign one."""
    base = next(_base(decorator), None)
    if base is None or base in foreign:
        return
    yield base
    if isinstance(decorator, ast.Call):
        for value in (*decorator.args, *(one.value for one in decorator.keywords)):
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.isidentifier():
                yield value.value


def _filled_by(statement: ast.stmt) -> Iterator[tuple[str, frozenset[str]]]:
    """The table that a statement of a module fills, or the function that it calls, with the names in the statement."""
    if isinstance(statement, ast.Assign):
        targets = [one.value for one in statement.targets if isinstance(one, ast.Subscript | ast.Attribute)]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        targets = [statement.value.func]
    else:
        return
    names = frozenset(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
    for name in (name for target in targets for name in _base(target)):
        if names - {name}:
            yield name, names - {name}


def _base(node: ast.expr) -> Iterator[str]:
    """The name that an expression of attributes and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    if isinstance(node, ast.Name):
        yield node.id

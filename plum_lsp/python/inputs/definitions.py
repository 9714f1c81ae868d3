"""Makes calls for holes outside any function: of functions, classes and methods that most candidates define.

It also makes a call for the values of variables. Such a hole gives no name to call before it is filled, so the names
come from the candidates. A name that only few candidates bind is not used. Pure.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from plum_lsp.domain.suggestion import Context, FunctionSymbol, HoleKind
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import Call
from plum_lsp.python.reading.sources import bound_names, enclosing_class, statements_or_none

SHARE_MIN = 0.5
"""A name is used if at least this share of the candidates binds it."""
DEFINED_MAX = 6
"""The most functions and methods that are called. With more, each would get too few inputs."""


def is_outside(context: Context) -> bool:
    """Whether the hole stands outside any function."""
    return context.block.kind in {HoleKind.MODULE, HoleKind.CLASS} and context.function is None


def filled(context: Context, candidates: Sequence[str]) -> list[tuple[Context, FunctionSymbol]]:
    """The functions and methods that most candidates define, each with the context of one that defines it."""
    trees = [(text, tree) for text in candidates if (tree := _statements(text)) is not None]
    common = _common([body for _, body in trees])
    owner = enclosing_class(context)
    found: dict[str, tuple[Context, FunctionSymbol]] = {}
    for text, body in trees:
        for symbol in _symbols(body, owner.qualified_name if owner is not None else None):
            if (symbol.name if owner is not None else symbol.qualified_name.split(".")[0]) in common:
                found.setdefault(symbol.qualified_name, (replace(context, before=f"{context.before}{text}\n"), symbol))
    return list(found.values())[:DEFINED_MAX]


def variables(context: Context, candidates: Sequence[str]) -> tuple[Call, ...]:
    """One call for the values that most candidates bind to the same names. Empty if there are no such names."""
    owner = enclosing_class(context)
    prefix = f"{owner.qualified_name}." if owner is not None else ""
    bodies = [body for text in candidates if (body := _statements(text)) is not None]
    defined = {
        node.name
        for body in bodies
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    names = sorted(_common(bodies) - defined - _imported(bodies))
    return (Call(expression=f"[{', '.join(prefix + name for name in names)}]"),) if names else ()


def _statements(text: str) -> list[ast.stmt] | None:
    tree = statements_or_none(text)
    function = tree.body[0] if tree is not None else None
    return function.body if isinstance(function, ast.AsyncFunctionDef) else None


def _common(bodies: Sequence[list[ast.stmt]]) -> set[str]:
    """The public names that enough of the bodies bind at their top level."""
    counts = Counter(name for body in bodies for name in {name for node in body for name in _top_names(node)})
    return {name for name, count in counts.items() if count >= SHARE_MIN * len(bodies) and not name.startswith("_")}


def _top_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    return bound_names(node)


def _imported(bodies: Sequence[list[ast.stmt]]) -> set[str]:
    nodes = (node for body in bodies for node in body if isinstance(node, ast.Import | ast.ImportFrom))
    return {name for node in nodes for name in bound_names(node)}


def _symbols(body: Iterable[ast.stmt], owner: str | None) -> Iterable[FunctionSymbol]:
    """The functions of a body and the public methods of its classes. The body may belong to the class `owner`."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _symbol(node, owner)
        elif isinstance(node, ast.ClassDef) and owner is None:
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and not member.name.startswith("_"):
                    yield _symbol(member, node.name)


def _symbol(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str | None) -> FunctionSymbol:
    arguments = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    is_async = isinstance(node, ast.AsyncFunctionDef)
    return FunctionSymbol(
        name=node.name,
        qualified_name=f"{owner}.{node.name}" if owner else node.name,
        class_name=owner,
        signature=f"{'async ' if is_async else ''}def {node.name}({ast.unparse(node.args)}){returns}",
        parameters=tuple(arguments),
        decorators=tuple(ast.unparse(decorator) for decorator in node.decorator_list),
        docstring=ast.get_docstring(node) or "",
        is_async=is_async,
        is_nested=False,
        span=Span(start=0, end=0),
    )

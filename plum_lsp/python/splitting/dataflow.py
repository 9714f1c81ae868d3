"""Finds how the lines of a test depend on each other: the names each reads, binds and may change, and slices of them.

It only reads code. It prefers too many lines to too few: a line counts if it may matter. Objects with two names are
followed through plain assignments, and of all calls only through `__enter__`.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

_PURE_METHODS = frozenset(
    {name for cls in (str, bytes, tuple, int, float, frozenset) for name in dir(cls)}
    | {"get", "keys", "values", "items", "copy", "count", "index"}
)
"""Methods that never change the plain data on which they are called."""
_PURE_FUNCTIONS = frozenset(dir(builtins)) - {"next", "setattr", "delattr", "exec", "eval", "iter"}
_Scoped = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A statement. `touches` are names whose objects it may change."""

    node: ast.stmt
    reads: frozenset[str]
    binds: frozenset[str]
    touches: frozenset[str]

    @property
    def remakes(self) -> frozenset[str]:
        """Names to which a plain assignment gives a value without reading the old one."""
        is_plain = isinstance(self.node, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom)
        return self.binds - self.reads - self.touches if is_plain else frozenset()


class _Names(ast.NodeVisitor):
    """Names that code reads and binds in its own scope. An inner scope reads the names that it does not bind.

    `outer` are names that it declares to be of a scope around it.
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.outer: set[str] = set()

    def visit_Global(self, node: ast.Global) -> None:
        self.outer.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.outer.update(node.names)

    def visit_Name(self, node: ast.Name) -> None:
        (self.reads if isinstance(node.ctx, ast.Load) else self.binds).add(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.reads.add(node.target.id)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.binds.add((node.asname or node.name).split(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.binds.update([node.name] if node.name else [])
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _Scoped):
            self._inner(node)
        elif isinstance(node, _Comprehension):
            inner = _Names()
            for child in ast.iter_child_nodes(node):
                inner.visit(child)
            self.reads |= inner.reads - inner.binds
        else:
            super().generic_visit(node)

    def _inner(self, node: _Scoped) -> None:
        if not isinstance(node, ast.Lambda):
            self.binds.add(node.name)
            for decorator in node.decorator_list:
                self.visit(decorator)
        inner = _Names()
        if isinstance(node, ast.ClassDef):
            for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
                self.visit(base)
        else:
            for default in (*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)):
                self.visit(default)
            inner.binds |= {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        for child in [node.body] if isinstance(node, ast.Lambda) else node.body:
            inner.visit(child)
        self.reads |= (inner.reads - inner.binds) | inner.outer


def lines_of(nodes: Sequence[ast.stmt]) -> list[Line]:
    """The names that each statement reads, binds and may change.

    No statement changes the value of a name that only holds numbers, text and the like. A use of a function changes the
    names that the function declares `global`.
    """
    constants = constant_names(nodes)
    changed = {name: globals_of(node) for node in nodes for name in names_in(node)[1]}
    return [_line(node, constants, changed) for node in nodes]


def _line(node: ast.stmt, constants: frozenset[str], changed: Mapping[str, frozenset[str]]) -> Line:
    found = names_in(node)
    touches = (touched_by(node) - constants).union(*(changed.get(name, ()) for name in found[0]))
    return Line(node=node, reads=found[0], binds=found[1], touches=frozenset(touches))


def globals_of(node: ast.AST) -> frozenset[str]:
    """The names that functions within some code declare `global`."""
    return frozenset(name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names)


def constant_names(nodes: Sequence[ast.stmt]) -> frozenset[str]:
    """Names to which statements assign only constants. No call can change these."""
    constant = [node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    others = [names_in(node)[1] | globals_of(node) for node in nodes if node not in constant]
    return frozenset().union(*(names_in(node)[1] for node in constant)) - frozenset().union(*others)


def names_in(node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """The names that code reads, and those that it binds, from the outside."""
    found = _Names()
    found.visit(node)
    return frozenset(found.reads), frozenset(found.binds)


def touched_by(node: ast.AST) -> set[str]:
    """Names whose objects a statement may change: targets, receivers of methods, arguments of functions."""
    touched: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            touched |= _root(part)
        elif isinstance(part, ast.Call):
            is_method = isinstance(part.func, ast.Attribute)
            if isinstance(part.func, ast.Attribute) and part.func.attr not in _PURE_METHODS:
                touched |= _root(part.func)
            if is_method or getattr(part.func, "id", "") not in _PURE_FUNCTIONS:
                for argument in (*part.args, *(keyword.value for keyword in part.keywords)):
                    touched |= names_in(argument)[0]
    return touched


def _root(node: ast.expr) -> set[str]:
    """The name at the start of `a.b[0].c()`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def root_of(node: ast.expr) -> str:
    """The name at the start of `a.b[0].c()`. Empty if it starts in another way."""
    return next(iter(_root(node)), "")


def manager_of(node: ast.stmt) -> str:
    """The name of the manager in `t = manager.__enter__()`. Empty for other statements."""
    value = node.value if isinstance(node, ast.Assign) else None
    called = value.func if isinstance(value, ast.Call) else None
    return root_of(called) if isinstance(called, ast.Attribute) and called.attr == "__enter__" else ""


def _is_alias(node: ast.stmt) -> bool:
    """Whether an assignment gives another name to an object, or to its container."""
    if manager_of(node):
        return True  # most managers give themselves, and what they give is theirs
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Name | ast.Attribute | ast.Subscript | ast.List | ast.Tuple | ast.Dict)


def _aliases(lines: Sequence[Line]) -> dict[str, set[str]]:
    """For each name the names that may refer to the same object, including itself."""
    groups: dict[str, set[str]] = {}
    for line in lines:
        if _is_alias(line.node):
            merged = set().union(*(groups.get(name, {name}) for name in line.binds | line.reads))
            groups.update(dict.fromkeys(merged, merged))
    return groups


def sliced(
    lines: Sequence[Line], needed: Iterable[str], *, stop: Set[str] = frozenset(), always: Set[int] = frozenset()
) -> tuple[list[Line], set[str]]:
    """The lines, in order, that the names need, and all names needed on the way.

    Names in `stop` have another source. Lines at the places in `always` count in any case.
    """
    groups = _aliases(lines)
    wanted = set(needed) - stop
    seen = set(wanted)
    chosen: list[Line] = []
    for place, line in reversed(list(enumerate(lines))):
        touched = set[str]().union(*(groups.get(name, {name}) for name in line.touches))
        if not (place in always or line.binds & wanted or touched & wanted):
            continue
        chosen.append(line)
        wanted = (wanted - line.remakes) | (line.reads - stop)
        seen |= wanted
    chosen.reverse()
    return chosen, seen

"""What the names in a file mean where a candidate stands: modules, the candidate's own names, and its arguments."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from plum_lsp.python.screening.means import DANGEROUS, is_library

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SETTING = frozenset({"setattr", "delattr", "vars", "locals", "globals"})
_MODULES_WITHIN = frozenset({"unittest.mock", "os.path", "concurrent.futures", "importlib.util", "importlib.machinery"})


@dataclass(slots=True)
class Names:
    """The meaning of names.

    `modules` maps names to modules. `local` holds the names that the candidate's function binds.

    `inner` are the classes that are defined within functions.
    """

    modules: dict[str, str] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)
    inner: set[int] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    """Arguments of the functions around the candidate. The candidate did not make their values."""
    stores: Counter[str] = field(default_factory=Counter)
    bound: set[str] = field(default_factory=set)
    """What the candidate binds, in whatever way."""
    aliases: dict[str, list[ast.expr]] = field(default_factory=dict)
    """What each name is bound to by an assignment."""
    imported: dict[str, str] = field(default_factory=dict)
    """Names of the standard library or numpy that were imported from a module, and the module."""

    @classmethod
    def of(cls, nodes: Sequence[ast.AST], first_line: int, last_line: int) -> Names:
        """Read the nodes of a file (`nodes_of`), in which the candidate has these lines."""
        names = cls()
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names.modules[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                if not node.level and is_library(node.module or ""):
                    names.imported |= {alias.asname or alias.name: node.module or "" for alias in node.names}
                for alias in node.names:
                    dotted = f"{node.module or ''}.{alias.name}".lstrip(".")
                    if dotted.split(".")[0] in DANGEROUS and "." in dotted and dotted in _MODULES_WITHIN:
                        names.modules[alias.asname or alias.name] = dotted
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                if node.lineno <= last_line and first_line <= (node.end_lineno or 0):
                    bound = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
                    names.local |= bound
                    names.given |= bound - {"cls"} if node.lineno < first_line else set()
            elif isinstance(node, ast.ExceptHandler) and node.name and first_line <= node.lineno <= last_line:
                names.local.add(node.name)
            elif isinstance(node, ast.Name) and is_store(node) and first_line <= node.lineno <= last_line:
                names.local.add(node.id)
        for node in nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        names.aliases.setdefault(target.id, []).append(node.value)
        around = _around(nodes, first_line, last_line)
        inside = [node for node in nodes if first_line <= getattr(node, "lineno", 0) <= last_line]
        names.stores.update(one.id for one in nodes if is_store(one))
        names._without_rebound(around, inside)
        if _calls_itself(around, inside):
            names.given.clear()
        names.inner = _within_functions(nodes)
        return names

    def _without_rebound(self, around: Sequence[_Function], inside: Sequence[ast.AST]) -> None:
        """Forget the arguments that the candidate, or a function around it, binds again, in whatever way."""
        for function in around:
            self.given -= {one.id for one in ast.walk(function) if is_store(one)}
        for node in inside:
            self.bound |= _bound(node)
        self.given -= self.bound

    def is_value(self, node: ast.expr) -> bool:
        """Whether an expression is no class: an argument of the function at the hole, or a new value of plain data."""
        if isinstance(node, ast.Name) and node.id not in self.given:
            bound = self.aliases.get(node.id, [])
            return len(bound) == self.stores[node.id] > 0 and not any(
                isinstance(one, ast.Name) or not self.is_value(one) for one in bound
            )
        return isinstance(node, ast.Name | ast.Constant | ast.List | ast.Dict | ast.Tuple | ast.Set | ast.JoinedStr)


def _calls_itself(functions: Sequence[_Function], inside: Sequence[ast.AST]) -> bool:
    """Whether the candidate names the function around it, other than as a method of `self` or of what `self` holds.

    It can then give the function any argument, also a class. What `self` holds may be the candidate's choice if it
    sets attributes, and `self` may be anything if it binds that name.
    """
    around = {function.name for function in functions}
    attributes = [node for node in inside if isinstance(node, ast.Attribute)]
    named = {node.id for node in inside if isinstance(node, ast.Name)}
    is_bound = any("self" in _bound(node) for node in inside)
    sets = bool(named & _SETTING) or any(
        not isinstance(node.ctx, ast.Load) or node.attr in ("__dict__", "__setattr__") for node in attributes
    )
    others = {
        node.attr
        for node in attributes
        if is_bound or getattr(node.value if sets else root_of(node.value), "id", "") != "self"
    }
    return bool(around & (named | others))


def _around(nodes: Sequence[ast.AST], first_line: int, last_line: int) -> list[_Function]:
    """The functions that the candidate stands in."""
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [node for node in functions if node.lineno < first_line and last_line <= (node.end_lineno or 0)]


def _within_functions(nodes: Sequence[ast.AST]) -> set[int]:
    """The classes that are defined within functions. Only functions with a class among their lines are walked."""
    classes = [node.lineno for node in nodes if isinstance(node, ast.ClassDef)]
    found: set[int] = set()
    for node in (one for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)):
        if any(node.lineno <= line <= (node.end_lineno or 0) for line in classes):
            found |= {id(one) for one in ast.walk(node) if isinstance(one, ast.ClassDef)}
    return found


def _bound(node: ast.AST) -> set[str]:
    """The names that a node binds, in whatever way."""
    fields = {getattr(node, field, None) for field in ("arg", "name", "rest", "asname")}
    return {name for name in fields if isinstance(name, str)} | ({node.id} if is_store(node) else set())


def name_of(function: ast.expr) -> str:
    """The name by which a function is called: its own, or that of a method. Empty if it has none."""
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def root_of(node: ast.expr) -> ast.expr:
    """What a chain of attributes is taken from."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def is_store(node: ast.AST) -> TypeGuard[ast.Name]:
    """Whether a node binds a name."""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)

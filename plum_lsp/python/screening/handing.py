"""Finds changes of classes and modules that a candidate hides from the reader of names.

`Box.total = f` names what it changes. In `[Box][0].total = f` the class is handed on as a value and has no name where
it is changed, and a value may take any way: an item, an argument, a loop. So a candidate may hand a class or module
of others on, or set attributes of something other than `self`, but not both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from plum_lsp.python.screening.means import OWN, SETTERS, is_changeable, words
from plum_lsp.python.screening.names import Names, is_store, name_of, root_of

ALIAS_DEPTH_MAX = 8
"""How many assignments a name is followed through. It also ends circles."""
_CHECKS = frozenset({"isinstance", "issubclass", "cast", "defaultdict"})
"""Functions that give no class back that they are given."""
_CLASSES = words("mro __mro__ __bases__ __base__ default_factory")
"""Attributes that are classes, or hold some."""
_TAKING = words("get pop values items setdefault popitem __getitem__")
"""Methods of a container that give what it holds."""


def hidden_change(inside: Sequence[ast.AST], outside: Sequence[ast.AST], names: Names) -> str:
    """Why a candidate may change a class or a module without its name. Empty if it does not.

    Args:
        inside: the nodes of the candidate.
        outside: the other nodes of the file.
        names: what names mean in the file.
    """
    methods = {node.name for node in outside if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    if any(node.attr in methods for node in inside if isinstance(node, ast.Attribute) and _is_stored_on_class(node)):
        return "it changes a method of its class"
    receivers = list(_receivers(inside, names))
    if not receivers:
        return ""
    bound = _bindings(inside)
    if any(_is_held(one, names, bound) for one in receivers):
        return "it changes an attribute of something that others use"
    modules = {one: module for one, module in names.modules.items() if one not in names.given}
    shared = {*_shared(outside), *_imported(inside)} - names.given
    if any(_handed(inside, shared | _holders(outside, shared, modules), modules)):
        return "it may change a class or a module that it hands on"
    return ""


def _receivers(inside: Sequence[ast.AST], names: Names) -> Iterator[ast.expr]:
    """Objects whose attributes are set, but for `self` and `cls` of the function itself."""
    for node in inside:
        found: ast.expr | None = None
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found = node.value
        elif isinstance(node, ast.Call) and name_of(node.func) in SETTERS:
            found = node.args[0] if node.args else node
        is_own = isinstance(found, ast.Name) and found.id in OWN and found.id not in names.bound
        if found is not None and not is_own:
            yield found


def _bindings(inside: Sequence[ast.AST]) -> dict[str, list[ast.expr]]:
    """What names are assigned, or loop over."""
    found: dict[str, list[ast.expr]] = {}
    for node in inside:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets, value = node.targets if isinstance(node, ast.Assign) else [node.target], node.value
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            targets, value = [node.target], node.iter
        else:
            continue
        for one in (part for target in targets for part in ast.walk(target)):
            if is_store(one) and value is not None:
                found.setdefault(one.id, []).append(value)
    return found


def _is_held(receiver: ast.expr, names: Names, bound: Mapping[str, list[ast.expr]], depth: int = 0) -> bool:
    """Whether it is taken out of something that is bound at the file's top. A name is followed to what it was given."""
    node = receiver
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Attribute) or node.func.attr not in _TAKING:
                return False
            node = node.func
        node = node.value
    if not isinstance(node, ast.Name) or depth > ALIAS_DEPTH_MAX:
        return False
    if node.id in {*names.local, *OWN}:
        return any(_is_held(one, names, bound, depth + 1) for one in bound.get(node.id, []))
    return node is not receiver


def _is_stored_on_class(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name) and node.value.id == "cls"


def _shared(outside: Sequence[ast.AST]) -> Iterator[str]:
    """Names of classes and modules of others, and of what was imported and may be one."""
    for node in outside:
        if isinstance(node, ast.ClassDef):
            yield node.name
    yield from _imported(outside)


def _imported(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            changeable = (one for one in node.names if node.level or is_changeable(node.module or "", one.name))
            yield from (alias.asname or alias.name for alias in changeable)


def _holders(outside: Sequence[ast.AST], shared: set[str], modules: Mapping[str, str]) -> set[str]:
    """Names that an assignment of the file gives a class or module, or a value with one in it."""
    return {
        name
        for name, values in _bindings(outside).items()
        if any(_handed([part for one in values for part in ast.walk(one)], shared, modules))
    }


def _handed(nodes: Sequence[ast.AST], shared: set[str], modules: Mapping[str, str]) -> Iterator[bool]:
    """For each node, whether it gives a class or module as a value: not called, asked about or taken a part of."""
    quiet = {id(part) for node in nodes for part in _quiet(node)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in _CLASSES:
            yield True
        elif id(node) in quiet or not isinstance(getattr(node, "ctx", None), ast.Load):
            yield False
        elif isinstance(node, ast.Attribute):
            yield getattr(root_of(node), "id", "") in shared and not _is_constant(node, modules)
        else:
            yield isinstance(node, ast.Name) and node.id in shared


def _is_constant(node: ast.Attribute, modules: Mapping[str, str]) -> bool:
    """Whether a part of a module or class is neither, by its capitals or because it is known of the library."""
    begin = getattr(root_of(node), "id", "")
    if begin in modules:
        return isinstance(node.value, ast.Name) and not is_changeable(modules[begin], node.attr)
    return node.attr.isupper() and (begin[:1].isupper() or "_" in node.attr)


def _quiet(node: ast.AST) -> Iterator[ast.AST]:
    """Parts of a node that are not handed on, though they may be a class or a module."""
    if isinstance(node, ast.Attribute):
        yield node.value
    elif isinstance(node, ast.Call):
        yield node.func
        if name_of(node.func) in _CHECKS:
            yield from (part for one in node.args for part in _parts(one))
    elif isinstance(node, ast.ExceptHandler):
        yield from _parts(node.type)
    elif isinstance(node, ast.AnnAssign | ast.arg):
        yield from _parts(node.annotation)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _parts(node.returns)
    elif isinstance(node, ast.Raise):
        yield from (one for one in (node.exc, node.cause) if one is not None)
    elif isinstance(node, ast.Compare):
        yield from (node.left, *node.comparators)
    elif isinstance(node, ast.MatchClass):
        yield node.cls
    elif isinstance(node, ast.MatchValue):
        yield node.value


def _parts(node: ast.expr | None) -> Iterator[ast.AST]:
    """A type and all its parts, if it only names them, so that no part of it is bound or called."""
    parts = list(ast.walk(node)) if node is not None else []
    if not any(isinstance(one, ast.NamedExpr | ast.Call | ast.Lambda) for one in parts):
        yield from parts

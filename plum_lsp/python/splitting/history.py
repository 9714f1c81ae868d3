"""Splits the lines before a test's question: those that the candidate must run, and those that run without it.

Calls of the function get lines of their own, so that `pair = (f(2), 7)` becomes `_call = f(2)` and `pair = (_call, 7)`:
the first line runs with the candidate, the second does not. Cases in one table (`case["in"]`, `case["out"]`) become
separate names. A name that cannot be separated is *opaque*, and no test may read it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field

from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.splitting.dataflow import Line, constant_names, lines_of, manager_of, names_in, root_of

IsCall = Callable[[ast.expr], bool]
"""Whether an expression is a call of the function."""
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
_LATER = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
"""Expressions whose parts may be evaluated later, several times or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The lines before a question, in order.

    `calls` are the places of lines that only the candidate can run. `alone` are those of them that only make one call
    of the function. `results` are names of values that calls returned, `receivers` of objects that calls were made on,
    and `given` of objects that calls got as arguments and may have changed. `told` are names of values that a receiver
    returned about itself. `opaque` are all other names that depend on a call.
    """

    lines: tuple[Line, ...]
    calls: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    results: frozenset[str] = frozenset()
    receivers: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    constants: dict[str, ast.expr] = field(default_factory=dict)

    @property
    def beside(self) -> list[Line]:
        """The lines that can be run without the candidate, as far as their names are known."""
        return [line for place, line in enumerate(self.lines) if place not in self.calls]

    @property
    def bound(self) -> frozenset[str]:
        """Every name that the lines bind."""
        return frozenset().union(*(line.binds for line in self.lines))


def history_of(
    setup: str, question: ast.expr | None, is_call: IsCall, is_mentioned: Callable[[ast.AST], bool]
) -> tuple[History, ast.expr | None] | None:
    """The history of a question, and the question in the history's names. None if the setup does not parse."""
    tree = module_or_none(setup)
    if tree is None:
        return None
    displays = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.List | ast.Tuple)
    }
    body = [part for node in tree.body for part in _unpacked(node, displays)]
    asked = ast.Expr(value=copy.deepcopy(question or ast.Constant(value=None)))
    holder = ast.Module(body=[*body, asked], type_ignores=[])
    if any("_" in names_in(node)[1] for node in body):
        holder = _Renamed().visit(holder)
    holder = _exploded(holder)
    *statements, last = holder.body
    assert isinstance(last, ast.Expr)
    separated, call_places = _separated(statements, is_call)
    return _classified(separated, call_places, is_call, is_mentioned), last.value if question is not None else None


class _Renamed(ast.NodeTransformer):
    """Gives the `_` of a session another name, because here `_` stands for the candidate's answer."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A name."""
        return ast.copy_location(ast.Name(id="_dropped", ctx=node.ctx), node) if node.id == "_" else node


def _unpacked(node: ast.stmt, displays: dict[str, ast.List | ast.Tuple]) -> Iterable[ast.stmt]:
    """`a, b = f(2), 7` and `a, b = case` as two assignments, if neither value reads the name of the other."""
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    if not isinstance(node, ast.Assign) or not isinstance(target, ast.List | ast.Tuple):
        return [node]
    value, parts = node.value, list[ast.expr]()
    if isinstance(value, ast.List | ast.Tuple):
        parts = value.elts
    elif isinstance(value, ast.Name) and value.id in displays:
        places = range(len(displays[value.id].elts))
        parts = [ast.Subscript(value=value, slice=ast.Constant(value=place), ctx=ast.Load()) for place in places]
    pairs = list(zip(target.elts, parts, strict=False)) if len(parts) == len(target.elts) else []
    is_plain = all(isinstance(one, ast.Name) and not isinstance(part, ast.Starred) for one, part in pairs)
    if not pairs or not is_plain or names_in(target)[1] & names_in(value)[0]:
        return [node]
    return [ast.Assign(targets=[one], value=part, lineno=0) for one, part in pairs]


def _exploded(holder: ast.Module) -> ast.Module:
    """Take literal tables apart: `case["in"]` becomes the value under `"in"`."""
    tables: dict[str, ast.expr] = {}
    for node in holder.body:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if (
            isinstance(node, ast.Assign)
            and isinstance(target, ast.Name)
            and isinstance(node.value, ast.Dict | ast.List | ast.Tuple)
        ):
            uses = [one for one in ast.walk(holder) if isinstance(one, ast.Name) and one.id == target.id]
            found = [_looked_up(one, {target.id: node.value}) for one in ast.walk(holder)]
            if sum(one is not None and one[0] == target.id for one in found) == len(uses) - 1:
                tables[target.id] = node.value
    names: dict[tuple[str, int], str] = {}
    body: list[ast.stmt] = []
    for node in holder.body:
        name = node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else ""
        if name in tables and isinstance(node, ast.Assign) and node.value is tables[name]:
            for place, part in enumerate(_parts_of(tables[name])):
                names[name, place] = f"_{name}_{place}"
                body.append(
                    ast.Assign(targets=[ast.Name(id=names[name, place], ctx=ast.Store())], value=part, lineno=0)
                )
        else:
            body.append(node)
    changed = _LookUps(tables, names).visit(ast.Module(body=body, type_ignores=[]))
    assert isinstance(changed, ast.Module)
    return ast.fix_missing_locations(changed)


def _parts_of(table: ast.expr) -> list[ast.expr]:
    return list(table.values if isinstance(table, ast.Dict) else table.elts)  # type: ignore[attr-defined]


def _place_in(table: ast.expr, key: ast.expr) -> int | None:
    """The place of a constant key or index in a display. None if it is unknown."""
    try:
        wanted = ast.literal_eval(key)
        if isinstance(table, ast.Dict):
            keys = [ast.literal_eval(one) for one in table.keys if one is not None]
            return keys.index(wanted) if len(keys) == len(table.keys) and wanted in keys else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    elements = _parts_of(table)
    if not isinstance(wanted, int) or any(isinstance(one, ast.Starred) for one in elements):
        return None
    return wanted % len(elements) if -len(elements) <= wanted < len(elements) else None


def _looked_up(node: ast.AST, tables: dict[str, ast.expr]) -> tuple[str, int] | None:
    """The name of a table, empty for one written in place, and the place that an expression looks up in it."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return None
    table = tables.get(node.value.id) if isinstance(node.value, ast.Name) else node.value
    if not isinstance(table, ast.Dict | ast.List | ast.Tuple):
        return None
    place = _place_in(table, node.slice)
    name = node.value.id if isinstance(node.value, ast.Name) else ""
    return (name, place) if place is not None else None


class _LookUps(ast.NodeTransformer):
    """Replaces look-ups in tables by the parts of the tables."""

    def __init__(self, tables: dict[str, ast.expr], names: dict[tuple[str, int], str]) -> None:
        self._tables, self._names = tables, names

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """A constant look-up in a table that is known."""
        self.generic_visit(node)
        found = _looked_up(node, self._tables)
        if found is None:
            return node
        if found[0]:
            return ast.Name(id=self._names[found], ctx=ast.Load())
        return _parts_of(node.value)[found[1]]


def _separated(nodes: Sequence[ast.stmt], is_call: IsCall) -> tuple[list[ast.stmt], set[int]]:
    """The statements with each call of the function on a line of its own, and the places of these lines."""
    lines: list[ast.stmt] = []
    places: set[int] = set()
    for node in nodes:
        if isinstance(node, _SIMPLE) and node.value is not None and _is_alone(node, is_call):
            places.add(len(lines))
        elif isinstance(node, (*_SIMPLE, ast.Assert)):
            hoist = _Hoist(is_call, len(lines))
            rest = hoist.visit(copy.deepcopy(node))
            for name, call in hoist.found:
                places.add(len(lines))
                if isinstance(node, ast.Assert):
                    lines.append(ast.Expr(value=call))
                    continue
                lines.append(ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=call, lineno=0))
            if isinstance(node, ast.Assert) or not isinstance(rest, ast.stmt):
                continue
            lines.append(rest)
            continue
        lines.append(node)
    return [ast.fix_missing_locations(line) for line in lines], places


def _is_alone(node: ast.stmt, is_call: IsCall) -> bool:
    """Whether a statement only calls the function and keeps its result in names."""
    if isinstance(node, ast.Expr):
        return is_call(node.value)
    if isinstance(node, ast.Assign):
        targets = [part for target in node.targets for part in getattr(target, "elts", [target])]
        return is_call(node.value) and all(isinstance(part, ast.Name) for part in targets)
    return isinstance(node, ast.AnnAssign) and node.value is not None and is_call(node.value)


class _Hoist(ast.NodeTransformer):
    """Takes the calls of the function out of a statement, outermost and first ones first."""

    def __init__(self, is_call: IsCall, place: int) -> None:
        self._is_call, self._place = is_call, place
        self.found: list[tuple[str, ast.expr]] = []

    def visit(self, node: ast.AST) -> ast.AST:
        """The node without its calls. Parts that may be evaluated later or never stay unchanged."""
        if isinstance(node, ast.expr) and self._is_call(node):
            name = f"_call{self._place}_{len(self.found)}"
            self.found.append((name, node))
            return ast.Name(id=name, ctx=ast.Load())
        if isinstance(node, _LATER):
            return node
        changed = super().visit(node)
        assert isinstance(changed, ast.AST)
        return changed


def _classified(
    nodes: Sequence[ast.stmt], places: set[int], is_call: IsCall, is_mentioned: Callable[[ast.AST], bool]
) -> History:
    """Sort the names by how they depend on calls of the function."""
    lines = lines_of(nodes)
    constants = constant_names(nodes)
    results, receivers, given, told, opaque = set[str](), set[str](), set[str](), set[str](), set[str]()
    calls: set[int] = set(places)
    for place, line in enumerate(lines):
        if place in places:
            results |= line.binds
            called_on = _receivers(line.node, is_call)
            receivers |= called_on | {name for one in lines if manager_of(one.node) in called_on for name in one.binds}
            given |= line.touches - receivers - results
        elif is_mentioned(line.node):
            calls.add(place)
            is_one_time = isinstance(line.node, _SIMPLE)
            opaque |= line.binds if not isinstance(line.node, ast.FunctionDef) else {line.node.name}
            (opaque if is_one_time else receivers).update(line.touches - line.binds)
        elif line.reads & (receivers | told | opaque):
            if line.reads & receivers and _is_chain(line.node, receivers) and not line.reads & opaque:
                told |= line.binds
            elif line.binds:
                opaque |= line.binds
            receivers |= line.touches & receivers
            calls.add(place)
        else:
            results -= line.remakes
            given -= line.remakes
            opaque -= line.remakes
            told -= line.remakes
            receivers -= line.remakes
    literal = {
        name: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for name in names_in(node)[1]
        if name in constants
    }
    return History(
        lines=tuple(lines),
        calls=frozenset(calls),
        alone=frozenset(places),
        results=frozenset(results - opaque),
        receivers=frozenset(receivers - opaque),
        given=frozenset(given - opaque - results),
        told=frozenset(told - opaque),
        opaque=frozenset(opaque),
        constants=literal if len(literal) == len(constants) else {},
    )


def _receivers(node: ast.stmt, is_call: IsCall) -> set[str]:
    """The names of objects on which a statement calls the function."""
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call) and is_call(part)]
    return {root_of(call.func) for call in calls if isinstance(call.func, ast.Attribute)} - {""}


def _is_chain(node: ast.stmt, receivers: Set[str]) -> bool:
    """Whether a statement keeps what one of the objects returns about itself: `n = s.size()`."""
    value = node.value if isinstance(node, ast.Assign) else None
    return isinstance(value, ast.Attribute | ast.Call) and root_of(value) in receivers

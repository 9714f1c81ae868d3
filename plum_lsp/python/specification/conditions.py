"""Splits a condition such as `f(1) > 5 and 3 in f(2)` into what the candidate must do and what is judged elsewhere.

Calls of the function are the candidate's business and become the call of a test; all else becomes a predicate over
what they gave, so that no object of the candidate's making takes part in a comparison and no expected value comes
near it. A condition without such a call is about what earlier lines left behind: then their names are looked at.

Not split, and None here: calls within a lambda or a condition of a comprehension, identity with anything but a
constant, a name that the call may have changed, several coroutines at once, and classes that are no plain data.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from plum_lsp.domain.verification import Call, Equals, Holds
from plum_lsp.python.reading.sources import Surface, bound_names, expression_or_none, free_names, module_or_none

_PLAIN = (int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset)
_PLAIN_NAMES = frozenset(cls.__name__ for cls in _PLAIN)
_PLAIN_ATTRIBUTES = frozenset(name for cls in _PLAIN for name in dir(cls))
"""What plain data can do is done to the value outside; any other attribute needs the object itself."""
_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__"})
_JUDGING = frozenset({"isinstance", "all", "any", "bool", "isclose", "allclose", "array_equal"})
"""Functions whose result is a verdict on their arguments."""
_DRAWS = re.compile(r"\b(?:random|shuffle|sample|choices?|randint|randrange|uniform)\b")
_UNREPEATABLE = re.compile(r"\b(?:numpy|np|secrets|uuid|urandom|time|datetime)\b")
_SEED = "import random\nrandom.seed(0)"
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A split condition: what to call, and what must come of it."""

    call: Call
    expectation: Equals | Holds


def is_condition(tree: ast.expr) -> bool:
    """Whether an expression is true or false by its nature, so that evaluating it is judging."""
    if isinstance(tree, ast.BoolOp):
        return all(is_condition(value) for value in tree.values)
    is_not = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    return is_not or isinstance(tree, ast.Compare) or (isinstance(tree, ast.Call) and _name_of(tree) in _JUDGING)


def compares(tree: ast.expr) -> bool:
    """Whether a condition's own operators compare, without any function between."""
    if isinstance(tree, ast.BoolOp):
        return any(compares(value) for value in tree.values)
    return isinstance(tree, ast.Compare) or (isinstance(tree, ast.UnaryOp) and compares(tree.operand))


def is_call(tree: ast.expr, surface: Surface) -> bool:
    """Whether an expression is a call of the function."""
    return isinstance(tree, ast.Call) and _name_of(tree) in _own(surface)


def is_called(tree: ast.expr, surface: Surface) -> bool:
    """Whether the function is called anywhere in an expression."""
    return any(isinstance(node, ast.expr) and is_call(node, surface) for node in ast.walk(tree))


def is_judged_beside(expression: str, setup: str, surface: Surface) -> bool:
    """Whether a test shows the outcome of a comparison with a result of the function: `print(f(1) == 2)`.

    In a setup only those count whose outcome is kept in a name; a loop's or a branch's own conditions do not.
    """
    tree, lines = expression_or_none(expression) if expression else None, module_or_none(setup)
    shown: list[ast.expr] = [tree] if isinstance(tree, ast.List | ast.Tuple) else []
    if isinstance(tree, ast.Call) and _name_of(tree) in {"print", "int", "str", "repr"}:
        shown = list(tree.args)
    kept = [line.value for line in (lines.body if lines is not None else []) if isinstance(line, ast.Assign)]
    parts = [part for each in [*shown, *kept] for part in [each, *getattr(each, "elts", [])]]
    return any(compares(part) and is_called(part, surface) for part in parts)


def is_operator(surface: Surface) -> bool:
    """Whether the function is one that operators call: then the comparison itself may be the call."""
    name = surface.function.name
    return name.startswith("__") and name.endswith("__") and name not in _CONSTRUCTORS


def split(
    source: str,
    setup: str,
    surface: Surface,
    *,
    is_true: bool = True,
    reach: Callable[[str], Call | None] | None = None,
) -> Condition | None:
    """The condition as a call and what must come of it; None if it cannot be split.

    Args:
        source: The condition.
        setup: The statements before it.
        surface: How the function can be reached.
        is_true: Whether the condition holds, or must not.
        reach: How a call of the function, as written, is made from outside; None if as it is written.
    """
    parts = _parts(source, setup, surface, is_single=True)
    if parts is not None and len(parts.pieces) > 1:
        parts = _parts(source, setup, surface, is_single=False)
    if parts is None or not parts.pieces or (surface.function.is_async and len(parts.pieces) > 1):
        return None
    calls = [reach(piece) if reach is not None else Call(expression=piece) for piece in parts.pieces]
    made = [call for call in calls if call is not None]
    if len(made) < len(calls):
        return None
    replayed = _replayable("\n".join(dict.fromkeys([setup, *(call.setup for call in made)])).strip(), parts, surface)
    if replayed is None:
        return None
    expressions = [call.expression for call in made]
    whole = Call(expression=expressions[0] if len(made) == 1 else f"({', '.join(expressions)})", setup=replayed)
    expected = _literal(parts.predicate) if is_true else None
    if expected is not None:
        return Condition(call=whole, expectation=Equals(expected=expected))
    predicate = ast.unparse(parts.predicate)
    return Condition(call=whole, expectation=Holds(predicate=predicate if is_true else f"not ({predicate})"))


@dataclass(slots=True, kw_only=True)
class _Parts(ast.NodeTransformer):
    """Replaces what the candidate computes by what will stand for its value, and keeps it in `pieces`."""

    own: frozenset[str]
    observed: frozenset[str]
    is_single: bool
    value: ast.expr = field(default_factory=lambda: ast.Name(id="_", ctx=ast.Load()))
    pieces: list[str] = field(default_factory=list)
    is_split: bool = True
    predicate: ast.expr = field(default_factory=lambda: ast.Constant(value=None))

    def visit(self, node: ast.AST) -> ast.AST:
        """The node as the predicate has it."""
        if isinstance(node, ast.expr) and self.is_piece(node):
            return self._stand_in(node)
        if isinstance(node, ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.DictComp):
            self.is_split = self.is_split and not self._is_inside(node)
        if isinstance(node, _COMPREHENSIONS) and self._is_inside(node):
            return self._spread(node)
        return self.generic_visit(node)

    def is_piece(self, node: ast.expr) -> bool:
        """Whether an expression is the candidate's: a call of the function, or what only its object can tell."""
        if isinstance(node, ast.Name):
            return node.id in self.observed
        if isinstance(node, ast.Await):
            return self.is_piece(node.value)
        if isinstance(node, ast.Attribute):
            return node.attr not in _PLAIN_ATTRIBUTES and self.is_piece(node.value)
        if not isinstance(node, ast.Call):
            return False
        if _name_of(node) in self.own or (isinstance(node.func, ast.Attribute) and self.is_piece(node.func)):
            return True
        is_shown = ast.unparse(node.func) in {"asyncio.run", "str", "repr"}
        return is_shown and len(node.args) == 1 and self.is_piece(node.args[0])

    def _stand_in(self, node: ast.expr) -> ast.expr:
        while isinstance(node, ast.Await) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run"):
            node = node.value if isinstance(node, ast.Await) else node.args[0]
        source, value = ast.unparse(node), copy.deepcopy(self.value)
        if not self.observed or source not in self.pieces:
            self.pieces.append(source)
        place = self.pieces.index(source) if self.observed else len(self.pieces) - 1
        return value if self.is_single else ast.Subscript(value=value, slice=ast.Constant(value=place), ctx=ast.Load())

    def _is_inside(self, node: ast.AST) -> bool:
        return any(isinstance(part, ast.expr) and self.is_piece(part) for part in ast.walk(node))

    def _spread(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> ast.expr:
        """`all(f(n) > n for n in ns)`: the calls give a list, and its items are judged one by one, by number."""
        is_simple = not any(self._is_inside(part) or part.is_async for part in node.generators)
        names = sorted({name for part in node.generators for name in bound_names(part)})
        value: ast.expr = copy.deepcopy(self.value)
        if not self.is_single:
            value = ast.Subscript(value=value, slice=ast.Constant(value=len(self.pieces)), ctx=ast.Load())
        item = ast.Subscript(value=value, slice=ast.Name(id="_at", ctx=ast.Load()), ctx=ast.Load())
        inner = _Parts(own=self.own, observed=self.observed, is_single=True, value=item)
        judged = inner.visit(node.elt)
        if not is_simple or not inner.is_split or len(inner.pieces) != 1 or not isinstance(judged, ast.expr):
            self.is_split = False
            return node
        loops = " ".join(ast.unparse(part).strip() for part in node.generators)
        self.pieces.append(f"[{inner.pieces[0]} {loops}]")
        targets = f"({', '.join(names)},)"
        loop = f"for _at, {targets} in enumerate([{targets} {loops}])"
        return ast.parse(f"[{ast.unparse(judged)} {loop}]", mode="eval").body


def _parts(source: str, setup: str, surface: Surface, *, is_single: bool) -> _Parts | None:
    """The condition taken apart; None if what it says cannot be judged on values."""
    tree = expression_or_none(source)
    if tree is None or "_" in free_names(tree):
        return None
    parts = _Parts(own=_own(surface), observed=frozenset(), is_single=is_single)
    if not is_called(tree, surface):
        parts.observed = frozenset(_bound(setup))
    if not all(_is_judged_by_value(node, parts) for node in ast.walk(tree)) or _is_told(tree, parts):
        return None
    predicate = parts.visit(tree)
    if not parts.is_split or not isinstance(predicate, ast.expr) or _mentions(predicate, parts.own):
        return None
    parts.predicate = predicate
    return parts


def _own(surface: Surface) -> frozenset[str]:
    """The names under which the function is called: a constructor under that of its class."""
    name, class_name = surface.function.name, surface.function.class_name or ""
    return frozenset({class_name.rsplit(".", 1)[-1]} if name in _CONSTRUCTORS else {name})


def _mentions(predicate: ast.expr, own: frozenset[str]) -> bool:
    """Whether a predicate still needs the function, as `map(f, ns)` does: nobody has written it there."""
    return any(isinstance(node, ast.Name | ast.Attribute) and _last(node) in own for node in ast.walk(predicate))


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _is_judged_by_value(node: ast.AST, parts: _Parts) -> bool:
    """Whether copies of the values tell the same as the values: neither identity nor foreign classes do."""
    if isinstance(node, ast.Compare) and any(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
        sides = [node.left, *node.comparators]
        is_constant = [isinstance(side, ast.Constant) and side.value in (None, True, False) for side in sides]
        return not any(parts.is_piece(side) for side in sides) or any(is_constant)
    if isinstance(node, ast.Call) and _name_of(node) == "isinstance" and len(node.args) == 2:
        return {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)} <= _PLAIN_NAMES
    return True


def _is_told(tree: ast.expr, parts: _Parts) -> bool:
    """Whether an object of the candidate's would itself say that the condition holds: `f(1).equals(2)`."""
    if isinstance(tree, ast.BoolOp):
        return any(_is_told(value, parts) for value in tree.values)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return _is_told(tree.operand, parts)
    return isinstance(tree, ast.Call) and parts.is_piece(tree) and _name_of(tree) not in parts.own | {"run"}


def _replayable(setup: str, parts: _Parts, surface: Surface) -> str | None:
    """The setup so that it gives the predicate the same values where there is no candidate; None if it cannot.

    A setup that calls the function cannot be run there, chance is made to repeat itself, and a name that the call
    may have changed is not what it was.
    """
    names = free_names(parts.predicate) & _bound(setup)
    if not names:
        return setup
    if any(re.search(rf"\b{re.escape(name)}\s*\(", setup) for name in parts.own) or _UNREPEATABLE.search(setup):
        return None
    calls = [tree for piece in parts.pieces if (tree := expression_or_none(piece)) is not None]
    given = {name for call in calls for name in free_names(call)} - _constants(setup)
    for node in ast.walk(parts.predicate):
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if any(isinstance(side, ast.Name) and side.id in given & names for side in sides):
            return None
    receivers = {free for call in calls if isinstance(call, ast.Call) for free in free_names(call.func)}
    if surface.function.class_name is not None and receivers & names:
        return None
    return f"{_SEED}\n{setup}" if _DRAWS.search(setup) and "seed(" not in setup else setup


def _literal(predicate: ast.expr) -> str | None:
    """`2` if the predicate is `_ == 2`, else None."""
    if not isinstance(predicate, ast.Compare) or len(predicate.ops) != 1:
        return None
    operator, expected = predicate.ops[0], predicate.comparators[0]
    is_value = isinstance(predicate.left, ast.Name) and predicate.left.id == "_" and isinstance(operator, ast.Eq)
    try:
        ast.literal_eval(expected)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return ast.unparse(expected) if is_value else None


def _bound(setup: str) -> set[str]:
    tree = module_or_none(setup)
    return bound_names(tree) if tree is not None else set()


def _constants(setup: str) -> set[str]:
    """The names that a setup only ever gives numbers, text and the like, which no call can change."""
    tree = module_or_none(setup)
    lines = tree.body if tree is not None else []
    constant = [line for line in lines if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant)]
    others = {name for line in lines if line not in constant for name in bound_names(line)}
    return {name for line in constant for name in bound_names(line)} - others


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")

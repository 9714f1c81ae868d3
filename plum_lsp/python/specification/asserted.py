"""Reads one assertion, pytest's or unittest's, as a call and what must come of it. Runs nothing.

Gets statements that are already in the program's names (`imported.Rewriting`). What it does not know it leaves out.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from plum_lsp.domain.verification import Call, Equals, Expectation, Raises
from plum_lsp.python.reading.sources import Surface, free_names
from plum_lsp.python.specification.conditions import is_called, split

_BINARY = {
    "assertEqual": "==",
    "assertEquals": "==",
    "assertListEqual": "==",
    "assertTupleEqual": "==",
    "assertDictEqual": "==",
    "assertSetEqual": "==",
    "assertSequenceEqual": "==",
    "assertMultiLineEqual": "==",
    "assertNotEqual": "!=",
    "assertGreater": ">",
    "assertGreaterEqual": ">=",
    "assertLess": "<",
    "assertLessEqual": "<=",
    "assertIn": "in",
    "assertNotIn": "not in",
    "assertIs": "is",
    "assertIsNot": "is not",
}
_UNARY = {
    "assertTrue": "bool({})",
    "assertFalse": "not ({})",
    "assertIsNone": "({}) is None",
    "assertIsNotNone": "({}) is not None",
}
_RAISING = frozenset({"self_assertRaises", "self_assertRaisesRegex", "raises"})
APPROXIMATE = 1e-6
"""The relative tolerance of `pytest.approx` where it states none."""
_PLACES = 7
"""Decimal places of `assertAlmostEqual` where it states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A call and what must come of it; `replayed` are statements that do to later ones what the assertion did."""

    call: Call
    expectation: Expectation
    replayed: str = ""


def is_assertion(node: ast.stmt) -> bool:
    """Whether a statement judges."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(_raising(item.context_expr) for item in node.items)
    name = _name(node.value) if isinstance(node, ast.Expr) else ""
    return isinstance(node, ast.Assert) or name.startswith("self_assert")


def read_assertion(node: ast.stmt, setup: str, surface: Surface) -> Asserted | None:
    """The assertion, or None if it cannot be split into a call and an expectation."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return _raised_within(node, setup, surface)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if _raising(call):
            return _raised_by_callable(call, setup, surface)
        condition = _condition(call)
    else:
        condition = node.test if isinstance(node, ast.Assert) else None
    return _held(condition, setup, surface) if condition is not None else None


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _raising(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node) in _RAISING and bool(node.args)


def _raised_within(node: ast.With | ast.AsyncWith, setup: str, surface: Surface) -> Asserted | None:
    """`with pytest.raises(ValueError): f(0)`; a longer body could raise anywhere."""
    (item,) = node.items if len(node.items) == 1 else (None,)
    if item is None or len(node.body) != 1 or not isinstance(item.context_expr, ast.Call):
        return None
    statement = node.body[0]
    if not isinstance(statement, ast.Expr | ast.Assign) or statement.value is None:
        return None
    return _raised(item.context_expr.args[0], statement.value, setup, surface)


def _raised_by_callable(node: ast.Call, setup: str, surface: Surface) -> Asserted | None:
    """`self.assertRaises(ValueError, f, 0)`."""
    skipped = 2 if _name(node) == "self_assertRaisesRegex" else 1
    if len(node.args) <= skipped or any(keyword.arg is None for keyword in node.keywords):
        return None
    call = ast.Call(func=node.args[skipped], args=node.args[skipped + 1 :], keywords=node.keywords)
    return _raised(node.args[0], call, setup, surface)


def _raised(kind: ast.expr, tree: ast.expr, setup: str, surface: Surface) -> Asserted | None:
    if not isinstance(kind, ast.Name | ast.Attribute):
        return None
    expression = ast.unparse(tree)
    call = Call(expression=expression, setup=setup)
    has_state = bool(free_names(tree) - surface.names)
    replayed = f"try:\n    {expression}\nexcept Exception:\n    pass" if has_state else ""
    return Asserted(call=call, expectation=Raises(type_name=_name(kind)), replayed=replayed)


def _condition(call: ast.Call) -> ast.expr | None:
    """What a method of `unittest.TestCase` asserts, as an expression."""
    method, args = _name(call).removeprefix("self_"), [ast.unparse(argument) for argument in call.args]
    if method in _BINARY and len(args) >= 2:
        return _parsed(f"({args[0]}) {_BINARY[method]} ({args[1]})")
    if method in _UNARY and args:
        return _parsed(_UNARY[method].format(args[0]))
    if method == "assertIsInstance" and len(args) >= 2:
        return _parsed(f"isinstance({args[0]}, {args[1]})")
    if method == "assertCountEqual" and len(args) >= 2:
        return _parsed(f"sorted({args[0]}) == sorted({args[1]})")
    if method == "assertAlmostEqual" and len(args) >= 2:
        named = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        places = named.get("places", args[2] if len(args) > 2 else str(_PLACES))
        if "delta" in named:
            return _parsed(f"abs(({args[0]}) - ({args[1]})) <= {named['delta']}")
        return _parsed(f"round(abs(({args[0]}) - ({args[1]})), {places}) == 0")
    return None


def _parsed(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _held(condition: ast.expr, setup: str, surface: Surface) -> Asserted | None:
    near = _near(condition, setup, surface)
    if near is not None:
        return near
    turned = _turned(condition, surface)
    found = split(ast.unparse(turned), setup, surface)
    if found is None:
        return None
    has_state = bool(free_names(turned) - surface.names)
    replayed = found.call.expression if has_state else ""
    return Asserted(call=found.call, expectation=found.expectation, replayed=replayed)


def _turned(condition: ast.expr, surface: Surface) -> ast.expr:
    """`3 == f(1)` as `f(1) == 3`."""
    if isinstance(condition, ast.Compare) and len(condition.ops) == 1 and isinstance(condition.ops[0], ast.Eq):
        left, right = condition.left, condition.comparators[0]
        if is_called(right, surface) and not is_called(left, surface):
            return ast.Compare(left=right, ops=condition.ops, comparators=[left])
    return condition


def _near(condition: ast.expr, setup: str, surface: Surface) -> Asserted | None:
    """`f(1) == pytest.approx(2.5)`."""
    if not (isinstance(condition, ast.Compare) and len(condition.ops) == 1 and isinstance(condition.ops[0], ast.Eq)):
        return None
    sides = [condition.left, condition.comparators[0]]
    wanted = next((side for side in sides if isinstance(side, ast.Call) and _name(side) == "approx"), None)
    if wanted is None or not wanted.args:
        return None
    other = sides[1 - sides.index(wanted)]
    named = {keyword.arg: ast.unparse(keyword.value) for keyword in wanted.keywords}
    if not set(named) <= {"rel"} or len(wanted.args) > 2 or not is_called(other, surface):
        return None
    relative = named.get("rel", ast.unparse(wanted.args[1]) if len(wanted.args) > 1 else str(APPROXIMATE))
    expected = f"approx({ast.unparse(wanted.args[0])}, {relative})"
    return Asserted(call=Call(expression=ast.unparse(other), setup=setup), expectation=Equals(expected=expected))

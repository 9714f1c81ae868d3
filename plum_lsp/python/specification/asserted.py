"""Reads one assertion of pytest or unittest as a call and an expectation. Pure.

The statements already use the program's names (`imported.Rewriting`). Unknown assertions are left out.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from plum_lsp.domain.verification import Call, Equals, Expectation, Raises
from plum_lsp.python.reading.sources import Surface, free_names
from plum_lsp.python.specification.conditions import asked, known_value, read_beside, split, stated

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
_PATTERNED = frozenset({"self_assertRaisesRegex"})
_RAISING = frozenset({"self_assertRaises", "self_assertRaisesRegex", "raises"})
APPROXIMATE = 1e-6
"""The relative tolerance of `pytest.approx` if it states none."""
_PLACES = 7
"""Decimal places of `assertAlmostEqual` if it states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A call and its expectation. `replayed` are statements with the same effect on later ones as the assertion."""

    call: Call
    expectation: Expectation
    replayed: str = ""


def is_assertion(node: ast.stmt) -> bool:
    """Whether a statement is an assertion."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(is_raising(item.context_expr) for item in node.items)
    name = _name(node.value) if isinstance(node, ast.Expr) else ""
    return isinstance(node, ast.Assert) or name.startswith("self_assert")


def read_assertion(node: ast.stmt, setup: str, surface: Surface) -> Asserted | None:
    """The assertion, or None if it cannot be split into a call and an expectation."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return _raised_within(node, setup, surface)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if is_raising(call):
            return _raised_by_callable(call, setup, surface)
        condition = _condition(call)
    else:
        condition = node.test if isinstance(node, ast.Assert) else None
    return _held(condition, setup, surface) if condition is not None else None


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_raising(node: ast.expr) -> bool:
    """Whether an expression states that a call raises."""
    return isinstance(node, ast.Call) and _name(node) in _RAISING and bool(node.args)


def _raised_within(node: ast.With | ast.AsyncWith, setup: str, surface: Surface) -> Asserted | None:
    """`with pytest.raises(ValueError): f(0)`. A longer body is not read, because it could raise anywhere."""
    (item,) = node.items if len(node.items) == 1 else (None,)
    if item is None or len(node.body) != 1 or not isinstance(item.context_expr, ast.Call):
        return None
    statement = node.body[0]
    if not isinstance(statement, ast.Expr | ast.Assign) or statement.value is None:
        return None
    pattern = next((one.value for one in item.context_expr.keywords if one.arg in {"match", "expected_regex"}), None)
    if _name(item.context_expr) in _PATTERNED and len(item.context_expr.args) > 1:
        pattern = item.context_expr.args[1]
    return _raised(item.context_expr.args[0], statement.value, setup, surface, pattern=pattern)


def _raised_by_callable(node: ast.Call, setup: str, surface: Surface) -> Asserted | None:
    """`self.assertRaises(ValueError, f, 0)`."""
    skipped = 2 if _name(node) in _PATTERNED else 1
    if len(node.args) <= skipped or any(keyword.arg is None for keyword in node.keywords):
        return None
    call = ast.Call(func=node.args[skipped], args=node.args[skipped + 1 :], keywords=node.keywords)
    return _raised(node.args[0], call, setup, surface, pattern=node.args[1] if skipped == 2 else None)


def _raised(
    kind: ast.expr, tree: ast.expr, setup: str, surface: Surface, *, pattern: ast.expr | None
) -> Asserted | None:
    if not isinstance(kind, ast.Name | ast.Attribute):
        return None
    stated_pattern = known_value(pattern, setup, surface) if pattern is not None else None
    text = ast.literal_eval(stated_pattern) if stated_pattern is not None else None
    if pattern is not None and not isinstance(text, str):
        return None
    expression = ast.unparse(tree)
    call = stated(expression, setup, surface)
    if call is None:
        return None
    has_state = bool(free_names(tree) - surface.names)
    replayed = f"try:\n    {expression}\nexcept Exception:\n    pass" if has_state else ""
    return Asserted(call=call, expectation=Raises(type_name=_name(kind), pattern=text), replayed=replayed)


def _condition(call: ast.Call) -> ast.expr | None:
    """The assertion of a method of `unittest.TestCase`, as an expression."""
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
    if any(isinstance(node, ast.Call) and _name(node) == "approx" for node in ast.walk(condition)):
        return None
    found = split(ast.unparse(condition), setup, surface)
    if found is None:
        return None
    has_state = bool(free_names(condition) - surface.names)
    replayed = f"assert {ast.unparse(condition)}" if has_state else ""
    return Asserted(call=found.call, expectation=found.expectation, replayed=replayed)


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
    if not set(named) <= {"rel"} or len(wanted.args) > 2:
        return None
    relative = named.get("rel", ast.unparse(wanted.args[1]) if len(wanted.args) > 1 else str(APPROXIMATE))
    expected, call = known_value(wanted.args[0], setup, surface), asked(ast.unparse(other), setup, surface)
    if expected is None or call is None:
        return None
    found = read_beside(call, Equals(expected=f"approx({expected}, {relative})"), surface)
    return Asserted(call=found[0], expectation=found[1]) if found is not None else None

"""Splits a question such as `f(1) > 5 and 3 in f(2)`: the candidate runs the calls, and the rest is judged elsewhere.

The candidate runs the calls of the function. They become the call of a test, with the earlier lines that it needs
(`history`, `dataflow`). The rest becomes a predicate over their results. It runs without the candidate, with the lines
that it needs. Therefore no object made by the candidate takes part in a comparison, no value is both requested and
expected, and the candidate never sees an expected value. A question without such a call is about the effect of earlier
lines. Then the names that depend on a call are read.

The following are not split, and the result is None: calls within a lambda or a condition of a comprehension, identity
with anything but a constant, a name that the call may have changed, several coroutines at once, classes that are no
plain data, and a name that both sides need unless the call gets it unchanged.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from plum_lsp.domain.verification import Call, Equals, Expectation, Holds
from plum_lsp.python.reading.sources import Surface, expression_or_none, module_or_none
from plum_lsp.python.splitting.dataflow import names_in, sliced
from plum_lsp.python.splitting.history import History, history_of
from plum_lsp.python.splitting.operators import is_operation
from plum_lsp.python.splitting.own import Own
from plum_lsp.python.splitting.parts import (
    JUDGING,
    Parts,
    is_answered,
    observed_names,
    reads_plainly,
    taken_apart,
)
from plum_lsp.python.splitting.placing import Question, for_candidate, placed, source_of

_DECIDING = (ast.Compare, ast.BoolOp, ast.Not, ast.IfExp, ast.BinOp, ast.If, ast.While, ast.Assert, ast.Match)
"""Nodes that decide by calling methods of objects, or that mix their results with other values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A split condition: the call and its expectation."""

    call: Call
    expectation: Equals | Holds


def is_condition(tree: ast.expr) -> bool:
    """Whether an expression always gives true or false, so that its evaluation is a judgement."""
    if isinstance(tree, ast.BoolOp):
        return all(is_condition(value) for value in tree.values)
    is_not = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    return is_not or isinstance(tree, ast.Compare) or (isinstance(tree, ast.Call) and _name_of(tree) in JUDGING)


def is_call(tree: ast.expr, surface: Surface) -> bool:
    """Whether an expression is a call of the function."""
    return Own.of(surface).is_call(tree)


def is_called(tree: ast.expr, surface: Surface) -> bool:
    """Whether the function is called anywhere in an expression."""
    return Own.of(surface).is_called(tree)


def split(
    source: str,
    setup: str,
    surface: Surface,
    *,
    is_true: bool = True,
    reach: Callable[[str], Call | None] | None = None,
) -> Condition | None:
    """The condition as a call and its expectation. None if it cannot be split.

    Args:
        source: The condition.
        setup: The statements before it.
        surface: How the function can be reached.
        is_true: Whether the condition holds, or must not.
        reach: Turns a written call of the function into one from outside. None keeps the written call.
    """
    parts = taken_apart(source, setup, surface, is_judged=True)
    question = placed(parts, reach) if parts is not None else None
    if parts is None or question is None:
        return None
    expected = _literal(parts.predicate, parts.history) if is_true else None
    if expected is not None:
        return Condition(call=question.call, expectation=Equals(expected=expected))
    predicate = question.derived if is_true else f"not ({question.derived})"
    return Condition(call=question.call, expectation=Holds(predicate=predicate, setup=question.setup))


def derived(source: str, setup: str, surface: Surface) -> Question | None:
    """The question of an expression that is not a condition. Only calls of the function run with the candidate."""
    parts = taken_apart(source, setup, surface, is_judged=False)
    return placed(parts, None) if parts is not None else None


def reads_a_result(call: Call, surface: Surface) -> bool:
    """Whether a call reads plain data out of a result of the function, which no part of the program decides.

    Objects of a class that is to be written answer for themselves, and so do those whose methods use the function.
    """
    own = Own.of(surface, f"{call.setup}\n{call.expression}")
    found = history_of(call.setup, expression_or_none(call.expression), own.is_answer, own.is_mentioned)
    if found is None or found[1] is None or surface.function.signature.startswith("class "):
        return False
    history, tree = found[0], found[1]
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    if own.is_answer(tree) or any(is_operation(node, name) for node in nodes for name in own.dependents):
        return False
    return any(reads_plainly(node, lambda value: _is_result(value, own, history)) for node in nodes)


def read_beside(call: Call, expectation: Expectation, surface: Surface) -> tuple[Call, Expectation] | None:
    """A call and its expectation, with what reads its result (`sorted(f(2))`, `f(2)[0]`) moved to the expectation.

    None if that cannot be separated. A call that asks the program's own parts, and not the function, stays as it is.
    """
    if not isinstance(expectation, Equals) or expectation.derived or call.given or not call.expression:
        return call, expectation
    if not reads_a_result(call, surface):
        return call, expectation
    if expectation.setup:
        setup = f"{call.setup}\n{expectation.setup}"
        condition = split(f"({call.expression}) == ({expectation.expected})", setup, surface)
        return (condition.call, condition.expectation) if condition is not None else None
    question = derived(call.expression, call.setup, surface)
    if question is None:
        return None
    if question.derived == "_":
        return call, expectation
    return question.call, replace(expectation, setup=question.setup, derived=question.derived)


def _is_result(node: ast.expr, own: Own, history: History) -> bool:
    """Whether an expression holds what a call of the function gave, and not only an object that it was called on."""
    return own.is_called(node) or bool(names_in(node)[0] & history.results)


def asked(source: str, setup: str, surface: Surface, *, is_truth: bool = False) -> Call | None:
    """An expression as the candidate may evaluate it whole, with the lines of the setup that it needs.

    None if it uses more than the arguments and results of the function's calls. If `is_truth`, a truth value is
    expected, and the calls themselves must give it, because any object can claim to be true.
    """
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, expression_or_none(source), own.is_answer, own.is_mentioned)
    if found is None or found[1] is None:
        return None
    history, tree = found[0], found[1]
    if is_truth and not _gives_truth(tree, own, history):
        return None
    is_foreign = not history.calls and not own.is_mentioned(tree)
    if is_foreign and not any(isinstance(node, _DECIDING) for node in ast.walk(tree)):
        return Call(expression=ast.unparse(tree), setup=source_of(for_candidate([tree], history)))
    parts = Parts(own=own, history=history, observed=observed_names(tree, history, own))
    if names_in(tree)[0] & history.opaque or not is_answered(tree, parts):
        return None
    return Call(expression=ast.unparse(tree), setup=source_of(for_candidate([tree], history)))


def stated(source: str, setup: str, surface: Surface) -> Call | None:
    """A call as it is written, with the lines of the setup that it needs. None if it depends on unknown values."""
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, expression_or_none(source), own.is_answer, own.is_mentioned)
    if found is None or found[1] is None:
        return None
    return Call(expression=ast.unparse(found[1]), setup=source_of(for_candidate([found[1]], found[0])))


def known_value(tree: ast.expr, setup: str, surface: Surface) -> str | None:
    """The literal of an expected value, or the one that its name stands for in the setup. None if there is none."""
    own = Own.of(surface)
    found = history_of(setup, tree, own.is_answer, own.is_mentioned)
    if found is None or found[1] is None:
        return None
    value = found[0].constants.get(found[1].id, found[1]) if isinstance(found[1], ast.Name) else found[1]
    return ast.unparse(value) if _is_literal(value) else None


def _is_literal(tree: ast.expr) -> bool:
    try:
        ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def acted(setup: str, surface: Surface) -> Call | None:
    """The statements that end a setup, as the candidate's call, with the lines that they need.

    None if other code than the function decides what is printed.
    """
    own = Own.of(surface, setup)
    found = history_of(setup, None, own.is_answer, own.is_mentioned)
    if found is None or not found[0].lines:
        return None
    history = found[0]
    last = history.lines[-1]
    depends = history.results | history.receivers | history.told | history.opaque | history.given
    for node in ast.walk(last.node):
        if isinstance(node, _DECIDING) and (own.is_mentioned(node) or names_in(node)[0] & (depends | last.binds)):
            return None
    bare = _Bare(own).visit(copy.deepcopy(last.node))
    loops = [node.target for node in ast.walk(last.node) if isinstance(node, ast.For | ast.AsyncFor)]
    looped = frozenset[str]().union(*(names_in(target)[1] for target in loops))
    given = frozenset[str]().union(*(names_in(argument)[0] for argument in _arguments(last.node, own)))
    if names_in(bare)[0] & (looped | (history.bound - depends)) or looped - given:
        return None
    lines = for_candidate([], history, last.reads)
    return Call(expression="", setup=source_of([*lines, *([] if lines and lines[-1] is last else [last])]))


class _Bare(ast.NodeTransformer):
    """Code without the arguments of the function's calls, and without the iterables of loops."""

    def __init__(self, own: Own) -> None:
        self._own = own

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call, without its arguments if it is one of the function."""
        if self._own.is_call(node):
            return ast.Constant(value=None)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """The value of which a part is taken."""
        node.slice = ast.Constant(value=None)
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """The body of a loop."""
        return ast.Module(body=[self.visit(inner) for inner in node.body], type_ignores=[])


def _arguments(node: ast.AST, own: Own) -> Iterator[ast.expr]:
    """The arguments of the function's calls in some code, including the iterables of nested loops."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and own.is_call(part):
            yield from (*part.args, *(keyword.value for keyword in part.keywords), part.func)
        elif isinstance(part, ast.For):
            yield part.iter


def shown_constants(source: str, surface: Surface) -> Counter[str]:
    """The texts of constants in some code that are not arguments of the function. They are printed with its answers."""
    own, tree = Own.of(surface, source), module_or_none(source)
    bare = _Bare(own).visit(tree) if tree is not None else ast.Module(body=[], type_ignores=[])
    constants = [node.value for node in ast.walk(bare) if isinstance(node, ast.Constant)]
    return Counter(str(value).strip() for value in constants if value is not None and str(value).strip())


def _gives_truth(tree: ast.expr, own: Own, history: History) -> bool:
    """Whether an expression is a call of the function or shows such calls, and no other code affects the result."""
    if isinstance(tree, ast.Call) and _name_of(tree) in {"print", "bool"}:
        return bool(tree.args) and all(_gives_truth(argument, own, history) for argument in tree.args)
    if isinstance(tree, ast.List | ast.Tuple):
        return bool(tree.elts) and all(_gives_truth(one, own, history) for one in tree.elts)
    return own.is_answer(tree) or (isinstance(tree, ast.Name) and tree.id in history.results)


def shows_answers(setup: str, surface: Surface) -> bool:
    """Whether the statement that ends a setup only shows the results of calls of the function."""
    own, tree, nothing = Own.of(surface, setup), module_or_none(setup), History(lines=())
    shown = [node for node in ast.walk(tree.body[-1]) if isinstance(node, ast.Expr)] if tree and tree.body else []
    values = [node.value.args[0] if _is_shown(node.value) else node.value for node in shown]
    return bool(values) and all(_gives_truth(value, own, nothing) for value in values)


def all_of(statement: ast.stmt) -> str | None:
    """`for x in xs: f(x) == 3*x`, which a session shows as lines of True, as one condition. None for any other."""
    if not isinstance(statement, ast.For) or statement.orelse or len(statement.body) != 1:
        return None
    inner = statement.body[0]
    if not isinstance(inner, ast.Expr):
        return None
    shown = inner.value.args[0] if isinstance(inner.value, ast.Call) and _is_print(inner.value) else inner.value
    return f"all([{ast.unparse(shown)} for {ast.unparse(statement.target)} in {ast.unparse(statement.iter)}])"


def _is_print(call: ast.Call) -> bool:
    return _name_of(call) == "print" and len(call.args) == 1 and not call.keywords


def _is_shown(node: ast.expr) -> TypeGuard[ast.Call]:
    """Whether an expression was made to show its value, as in a session."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Lambda) and len(node.args) == 1


def beside(source: str, setup: str, surface: Surface) -> str | None:
    """The lines that an expected value needs without a candidate. None if it depends on a call."""
    tree = expression_or_none(source)
    if tree is not None and not names_in(tree)[0]:
        return ""
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, tree, own.is_answer, own.is_mentioned)
    if found is None or found[1] is None or own.is_mentioned(found[1]):
        return None
    history = found[0]
    depends = history.results | history.receivers | history.told | history.opaque
    lines, seen = sliced(history.beside, names_in(found[1])[0] & history.bound)
    return None if seen & depends else source_of(lines)


def _literal(predicate: ast.expr, history: History) -> str | None:
    """`2` if the predicate is `_ == 2`, else None. A name that stands for a constant counts as that constant."""
    if not isinstance(predicate, ast.Compare) or len(predicate.ops) != 1:
        return None
    operator, sides = predicate.ops[0], [predicate.left, predicate.comparators[0]]
    others = [side for side in sides if not (isinstance(side, ast.Name) and side.id == "_")]
    is_value = len(others) == 1 and isinstance(operator, ast.Eq)
    expected = others[0] if is_value else predicate
    if isinstance(expected, ast.Name):
        expected = history.constants.get(expected.id, expected)
    return ast.unparse(expected) if is_value and _is_literal(expected) else None


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")

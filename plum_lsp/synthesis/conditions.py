"""Splits a question such as `f(1) > 5 and 3 in f(2)` into what the candidate must do and what is judged elsewhere.

Calls of the function are the candidate's business and become the call of a test, with the lines that it needs of those
before (`history`, `dataflow`). All else becomes a predicate over what they gave and runs without the candidate, its own
lines with it: so no object of the candidate's making takes part in a comparison, no value is both asked of it and
expected, and no expected value comes near it. A question without such a call is about what earlier lines left behind:
then the names that depend on a call are looked at.

Not split, and None here: calls within a lambda or a condition of a comprehension, identity with anything but a
constant, a name that the call may have changed, several coroutines at once, classes that are no plain data, and a
name that both sides need unless the call is given it as it is.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from plum_lsp.domain.verification import Call, Equals, Holds
from plum_lsp.synthesis.dataflow import Line, names_in, root_of, sliced, touched_by
from plum_lsp.synthesis.given import known_names, with_given
from plum_lsp.synthesis.history import History, history_of
from plum_lsp.synthesis.own import CONSTRUCTORS, READERS, Own
from plum_lsp.synthesis.sources import Surface, bound_names, expression_or_none, free_names, module_or_none

_PLAIN = (int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset)
_PLAIN_NAMES = frozenset(cls.__name__ for cls in _PLAIN)
_PLAIN_ATTRIBUTES = frozenset(name for cls in _PLAIN for name in dir(cls))
"""What plain data can do is done to the value outside; any other attribute needs the object itself."""
_JUDGING = frozenset({"isinstance", "all", "any", "bool", "isclose", "allclose", "array_equal"})
"""Functions whose result is a verdict on their arguments."""
_DRAWS = re.compile(r"\b(?:random|shuffle|sample|choices?|randint|randrange|uniform)\b")
_UNREPEATABLE = re.compile(r"\b(?:numpy|np|secrets|uuid|urandom|time|datetime)\b")
_SEED = "import random\nrandom.seed(0)"
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp)
_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_JUDGES = re.compile(r"assert|check|verify|expect|equal", re.IGNORECASE)
_SILENT = frozenset({"print", "repr", "str", "len"})
_DECIDING = (ast.Compare, ast.BoolOp, ast.Not, ast.IfExp, ast.BinOp, ast.If, ast.While, ast.Assert, ast.Match)
"""What decides something by asking objects, or mixes what they give with other values."""
_TRUTHS = (None, True, False)
"""What an object that says the same to everything can meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A split condition: what to call, and what must come of it."""

    call: Call
    expectation: Equals | Holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to call, and what is made of the answer elsewhere before it is looked at: `derived`, after `setup`."""

    call: Call
    derived: str = ""
    setup: str = ""


def is_condition(tree: ast.expr) -> bool:
    """Whether an expression is true or false by its nature, so that evaluating it is judging."""
    if isinstance(tree, ast.BoolOp):
        return all(is_condition(value) for value in tree.values)
    is_not = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    return is_not or isinstance(tree, ast.Compare) or (isinstance(tree, ast.Call) and _name_of(tree) in _JUDGING)


def is_call(tree: ast.expr, surface: Surface) -> bool:
    """Whether an expression is a call of the function."""
    return Own.of(surface).is_call(tree)


def is_called(tree: ast.expr, surface: Surface) -> bool:
    """Whether the function is called anywhere in an expression."""
    return Own.of(surface).is_called(tree)


def is_operator(surface: Surface) -> bool:
    """Whether the function is one that operators call: then the comparison itself may be the call."""
    name = surface.function.name
    return name.startswith("__") and name.endswith("__") and name not in CONSTRUCTORS


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
    parts = _taken_apart(source, setup, surface, is_judged=True)
    placed = _placed(parts, reach) if parts is not None else None
    if parts is None or placed is None:
        return None
    expected = _literal(parts.predicate, parts.history) if is_true else None
    if expected is not None:
        return Condition(call=placed.call, expectation=Equals(expected=expected))
    predicate = placed.derived if is_true else f"not ({placed.derived})"
    return Condition(call=placed.call, expectation=Holds(predicate=predicate, setup=placed.setup))


def derived(source: str, setup: str, surface: Surface) -> Question | None:
    """An expression that is no condition, with all that is not a call of the function left to be done elsewhere."""
    parts = _taken_apart(source, setup, surface, is_judged=False)
    return _placed(parts, None) if parts is not None else None


def asked(source: str, setup: str, surface: Surface, *, is_truth: bool = False) -> Call | None:
    """An expression as the candidate may evaluate it whole, with the lines of the setup that it needs.

    None where more goes into it than what the function's calls give and what they are given. If it `is_truth` that is
    expected, the calls themselves have to give it: any object can say yes.
    """
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, expression_or_none(source), own.is_answer, own.is_mentioned)
    if found is None or found[1] is None:
        return None
    history, tree = found[0], found[1]
    if is_truth and not _gives_truth(tree, own):
        return None
    is_foreign = not history.calls and not own.is_mentioned(tree)
    if is_foreign and not any(isinstance(node, _DECIDING) for node in ast.walk(tree)):
        return Call(expression=ast.unparse(tree), setup=source_of(_for_candidate([tree], history)))
    parts = _Parts(own=own, history=history, observed=_observed(tree, history, own))
    if names_in(tree)[0] & history.opaque or not _is_answered(tree, parts):
        return None
    return Call(expression=ast.unparse(tree), setup=source_of(_for_candidate([tree], history)))


def stated(source: str, setup: str, surface: Surface) -> Call | None:
    """A call as it is written, with the lines of the setup that it needs; None if it depends on what cannot be told."""
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, expression_or_none(source), own.is_answer, own.is_mentioned)
    if found is None or found[1] is None:
        return None
    return Call(expression=ast.unparse(found[1]), setup=source_of(_for_candidate([found[1]], found[0])))


def known_value(tree: ast.expr, setup: str, surface: Surface) -> str | None:
    """The literal that an expected value is, or that its name stands for in the setup; None if it is neither."""
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
    """The statements that end a setup as what the candidate does, with the lines that they need.

    None where anything but the function itself decides what is printed.
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
    lines = _for_candidate([], history, last.reads)
    return Call(expression="", setup=source_of([*lines, *([] if lines and lines[-1] is last else [last])]))


def _gives_truth(tree: ast.expr, own: Own) -> bool:
    """Whether an expression is a call of the function, or shows some, and nothing else has a say."""
    if isinstance(tree, ast.Call) and _name_of(tree) in {"print", "bool"}:
        return bool(tree.args) and all(_gives_truth(argument, own) for argument in tree.args)
    if isinstance(tree, ast.List | ast.Tuple):
        return bool(tree.elts) and all(_gives_truth(one, own) for one in tree.elts)
    return own.is_answer(tree)


def shows_answers(setup: str, surface: Surface) -> bool:
    """Whether the statement that ends a setup shows nothing but what calls of the function give."""
    own, tree = Own.of(surface, setup), module_or_none(setup)
    shown = [node for node in ast.walk(tree.body[-1]) if isinstance(node, ast.Expr)] if tree and tree.body else []
    values = [node.value.args[0] if _is_shown(node.value) else node.value for node in shown]
    return bool(values) and all(_gives_truth(value, own) for value in values)


def _is_shown(node: ast.expr) -> TypeGuard[ast.Call]:
    """Whether an expression was made to show its value as a session does."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Lambda) and len(node.args) == 1


def beside(source: str, setup: str, surface: Surface) -> str | None:
    """The lines that an expected value needs where there is no candidate; None if it depends on a call."""
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, expression_or_none(source), own.is_answer, own.is_mentioned)
    if found is None or found[1] is None or own.is_mentioned(found[1]):
        return None
    history = found[0]
    depends = history.results | history.receivers | history.told | history.opaque
    lines, seen = sliced(history.beside, names_in(found[1])[0] & history.bound)
    return None if seen & depends else source_of(lines)


@dataclass(slots=True, kw_only=True)
class _Parts(ast.NodeTransformer):
    """Replaces what the candidate computes by what will stand for its value, and keeps it in `pieces`."""

    own: Own
    history: History
    observed: frozenset[str]
    truths: frozenset[int] = frozenset()
    is_single: bool = True
    value: ast.expr = field(default_factory=lambda: ast.Name(id="_", ctx=ast.Load()))
    pieces: list[ast.expr] = field(default_factory=list)
    is_split: bool = True
    predicate: ast.expr = field(default_factory=lambda: ast.Constant(value=None))
    lines: list[Line] = field(default_factory=list)
    links: dict[str, ast.expr] = field(default_factory=dict)

    def visit(self, node: ast.AST) -> ast.AST:
        """The node as the predicate has it."""
        if isinstance(node, ast.expr) and self.is_piece(node):
            return self._stand_in(node)
        if isinstance(node, ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.DictComp):
            self.is_split = self.is_split and not self._is_inside(node)
        if isinstance(node, _COMPREHENSIONS) and self._is_inside(node):
            return self._spread(node)
        if isinstance(node, ast.Call):
            self.truths |= {id(node.func)}  # a method that is called out here is not asked for in there
        return self.generic_visit(node)

    def is_piece(self, node: ast.expr) -> bool:
        """Whether an expression is the candidate's: a call of the function, or what only its object can tell."""
        if self.own.is_answer(node) and not isinstance(node, ast.ListComp):
            return True
        if isinstance(node, ast.Name):
            return node.id in self.observed and not (id(node) in self.truths and node.id in self.history.told)
        if isinstance(node, ast.Await):
            return self.is_piece(node.value)
        if id(node) in self.truths:
            return False
        if isinstance(node, ast.Attribute):
            return node.attr not in _PLAIN_ATTRIBUTES and self.is_piece(node.value)
        return isinstance(node, ast.Call) and self._is_told(node)

    def _is_told(self, node: ast.Call) -> bool:
        """Whether a call is one of a method of the candidate's object; what it is given may not be what is expected."""
        is_given = bool(node.args or node.keywords)
        if isinstance(node.func, ast.Attribute) and self.is_piece(node.func):
            return not is_given or root_of(node.func) in self.history.receivers
        is_shown = ast.unparse(node.func) in {"asyncio.run", "str", "repr"}
        return is_shown and len(node.args) == 1 and self.is_piece(node.args[0])

    def place_of(self, node: ast.expr) -> int:
        """Where the value of a piece will be found; a name is asked for once, a call as often as it is made."""
        source = ast.unparse(node)
        is_repeated = isinstance(node, ast.Name | ast.Attribute) and not self.own.is_called(node)
        found = next((place for place, one in enumerate(self.pieces) if ast.unparse(one) == source), None)
        if found is None or not is_repeated:
            self.pieces.append(node)
            found = len(self.pieces) - 1
        return found

    def at(self, place: int) -> ast.expr:
        """What stands for the value of a piece."""
        value = copy.deepcopy(self.value)
        return value if self.is_single else ast.Subscript(value=value, slice=ast.Constant(value=place), ctx=ast.Load())

    def _stand_in(self, node: ast.expr) -> ast.expr:
        while isinstance(node, ast.Await) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run"):
            node = node.value if isinstance(node, ast.Await) else node.args[0]
        return self.at(self.place_of(node))

    def _is_inside(self, node: ast.AST) -> bool:
        return any(isinstance(part, ast.expr) and self.is_piece(part) for part in ast.walk(node))

    def _spread(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> ast.expr:
        """`all(f(n) > n for n in ns)`: the calls give a list, and its items are judged one by one, by number."""
        is_simple = not any(self._is_inside(part) or part.is_async for part in node.generators)
        names = sorted({name for part in node.generators for name in bound_names(part)})
        item = ast.Subscript(value=self.at(len(self.pieces)), slice=ast.Name(id="_at", ctx=ast.Load()), ctx=ast.Load())
        truths = self.truths | _truths(node.elt, self.history)
        inner = replace(self, is_single=True, value=item, pieces=[], is_split=True, truths=truths)
        judged = inner.visit(copy.deepcopy(node.elt)) if not inner.is_piece(node.elt) else inner.visit(node.elt)
        if not is_simple or not inner.is_split or len(inner.pieces) != 1 or not isinstance(judged, ast.expr):
            self.is_split = False
            return node
        loops = " ".join(ast.unparse(part).strip() for part in node.generators)
        self.pieces.append(ast.parse(f"[{ast.unparse(inner.pieces[0])} {loops}]", mode="eval").body)
        targets = f"({', '.join(names)},)"
        loop = f"for _at, {targets} in enumerate([{targets} {loops}])"
        return ast.parse(f"[{ast.unparse(judged)} {loop}]", mode="eval").body


def _taken_apart(source: str, setup: str, surface: Surface, *, is_judged: bool) -> _Parts | None:
    """The question taken apart; None if what it says cannot be judged on values."""
    asked_for = expression_or_none(source)
    if asked_for is None or "_" in free_names(asked_for):
        return None
    own = Own.of(surface, f"{setup}\n{source}")
    found = history_of(setup, asked_for, own.is_answer, own.is_mentioned)
    if found is None or found[1] is None:
        return None
    history, tree = found[0], found[1]
    for is_single in (True, False):
        changed = copy.deepcopy(tree)
        truths = _truths(changed, history) if is_judged else frozenset[int]()
        observed = _observed(tree, history, own)
        parts = _Parts(own=own, history=history, observed=observed, truths=truths, is_single=is_single)
        changeable = (history.given | touched_by(changed)) - observed - history.constants.keys()
        if not all(_is_judged_by_value(node, parts, changeable) for node in ast.walk(changed)):
            return None
        predicate = parts.visit(changed)
        if not parts.is_split or not isinstance(predicate, ast.expr) or own.is_mentioned(predicate):
            return None
        parts.predicate = predicate
        if not _has_lines(parts):
            return None
        if len(parts.pieces) <= 1:
            break
    is_one = len(parts.pieces) == 1
    return parts if parts.pieces and (is_one or not surface.function.is_async) else None


def _has_lines(parts: _Parts) -> bool:
    """Find the lines that the predicate needs where there is no candidate, and what they need of its answers."""
    history = parts.history
    names = names_in(parts.predicate)[0] & history.bound
    lines, seen = sliced(history.beside, names, stop=parts.observed)
    wanted = parts.observed & frozenset(names.union(*(line.reads for line in lines)))
    if (seen | names) & history.opaque or wanted & (history.receivers | history.told):
        return False
    parts.lines = lines
    parts.links = {name: parts.at(parts.place_of(ast.Name(id=name, ctx=ast.Load()))) for name in sorted(wanted)}
    return not any(_UNREPEATABLE.search(ast.unparse(line.node)) for line in lines)


def _observed(tree: ast.expr, history: History, own: Own) -> frozenset[str]:
    """The names that are looked at where the candidate is: those that depend on a call of the function.

    Objects that a call was given count if there is nothing else to look at: then the question is about them.
    """
    names = names_in(tree)[0]
    found = history.results | history.receivers | history.told
    if own.is_called(tree) or names & found or _depends(names, history, found):
        return found
    return found | history.given


def _depends(names: frozenset[str], history: History, found: frozenset[str]) -> bool:
    """Whether what is computed beside the candidate for these names depends on a result."""
    _, seen = sliced(history.beside, names)
    return bool(seen & found)


def _truths(tree: ast.expr, history: History) -> frozenset[int]:
    """The parts of a condition, by identity, that only say yes, no or nothing: no object may decide these itself."""
    found = [tree]
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            found += node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            found.append(node.operand)
        elif isinstance(node, ast.IfExp):
            found += [node.test, node.body, node.orelse]
        elif isinstance(node, ast.Call) and _name_of(node) in _JUDGING:
            found += node.args
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_may_be_truth(side, history) for side in sides):
                found += sides
    return frozenset(id(node) for node in found)


def _may_be_truth(side: ast.expr, history: History) -> bool:
    """Whether a side of a comparison is, or could be, True, False or None."""
    known = history.constants.get(side.id, side) if isinstance(side, ast.Name) else side
    if isinstance(known, ast.Constant):
        return any(known.value is truth for truth in _TRUTHS)
    return isinstance(known, ast.Compare | ast.BoolOp) or (
        isinstance(known, ast.UnaryOp) and isinstance(known.op, ast.Not)
    )


def _is_answered(tree: ast.expr, parts: _Parts) -> bool:
    """Whether an expression only asks for what calls give: neither operator nor foreign value decides what it shows."""
    if parts.is_piece(tree):
        return True
    if isinstance(tree, ast.List | ast.Tuple):
        return bool(tree.elts) and all(_is_answered(one, parts) for one in tree.elts)
    if isinstance(tree, ast.ListComp):
        return parts.own.is_answer(tree)
    if isinstance(tree, ast.Attribute | ast.Subscript):
        return _is_answered(tree.value, parts)
    if isinstance(tree, ast.Call):
        if isinstance(tree.func, ast.Attribute) and _is_answered(tree.func.value, parts):
            return not (tree.args or tree.keywords) or root_of(tree.func) in parts.history.receivers
        is_reader = ast.unparse(tree.func) in READERS | {"len", "sorted", "set", "dict", "sum", "type", "print"}
        return (
            is_reader
            and bool(tree.args)
            and all(_is_answered(one, parts) or isinstance(one, ast.Constant) for one in tree.args)
        )
    return False


def _is_judged_by_value(node: ast.AST, parts: _Parts, changeable: Set[str]) -> bool:
    """Whether copies of the values tell the same as the values.

    Neither identity nor foreign classes do, nor the methods of other classes than the program's, nor objects that a
    call was given and may have changed.
    """
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        names = {side.id for side in sides if isinstance(side, ast.Name)}
        if names & changeable:
            return False
        if any(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
            is_constant = [isinstance(side, ast.Constant) and side.value in _TRUTHS for side in sides]
            return not any(parts.is_piece(side) for side in sides) or any(is_constant)
    is_foreign = isinstance(node, ast.Attribute) and node.attr not in _PLAIN_ATTRIBUTES | parts.own.members
    if is_foreign and isinstance(node, ast.Attribute) and not parts.is_piece(node) and _has_piece_root(node, parts):
        return False
    if isinstance(node, ast.Attribute) and node.attr.startswith("__") and not parts.is_piece(node):
        return False
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not parts.is_piece(node):
        is_ours = node.func.attr in _PLAIN_ATTRIBUTES | parts.own.members
        if not is_ours and _has_piece_root(node.func.value, parts):
            return False
    if isinstance(node, ast.Call) and _name_of(node) == "isinstance" and len(node.args) == 2:
        return {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)} <= _PLAIN_NAMES
    return True


def _has_piece_root(node: ast.expr, parts: _Parts) -> bool:
    """Whether `a.b[0].c` begins with what the candidate computes."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call) and not parts.is_piece(node):
        node = node.func if isinstance(node, ast.Call) else node.value
    return parts.is_piece(node)


def _placed(parts: _Parts, reach: Callable[[str], Call | None] | None) -> Question | None:
    """The call with the lines that it needs, and the predicate with its own; None if one name would serve both."""
    made = [
        reach(ast.unparse(piece)) if reach is not None else Call(expression=ast.unparse(piece))
        for piece in parts.pieces
    ]
    calls = [call for call in made if call is not None]
    if len(calls) < len(made):
        return None
    lines, given = _for_candidate(parts.pieces, parts.history), None
    if reach is None and (_is_shared(lines, parts) or any(_shows_more(piece) for piece in parts.pieces)):
        names = known_names(parts.history, parts.own.program)
        pieces, history, given = with_given(parts.pieces, parts.history, parts.own, names)
        calls = [Call(expression=ast.unparse(piece)) for piece in pieces]
        lines = _for_candidate(pieces, history)
    if _is_shared(lines, parts) or (given is None and any(_shows_more(piece) for piece in parts.pieces)):
        return None
    here, there = source_of(lines), source_of(parts.lines)
    if _DRAWS.search(there) and "seed(" not in there:
        if _draws(lines) != _draws(parts.lines) or given is not None:
            return None
        here, there = f"{_SEED}\n{here}", f"{_SEED}\n{there}"
    expressions = [call.expression for call in calls]
    setup = "\n".join(dict.fromkeys(part for part in (here, *(call.setup for call in calls)) if part))
    links = [f"{name} = {ast.unparse(value)}" for name, value in parts.links.items()]
    call = Call(expression=expressions[0] if len(calls) == 1 else f"({', '.join(expressions)})", setup=setup)
    if given is not None and given.sources:
        needed = frozenset[str]().union(*(names_in(source)[0] for source in given.sources))
        before = source_of(sliced(parts.history.beside, needed & parts.history.bound)[0])
        setup = f"{given.unpacking}\n{setup}".strip("\n")
        call = replace(call, setup=setup, given=given.expression, given_setup=before)
    return Question(
        call=call,
        derived=ast.unparse(parts.predicate),
        setup="\n".join([*links, there]).strip("\n"),
    )


def _draws(lines: Sequence[Line]) -> list[ast.stmt]:
    """Those of some lines that draw by chance."""
    return [line.node for line in lines if _DRAWS.search(ast.unparse(line.node))]


def _shows_more(piece: ast.expr) -> bool:
    """Whether calls are made in a loop that also names what they do not need."""
    loops = [node for node in ast.walk(piece) if isinstance(node, ast.ListComp)]
    return any(names_in(part.target)[1] - names_in(loop.elt)[0] for loop in loops for part in loop.generators)


def source_of(lines: Sequence[Line]) -> str:
    """The text of some lines."""
    return "\n".join(ast.unparse(line.node) for line in lines)


def _for_candidate(pieces: Sequence[ast.expr], history: History, names: frozenset[str] = frozenset()) -> list[Line]:
    """The lines that calls need: what makes their names, what is done for its effect, and draws after a seed."""
    needed = names.union(*(names_in(piece)[0] for piece in pieces))
    is_seeded = any("seed(" in ast.unparse(line.node) for line in history.lines)
    always = {
        place for place in history.calls if isinstance(history.lines[place].node, ast.Expr) and place in history.alone
    }
    for place, line in enumerate(history.lines):
        if place not in history.calls and _is_effect(line, history, is_seeded=is_seeded):
            always.add(place)
    return sliced(history.lines, needed, always=always)[0]


def _is_effect(line: Line, history: History, *, is_seeded: bool) -> bool:
    """Whether a line counts for what it does: a call of the program's that judges nothing, and any draw after a seed.

    What is done to an object that the lines made counts where that object is needed.
    """
    if is_seeded and (_DRAWS.search(ast.unparse(line.node)) or "seed(" in ast.unparse(line.node)):
        return True
    value = line.node.value if isinstance(line.node, ast.Expr) else None
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name | ast.Attribute):
        return False
    is_about_lines = bool(line.reads & history.bound)
    return not is_about_lines and not _JUDGES.search(_name_of(value)) and _name_of(value) not in _SILENT


def _is_shared(lines: Sequence[Line], parts: _Parts) -> bool:
    """Whether both sides need a line that makes more than what a call is given as it is."""
    both = [line for line in lines if any(line is other for other in parts.lines)]
    shared = [line for line in both if not isinstance(line.node, _DEFINITIONS)]
    called = [line.node for line in lines if parts.own.is_mentioned(line.node)]
    given = {name for node in (*parts.pieces, *called) for name in _given_whole(node)}
    return any(not line.binds or not line.binds <= given for line in shared)


def _given_whole(node: ast.AST) -> set[str]:
    """The names that calls in some code are given as they are, or are made on."""
    found: set[str] = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            pending = [*call.args, *(keyword.value for keyword in call.keywords)]
            if isinstance(call.func, ast.Attribute):
                pending.append(call.func.value)
            while pending:
                one = pending.pop()
                if isinstance(one, ast.Name):
                    found.add(one.id)
                elif isinstance(one, ast.Starred):
                    pending.append(one.value)
                elif isinstance(one, ast.List | ast.Tuple | ast.Set):
                    pending += one.elts
    return found


def _literal(predicate: ast.expr, history: History) -> str | None:
    """`2` if the predicate is `_ == 2`, else None; a name that stands for a constant is that constant."""
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

"""Splits a question into the pieces that the candidate computes and the predicate over their values.

Pieces are calls of the function, names that depend on one, and data that only an object itself can give. An expression
that only gives True, False or None is never a piece, because any object can give these. Pure.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace

from plum_lsp.python.reading.sources import Surface, bound_names, expression_or_none, free_names
from plum_lsp.python.splitting.dataflow import Line, names_in, root_of, sliced, touched_by
from plum_lsp.python.splitting.history import History, history_of
from plum_lsp.python.splitting.own import READERS, Own

_PLAIN = (int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset)
_PLAIN_NAMES = frozenset(cls.__name__ for cls in _PLAIN)
_PLAIN_ATTRIBUTES = frozenset(name for cls in _PLAIN for name in dir(cls))
"""Attributes of plain data are read from the value outside. Any other attribute needs the object itself."""
JUDGING = frozenset({"isinstance", "all", "any", "bool", "isclose", "allclose", "array_equal"})
"""Functions whose result is a verdict on their arguments."""
PLAIN_READERS = frozenset(
    {
        *("abs", "ascii", "bin", "bool", "bytearray", "bytes", "chr", "complex", "dict", "divmod", "enumerate"),
        *("filter", "float", "format", "frozenset", "hex", "int", "len", "list", "map", "max", "min", "oct", "ord"),
        *("pow", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip", "any", "all"),
    }
)
"""Built-in functions that ask a value for its contents through methods of its class."""
_SHOWING = frozenset({"type", "print", "pprint", "pprint.pprint"})
_UNREPEATABLE = re.compile(
    r"\b(?:secrets|uuid|urandom)\b|\b(?:np|numpy)\.random|\btime\.\w+\(|\b(?:now|today|utcnow|default_rng)\("
)
"""Expressions with a different result each time."""
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp)
_TRUTHS = (None, True, False)
"""Values that an object can give for every question."""


@dataclass(slots=True, kw_only=True)
class Parts(ast.NodeTransformer):
    """Replaces the parts that the candidate computes by placeholders for their values. Keeps them in `pieces`."""

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
            self.truths |= {id(node.func)}  # the predicate calls it, so it is no piece
        return self.generic_visit(node)

    def is_piece(self, node: ast.expr) -> bool:
        """Whether an expression is a piece: a call of the function, or data that only the candidate's object has."""
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
        """Whether a call is one of a method of the candidate's object.

        Its arguments must not hold the expected value.
        """
        is_given = bool(node.args or node.keywords)
        if isinstance(node.func, ast.Attribute) and self.is_piece(node.func):
            return not is_given or root_of(node.func) in self.history.receivers
        is_run = ast.unparse(node.func) == "asyncio.run"
        return is_run and len(node.args) == 1 and self.is_piece(node.args[0])

    def place_of(self, node: ast.expr) -> int:
        """The place of a piece's value. A name is read once, and a call is read each time it is made."""
        source = ast.unparse(node)
        is_repeated = isinstance(node, ast.Name | ast.Attribute) and not self.own.is_called(node)
        found = next((place for place, one in enumerate(self.pieces) if ast.unparse(one) == source), None)
        if found is None or not is_repeated:
            self.pieces.append(node)
            found = len(self.pieces) - 1
        return found

    def at(self, place: int) -> ast.expr:
        """The placeholder for the value of a piece."""
        value = copy.deepcopy(self.value)
        return value if self.is_single else ast.Subscript(value=value, slice=ast.Constant(value=place), ctx=ast.Load())

    def _stand_in(self, node: ast.expr) -> ast.expr:
        while isinstance(node, ast.Await) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run"):
            node = node.value if isinstance(node, ast.Await) else node.args[0]
        return self.at(self.place_of(node))

    def _is_inside(self, node: ast.AST) -> bool:
        return any(isinstance(part, ast.expr) and self.is_piece(part) for part in ast.walk(node))

    def _spread(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> ast.expr:
        """`all(f(n) > n for n in ns)`: the calls give a list, and its items are judged one by one, by index.

        So are calls in a filter, as in `[n for n in ns if f(n)]`.
        """
        part = node.generators[0]
        is_filter = len(node.generators) == 1 and bool(part.ifs) and not self._is_inside(node.elt)
        is_simple = not any(self._is_inside(one.iter) or one.is_async for one in node.generators)
        is_simple = is_simple and (is_filter or not any(self._is_inside(one) for one in node.generators))
        tested = ast.BoolOp(op=ast.And(), values=part.ifs) if len(part.ifs) > 1 else [*part.ifs, node.elt][0]
        asked = copy.deepcopy(tested if is_filter else node.elt)
        names = sorted({name for one in node.generators for name in bound_names(one)})
        item = ast.Subscript(value=self.at(len(self.pieces)), slice=ast.Name(id="_at", ctx=ast.Load()), ctx=ast.Load())
        truths = self.truths | _truths(asked, self.history)
        inner = replace(self, is_single=True, value=item, pieces=[], is_split=True, truths=truths)
        judged = inner.visit(asked)
        if not is_simple or not inner.is_split or len(inner.pieces) != 1 or not isinstance(judged, ast.expr):
            self.is_split = False
            return node
        bare = ast.comprehension(target=part.target, iter=part.iter, ifs=[], is_async=0)
        loops = " ".join(ast.unparse(one).strip() for one in ([bare] if is_filter else node.generators))
        self.pieces.append(ast.parse(f"[{ast.unparse(inner.pieces[0])} {loops}]", mode="eval").body)
        targets = f"({', '.join(names)},)"
        loop = f"for _at, {targets} in enumerate([{targets} {loops}])"
        kept = (
            f"{ast.unparse(node.elt)} {loop} if {ast.unparse(judged)}" if is_filter else f"{ast.unparse(judged)} {loop}"
        )
        return ast.parse(f"{{{kept}}}" if isinstance(node, ast.SetComp) else f"[{kept}]", mode="eval").body


def taken_apart(source: str, setup: str, surface: Surface, *, is_judged: bool) -> Parts | None:
    """The question in parts. None if it cannot be judged on values."""
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
        observed = observed_names(tree, history, own)
        parts = Parts(own=own, history=history, observed=observed, truths=truths, is_single=is_single)
        changeable = (history.given | touched_by(changed)) - observed - history.constants.keys()
        if not all(_is_judged_by_value(node, parts, changeable) for node in ast.walk(changed)):
            return None
        predicate = parts.visit(changed)
        if not parts.is_split or not isinstance(predicate, ast.expr) or own.is_needed(predicate):
            return None
        parts.predicate = predicate
        if not _has_lines(parts):
            return None
        if len(parts.pieces) <= 1:
            break
    is_one = len(parts.pieces) == 1
    return parts if parts.pieces and (is_one or not surface.function.is_async) else None


def _has_lines(parts: Parts) -> bool:
    """Find the lines that the predicate needs without a candidate, and the values that they need from the candidate."""
    history = parts.history
    names = names_in(parts.predicate)[0] & history.bound
    lines, seen = sliced(history.beside, names, stop=parts.observed)
    wanted = parts.observed & frozenset(names.union(*(line.reads for line in lines)))
    if (seen | names) & history.opaque or wanted & (history.receivers | history.told):
        return False
    parts.lines = lines
    parts.links = {name: parts.at(parts.place_of(ast.Name(id=name, ctx=ast.Load()))) for name in sorted(wanted)}
    return not any(_UNREPEATABLE.search(ast.unparse(line.node)) or parts.own.is_needed(line.node) for line in lines)


def observed_names(tree: ast.expr, history: History, own: Own) -> frozenset[str]:
    """The names that are read with the candidate: those that depend on a call of the function.

    Objects that a call got as arguments count if there are no other such names. Then the question is about them.
    """
    names = names_in(tree)[0]
    found = history.results | history.receivers | history.told
    if own.is_called(tree) or names & found or _depends(names, history, found):
        return found
    return found | history.given


def _depends(names: frozenset[str], history: History, found: frozenset[str]) -> bool:
    """Whether a value computed without the candidate for these names depends on a result."""
    _, seen = sliced(history.beside, names)
    return bool(seen & found)


def _truths(tree: ast.expr, history: History) -> frozenset[int]:
    """The parts of a condition, by identity, that only give True, False or None. No object may decide these itself."""
    found = [tree]
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            found += node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            found.append(node.operand)
        elif isinstance(node, ast.IfExp):
            found += [node.test, node.body, node.orelse]
        elif isinstance(node, ast.Call) and _name_of(node) in JUDGING:
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


def is_answered(tree: ast.expr, parts: Parts) -> bool:
    """Whether an expression only asks for the results of calls.

    No operator and no other value then affects its result.
    """
    if parts.is_piece(tree):
        return True
    if isinstance(tree, ast.List | ast.Tuple):
        return bool(tree.elts) and all(is_answered(one, parts) for one in tree.elts)
    if isinstance(tree, ast.ListComp):
        return parts.own.is_answer(tree)
    if isinstance(tree, ast.Attribute | ast.Subscript):
        return is_answered(tree.value, parts)
    if isinstance(tree, ast.Call):
        if isinstance(tree.func, ast.Attribute) and is_answered(tree.func.value, parts):
            return not (tree.args or tree.keywords) or root_of(tree.func) in parts.history.receivers
        given = [*tree.args, *(keyword.value for keyword in tree.keywords)]
        is_reader = ast.unparse(tree.func) in READERS | PLAIN_READERS | _SHOWING
        return (
            is_reader
            and bool(tree.args)
            and all(is_answered(one, parts) or isinstance(one, ast.Constant) for one in given)
        )
    return False


def reads_plainly(node: ast.expr, is_result: Callable[[ast.expr], bool]) -> bool:
    """Whether an expression reads plain data out of a result: its length, an item, its order, its text.

    An object could say anything. So this is asked of a value built again from data.
    """
    if isinstance(node, ast.Subscript):
        return is_result(node.value)
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in _PLAIN_ATTRIBUTES and is_result(node.func.value)
    return ast.unparse(node.func) in PLAIN_READERS and any(map(is_result, node.args))


def _is_judged_by_value(node: ast.AST, parts: Parts, changeable: Set[str]) -> bool:
    """Whether a predicate gives the same result on copies of the values.

    It does not for identity, for classes from outside the program and their methods, and for objects that a call got
    and may have changed.
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


def _has_piece_root(node: ast.expr, parts: Parts) -> bool:
    """Whether `a.b[0].c` begins with a value that the candidate computes."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call) and not parts.is_piece(node):
        node = node.func if isinstance(node, ast.Call) else node.value
    return parts.is_piece(node)


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")

"""Makes small wrong versions of a program. A mutant that the tests do not detect shows what they do not check.

The operators are the classic ones of mutation testing (DeMillo, Lipton and Sayward, 1978; Offutt et al., 1996):
relational, arithmetic, logical and constant replacement, and statement deletion. Typical mistakes of people and models
are added: a wrong return value, swapped arguments, a lost edge case. The module makes source and runs no code.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from plum_lsp.python.reading.sources import module_or_none

_Change = tuple[str, ast.AST]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_INDENT = 4
"""The number of spaces that `ast.unparse` writes for a level."""
CHARACTERS_MAX = 20_000
"""Longer statements are not changed, because each of a hundred or more mutants would write the whole statement."""
_COMPARES: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_EDGES = ({ast.Lt, ast.LtE}, {ast.Gt, ast.GtE})
"""Pairs of comparisons that differ at the edge only."""
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_FUNCTIONS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sorted": "list",
    "reversed": "list",
    "abs": "int",
    "round": "int",
    "upper": "lower",
    "lower": "upper",
    "startswith": "endswith",
    "endswith": "startswith",
    "append": "extend",
    "floor": "ceil",
    "ceil": "floor",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "find": "rfind",
    "index": "count",
    "union": "intersection",
    "intersection": "union",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A changed program and the name of the operator that changed it."""

    operator: str
    source: str


def mutants_of(source: str, *, first_line: int, last_line: int, limit: int) -> tuple[Mutant, ...]:
    """At most `limit` distinct mutants of a program, changed only in its lines `first_line` to `last_line` (from 1).

    The operators take turns, so that a small limit still covers every kind of mistake. Empty if the program does not
    parse.
    """
    tree = module_or_none(source)
    if tree is None:
        return ()
    touched = _touched(tree, first_line, last_line)
    lines, kinds = source.split("\n"), dict[str, list[str]]()
    if not touched or sum(map(len, lines[_first_line(touched[0]) - 1 : touched[-1].end_lineno])) > CHARACTERS_MAX:
        return ()
    head, tail = lines[: _first_line(touched[0]) - 1], lines[touched[-1].end_lineno or len(lines) :]
    levels, part = _enclosed(touched)
    original = ast.unparse(part)
    for operator, change in _changed(part, first_line, last_line):
        found = kinds.setdefault(operator, [])
        if len(found) < limit and (changed := change()) != original:
            found.append("\n".join([*head, *changed.split("\n")[levels:], *tail]))
    longest = max(map(len, kinds.values()), default=0)
    turns = [
        Mutant(operator=operator, source=found[turn])
        for turn in range(longest)
        for operator, found in kinds.items()
        if turn < len(found)
    ]
    return tuple({mutant.source: mutant for mutant in turns}.values())[:limit]


def _touched(tree: ast.Module, first_line: int, last_line: int) -> list[ast.stmt]:
    """The statements with these lines, from the innermost function or class whose indentation can be written."""
    body = tree.body
    while True:
        touched = [node for node in body if _is_touched(node, first_line, last_line)]
        inner = touched[0].body if len(touched) == 1 and isinstance(touched[0], _SCOPES) else []
        is_whole = bool(inner) and _first_line(inner[0]) <= first_line and inner[0].lineno > touched[0].lineno
        if not is_whole or inner[0].col_offset % _INDENT:
            return touched
        body = inner


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _is_touched(node: ast.stmt, first_line: int, last_line: int) -> bool:
    return _first_line(node) <= last_line and (node.end_lineno or node.lineno) >= first_line


def _enclosed(body: list[ast.stmt]) -> tuple[int, ast.Module]:
    """The statements, nested in as many branches as their indentation has levels. Each branch begins with a line."""
    levels = body[0].col_offset // _INDENT
    for _ in range(levels):
        body = [ast.If(test=ast.Constant(value=True), body=body, orelse=[])]
    return levels, ast.Module(body=body, type_ignores=[])


def _changed(tree: ast.Module, first_line: int, last_line: int) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every single change: its operator and a function that writes its source.

    Writing takes time, and most changes are not used.
    """
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            nodes = value if isinstance(value, list) else [value]
            for place, node in enumerate(nodes):
                if not isinstance(node, ast.AST) or not _is_within(node, first_line, last_line):
                    continue
                if _is_docstring(parent, name, place, node):
                    continue
                for operator, new in _changes(node):
                    yield operator, partial(_replaced, tree, parent, name, place, new)


def _replaced(tree: ast.Module, parent: ast.AST, name: str, place: int, new: ast.AST) -> str:
    """The source with one node replaced. The tree is restored afterwards."""
    holder = getattr(parent, name)
    if isinstance(holder, list):
        old, holder[place] = holder[place], new
        source = ast.unparse(ast.fix_missing_locations(tree))
        holder[place] = old
        return source
    setattr(parent, name, new)
    source = ast.unparse(ast.fix_missing_locations(tree))
    setattr(parent, name, holder)
    return source


def _is_within(node: ast.AST, first_line: int, last_line: int) -> bool:
    line = getattr(node, "lineno", None)
    return line is not None and first_line <= line and (getattr(node, "end_lineno", None) or line) <= last_line


def _is_docstring(parent: ast.AST, name: str, place: int, node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or (name == "value" and isinstance(parent, ast.Expr) and isinstance(node, ast.Constant))


def _changes(node: ast.AST) -> Iterator[_Change]:
    """Every change of one node."""
    for operators in _BY_TYPE.get(type(node), ()):
        yield from operators(node)


def _compare(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.Compare)
    for place, operator in enumerate(node.ops):
        for new in _COMPARES.get(type(operator), ()):
            changed = copy.deepcopy(node)
            changed.ops[place] = new()
            yield ("off_by_one" if {type(operator), new} in _EDGES else "flip_compare"), changed


def _binary(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.BinOp)
    new = _OPERATORS.get(type(node.op))
    if new is not None:
        yield "wrong_operator", ast.BinOp(left=node.left, op=new(), right=node.right)
    if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow):
        yield "swapped_operands", ast.BinOp(left=node.right, op=node.op, right=node.left)


def _constant(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.Constant)
    if isinstance(node.value, bool):
        yield "wrong_flag", ast.Constant(value=not node.value)
    elif isinstance(node.value, int | float):
        yield "const_change", ast.Constant(value=node.value + 1)
        yield "const_change", ast.Constant(value=node.value - 1)
    elif isinstance(node.value, str) and node.value:
        yield "str_const", ast.Constant(value="")
        yield "str_const", ast.Constant(value=node.value + node.value[-1])


def _boolean(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.BoolOp)
    yield "bool_operator", ast.BoolOp(op=ast.Or() if isinstance(node.op, ast.And) else ast.And(), values=node.values)
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        yield "missing_condition", rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)


def _unary(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.UnaryOp)
    yield ("dropped_negation" if isinstance(node.op, ast.Not) else "dropped_sign"), node.operand


def _branch(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.If)
    yield "condition_true", ast.If(test=ast.Constant(value=True), body=node.body, orelse=node.orelse)
    if node.orelse:
        yield "dropped_branch", ast.If(test=node.test, body=node.body, orelse=[])
    yield (
        "missing_edge_case",
        (ast.If(test=ast.Constant(value=False), body=node.body, orelse=node.orelse) if node.orelse else ast.Pass()),
    )


def _loop(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.For)
    whole = ast.Call(func=ast.Name(id="list"), args=[node.iter], keywords=[])
    rest = ast.Subscript(value=whole, slice=ast.Slice(lower=ast.Constant(value=1)))
    front = ast.Subscript(value=whole, slice=ast.Slice(upper=ast.Constant(value=-1)))
    for part in (rest, front):
        yield "off_by_one", ast.For(target=node.target, iter=part, body=node.body, orelse=node.orelse)


def _return(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.Return)
    if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None):
        return
    yield "wrong_return", ast.Return(value=ast.Constant(value=None))
    names = [part for part in ast.walk(node.value) if isinstance(part, ast.Name | ast.Attribute | ast.BinOp)]
    for part in names[:2]:
        if part is not node.value and isinstance(getattr(part, "ctx", ast.Load()), ast.Load):
            yield "wrong_return", ast.Return(value=part)


def _call(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.Call)
    if len(node.args) > 1 and not any(isinstance(argument, ast.Starred) for argument in node.args):
        swapped = [node.args[1], node.args[0], *node.args[2:]]
        yield "swapped_args", ast.Call(func=node.func, args=swapped, keywords=node.keywords)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in _FUNCTIONS:
        changed = copy.deepcopy(node.func)
        if isinstance(changed, ast.Attribute):
            changed.attr = _FUNCTIONS[name]
        elif isinstance(changed, ast.Name):
            changed.id = _FUNCTIONS[name]
        yield "wrong_function", ast.Call(func=changed, args=node.args, keywords=node.keywords)
    if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
        yield "dropped_call", node.args[0]


def _statement(node: ast.AST) -> Iterator[_Change]:
    yield "dropped_statement", ast.Pass()


def _slice(node: ast.AST) -> Iterator[_Change]:
    assert isinstance(node, ast.Slice)
    if node.lower is not None:
        yield "off_by_one", ast.Slice(upper=node.upper, step=node.step)
    if node.upper is not None:
        yield "off_by_one", ast.Slice(lower=node.lower, step=node.step)


_BY_TYPE: dict[type[ast.AST], tuple[Callable[[ast.AST], Iterator[_Change]], ...]] = {
    ast.Compare: (_compare,),
    ast.BinOp: (_binary,),
    ast.Constant: (_constant,),
    ast.BoolOp: (_boolean,),
    ast.UnaryOp: (_unary,),
    ast.If: (_branch,),
    ast.For: (_loop,),
    ast.Return: (_return,),
    ast.Call: (_call,),
    ast.Slice: (_slice,),
    ast.Expr: (_statement,),
    ast.Assign: (_statement,),
    ast.AugAssign: (_statement,),
    ast.Break: (_statement,),
    ast.Continue: (_statement,),
}

"""Finds candidates about which agreement is no evidence: empty ones, repetitions, bodies that ignore their input. Pure.

A small model writes these often and alike, so that five equal ones are no evidence. A specification still decides: a
candidate that passes its tests is verified, however weak it looks. An empty one is never offered.

    empty                  comments, `pass`, `...`, a docstring, NotImplementedError, `return None` as a whole body
    repeated statements    at least four equal ones in a row, or a group of up to four of them
    repeated text          a dozen equal pieces in a row, as in an endless expression
    a note to fill in      a comment that the code is still to come ("insert your logic here", "TODO: implement"), and
                           below it in its block only constants, parameters, and names that were bound to such
    ignored parameters     the function has parameters and reads none of them
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from plum_lsp.domain.suggestion import Context, HoleKind, Tier, Weakness
from plum_lsp.python.fitting.static import Inserted, parse
from plum_lsp.python.reading.placeholder import is_placeholder

REPEATS_MIN = 4
"""So many equal statements in a row are no program. Written code calls `next` or `print` twice, seldom three times."""
PERIOD_MAX = 4
"""The most statements in a group that repeats."""
_ENDLESS = re.compile(r"((?=.{0,80}?[^\W\d]).{4,80}?)\1{11}", re.DOTALL)
ENDLESS_CHARACTERS = 4_000
"""The part of a text that is searched for repetition. A text repeats early, and the search takes a while."""
_LATER = re.compile(
    r"not (?:yet )?implemented|todo|your code|fill in|placeholder|implement (?:this|me|here)", re.IGNORECASE
)
_WORK = r"(?:code|logic|implementations?|solution|body|function|method|algorithm)"
_NOTE = re.compile(
    rf"{_LATER.pattern}|\b(?:fixme|tbd|xxx)\b|\bstub\b|\bdummy\b|\bmock(?:ed)? (?:result|value|implementation)"
    rf"|\b(?:insert|add|write|put|place|enter|provide|complete|implement|replace|finish)\b.{{0,40}}\b{_WORK}\b"
    rf"|\byour (?:\w+ ){{0,2}}{_WORK}\b|\b(?:rest|remainder) of (?:the |your )?{_WORK}\b"
    rf"|\b{_WORK} (?:goes|go|comes|here|will (?:go|be)|should (?:go|be)|to be|would)\b"
    r"|\bto be (?:implemented|added|done)\b|\bfor now\b|\A\W*?(?:\.\.\.|\u2026)"
    rf"|\A\W*(?:the |some |actual )?{_WORK}(?: here)?\W*\Z|\bdo (?:some)?(?:thing|stuff|work)\b"
    r"|\bnot (?:done|finished) yet\b|\bwork in progress\b|\bwip\b|\A\W*pass\W*\Z",
    re.IGNORECASE,
)
"""What a comment says in place of code."""
_EMPTY_MAKERS = frozenset({"list", "dict", "set", "tuple", "str", "int", "float", "bool", "bytes"})
_ACTING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Attribute, ast.Subscript)
"""Expressions that may do something as statements. An attribute or item may be computed."""
_RECEIVERS = frozenset({"self", "cls"})


def is_empty(text: str, context: Context) -> bool:
    """Whether the statements are placeholders only."""
    if context.block.kind is HoleKind.LINE:
        return False
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n")):
        return True
    source = f"{context.block.line_head}{text}\n"
    is_indented = source[:1].isspace()
    tree = parse(f"if 1:\n{source}" if is_indented else source)
    if isinstance(tree, str) or not tree.body:
        return False
    outer = tree.body[0]
    statements = outer.body if is_indented and isinstance(outer, ast.If) else tree.body
    is_body = context.block.kind is HoleKind.BODY
    return all(_does_nothing(statement, is_body=is_body) for statement in statements)


def _does_nothing(node: ast.stmt, *, is_body: bool) -> bool:
    if is_placeholder(node):
        return True
    match node:
        case ast.Expr(value=value) if not any(isinstance(part, _ACTING) for part in ast.walk(value)):
            return is_body
        case ast.Return(value=None | ast.Constant(value=None) | ast.Name(id="NotImplemented")):
            return is_body
        case (
            ast.Raise(exc=ast.Call(args=[ast.Constant(value=str(words)), *_]))
            | ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[ast.Constant(value=str(words))]))
        ):
            return bool(_LATER.search(words))
    return False


def weakness_of(tree: ast.Module, text: str, place: Inserted) -> Weakness | None:
    """Why agreement is no evidence about a candidate, and the best label that it can get without a specification."""
    touched = [node for node in tree.body if place.touches(node)]
    if _ENDLESS.search(" ".join(text.split())[:ENDLESS_CHARACTERS]) or any(map(_repeats, _bodies(touched, place))):
        return Weakness(reason="it repeats the same statements", tier=Tier.UNVERIFIED)
    if _is_noted(list(_bodies(touched, place)), text, place):
        return Weakness(reason="it leaves a note to fill it in", tier=Tier.UNVERIFIED)
    function = _innermost(touched, place)
    if function is None or not _ignores_input(function):
        return None
    is_constant = not any(isinstance(node, ast.Name) for part in function.body for node in ast.walk(part))
    tier = Tier.UNVERIFIED if is_constant else Tier.CHECKED
    return Weakness(reason="it uses none of the parameters", tier=tier)


def _bodies(nodes: Sequence[ast.stmt], place: Inserted) -> Iterator[list[ast.stmt]]:
    """Every list of statements that the candidate's text touches, without the statements above it."""
    stack: list[ast.AST] = list(nodes)
    yield [node for node in nodes if place.touches(node)]
    while stack:
        node = stack.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = (
                [one for one in getattr(node, name, ()) if isinstance(one, ast.AST)] if _is_block(node, name) else []
            )
            yield [one for one in inner if isinstance(one, ast.stmt) and place.touches(one)]
            stack += inner


def _is_block(node: ast.AST, name: str) -> bool:
    return isinstance(getattr(node, name, None), list)


def _repeats(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements repeat in a row, alone or in a small group."""
    if len(statements) < REPEATS_MIN:
        return False
    forms = [ast.dump(one) for one in statements]
    for period in range(1, PERIOD_MAX + 1):
        run = 0
        for place in range(period, len(forms)):
            run = run + 1 if forms[place] == forms[place - period] else 0
            if run >= period * (REPEATS_MIN - 1):
                return True
    return False


def _is_noted(blocks: Sequence[Sequence[ast.stmt]], text: str, place: Inserted) -> bool:
    """Whether a comment or a text says that code is to come, and its block has no real code below it."""
    noted = [
        place.first_line + number
        for number, line in enumerate(text.split("\n"))
        if line.lstrip().startswith("#") and _NOTE.search(line.lstrip(" \t#"))
    ]
    for node in (node for block in blocks for node in block):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))) if _NOTE.search(words):
                noted.append(node.end_lineno or node.lineno)
    return any(_is_left_open(blocks, line) for line in noted)


def _is_left_open(blocks: Sequence[Sequence[ast.stmt]], line: int) -> bool:
    """Whether the block of a line has no real code below it, or none at all if the line is its last."""
    later = [(node.lineno, block, index) for block in blocks for index, node in enumerate(block) if node.lineno > line]
    if not later:
        return all(_is_plain(node, frozenset()) for node in blocks[-1] if node.lineno <= line)
    _, block, first = max(later, key=lambda found: (-found[0], found[1][0].col_offset))
    computed = {
        node.id
        for statement in block[:first]
        if not _is_plain(statement, frozenset())
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return all(_is_plain(statement, computed) for statement in block[first:])


def _is_plain(node: ast.stmt, computed: Collection[str]) -> bool:
    """Whether a statement computes nothing and uses nothing that was."""
    match node:
        case ast.Assign(value=value) | ast.Return(value=ast.expr() as value) | ast.AnnAssign(value=ast.expr() as value):
            return _is_plain_value(value, computed)
        case ast.Return() | ast.Continue() | ast.Break():
            return True
    return is_placeholder(node)


def _is_plain_value(node: ast.expr, computed: Collection[str]) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name)):
            return name not in computed
        case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
            return all(_is_plain_value(value, computed) for value in values)
        case ast.Dict(keys=keys, values=values):
            return all(_is_plain_value(value, computed) for value in (*filter(None, keys), *values))
        case ast.UnaryOp(operand=operand):
            return isinstance(operand, ast.Constant)
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
            return name in _EMPTY_MAKERS
    return False


def _innermost(nodes: Sequence[ast.stmt], place: Inserted) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function whose body the candidate is in. None if the candidate is a definition, or outside any function."""
    found: ast.FunctionDef | ast.AsyncFunctionDef | None = None
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and _holds(inner, place):
                found = inner
    return found


def _holds(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Inserted) -> bool:
    is_above = (node.lineno, node.col_offset) < (place.first_line, place.first_column)
    return is_above and (node.end_lineno or node.lineno) >= place.first_line


def _ignores_input(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the function has parameters of its own, not marked as unused, and reads none of all."""
    given = function.args
    listed = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    names = {one.arg for one in listed}
    wanted = {name for name in names - _RECEIVERS if not name.startswith("_")}
    read = {node.id for part in function.body for node in ast.walk(part) if isinstance(node, ast.Name)}
    return bool(wanted) and read.isdisjoint(names | {"locals", "super", "vars"})

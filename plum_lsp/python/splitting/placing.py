"""Puts the lines of a test on one of two sides: with the candidate, or beside the predicate.

The candidate's side only gets the lines that its calls need, by data flow. If both sides need one line, the arguments
of the calls are computed on the other side and sent as data. If that is not possible, the test cannot be placed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.verification import Call
from plum_lsp.python.splitting.dataflow import Line, names_in, sliced
from plum_lsp.python.splitting.given import known_names, with_given
from plum_lsp.python.splitting.history import History
from plum_lsp.python.splitting.parts import Parts

_DRAWS = re.compile(r"\b(?:random|shuffle|sample|choices?|randint|randrange|uniform)\b")
_SEED = "import random\nrandom.seed(0)"
_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_JUDGES = re.compile(r"assert|check|verify|expect|equal", re.IGNORECASE)
_MET_BY_CHANCE = 10
"""Whole numbers up to this one stand in tests for so many reasons that two equal ones are no evidence."""
_SILENT = frozenset({"print", "repr", "str", "len"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The call, and the code after `setup` that derives from its answer the value to judge (`derived`)."""

    call: Call
    derived: str = ""
    setup: str = ""


def placed(parts: Parts, reach: Callable[[str], Call | None] | None) -> Question | None:
    """The call with the lines that it needs, and the predicate with its own. None if both need the same name."""
    made = [
        reach(ast.unparse(piece)) if reach is not None else Call(expression=ast.unparse(piece))
        for piece in parts.pieces
    ]
    calls = [call for call in made if call is not None]
    if len(calls) < len(made):
        return None
    pieces, history = parts.pieces, parts.history
    lines, given = for_candidate(pieces, history), None
    if reach is None and (_is_shared(lines, parts) or any(_shows_more(piece) for piece in parts.pieces)):
        names = known_names(parts.history, parts.own.program)
        pieces, history, given = with_given(parts.pieces, parts.history, parts.own, names)
        calls = [Call(expression=ast.unparse(piece)) for piece in pieces]
        lines = for_candidate(pieces, history)
    if _is_shared(lines, parts) or (given is None and any(_shows_more(piece) for piece in parts.pieces)):
        return None
    if any(_tells(lines, piece, parts) for piece in pieces):
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
    """Those of the lines that draw random values."""
    return [line.node for line in lines if _DRAWS.search(ast.unparse(line.node))]


def _shows_more(piece: ast.expr) -> bool:
    """Whether calls are made in a loop that also names values that they do not need."""
    loops = [node for node in ast.walk(piece) if isinstance(node, ast.ListComp)]
    return any(names_in(part.target)[1] - names_in(loop.elt)[0] for loop in loops for part in loop.generators)


def source_of(lines: Sequence[Line]) -> str:
    """The text of some lines."""
    return "\n".join(ast.unparse(line.node) for line in lines)


def for_candidate(pieces: Sequence[ast.expr], history: History, names: frozenset[str] = frozenset()) -> list[Line]:
    """The lines that calls need: those that make their names, those with a needed effect, and draws after a seed."""
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
    """Whether a line counts for its effect: a call of the program's that does not judge, or any draw after a seed.

    An effect on an object that the lines made counts only if that object is needed.
    """
    if is_seeded and (_DRAWS.search(ast.unparse(line.node)) or "seed(" in ast.unparse(line.node)):
        return True
    value = line.node.value if isinstance(line.node, ast.Expr) else None
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name | ast.Attribute):
        return False
    is_about_lines = bool(line.reads & history.bound)
    return not is_about_lines and not _JUDGES.search(_name_of(value)) and _name_of(value) not in _SILENT


def _is_shared(lines: Sequence[Line], parts: Parts) -> bool:
    """Whether both sides need a line that makes more than unchanged arguments of a call."""
    both = [line for line in lines if any(line is other for other in parts.lines)]
    shared = [line for line in both if not isinstance(line.node, _DEFINITIONS)]
    called = [line.node for line in lines if parts.own.is_mentioned(line.node)]
    given = {name for node in (*parts.pieces, *called) for name in _given_whole(node)}
    return any(not line.binds or not line.binds <= given for line in shared)


def _tells(lines: Sequence[Line], piece: ast.expr, parts: Parts) -> bool:
    """Whether the lines hold a value that an answer is compared with, though the call that is asked does not need it.

    Another call needs it then. `want = 42`, `f(want)`, `assert f(3) == want` would tell the answer to `f(3)`.
    """
    kept = {name for line in lines if not isinstance(line.node, _DEFINITIONS) for name in line.binds}
    compared = {ast.dump(node) for node in ast.walk(parts.predicate) if isinstance(node, ast.expr)}
    constants = parts.history.constants
    names = {name for line in parts.lines for name in line.binds if name not in constants} | {
        name for name, value in constants.items() if _is_telling(value) and _is_named(name, value, parts, compared)
    }
    return bool(kept & names - sliced(parts.history.lines, names_in(piece)[0])[1])


def _is_named(name: str, value: ast.expr, parts: Parts, compared: set[str]) -> bool:
    """Whether the predicate uses a constant, by its name or by its value."""
    return ast.dump(value) in compared or any(name in line.binds for line in parts.lines)


def _is_telling(value: ast.expr) -> bool:
    """Whether a constant is evidence. A value that often occurs by chance is not."""
    try:
        said = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return True
    if isinstance(said, str | bytes):
        return len(said) > 1
    return not isinstance(said, bool | int | None) or abs(said or 0) > _MET_BY_CHANCE


def _given_whole(node: ast.AST) -> set[str]:
    """The names that calls in some code get unchanged as arguments, or on which they are made."""
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


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")

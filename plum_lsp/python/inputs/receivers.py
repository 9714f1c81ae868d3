"""Makes objects to call a method on: new ones, and ones whose state the other methods of the class have changed.

A lookup method finds no data in an empty object. So the calls make the object, call two or three other methods with
simple arguments (failures are ignored), and then call the method at the hole. The module itself runs no code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import Call
from plum_lsp.python.inputs.pools import interleaved
from plum_lsp.python.inputs.varied import near_calls
from plum_lsp.python.reading.sources import Surface, class_body, module_or_none

STEPS_MAX = 3
"""The most calls that change the state of an object."""
RECEIVERS_MAX = 8
MAKERS_MAX = 4
NEAR_MAX = 2
"""The most objects made like one that the text shows or that was made first, but with another literal argument."""
_NAME = "it"
_Values = Callable[[ast.arg, ast.expr | None], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """The statements that make an object, and the expression that names it."""

    setup: str
    name: str


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter of a method. `label` is the text before the value of a keyword-only parameter."""

    argument: ast.arg
    default: ast.expr | None
    label: str = ""


def receivers_of(context: Context, surface: Surface, values: _Values) -> list[Receiver]:
    """Objects of the method's class, simple ones first. Empty if there is no known way to make one.

    `values` gives the values to try for a parameter and its default.
    """
    own = surface.function.class_name
    if own is None:
        return []
    body = class_of(f"{context.before}pass{context.after}", own) or class_of(context.before + "pass", own)
    makers = list(dict.fromkeys(_makers(surface, body, own, values)))[:MAKERS_MAX]
    makers += [near for near in _near(makers[:2], own) if near not in makers]
    if not makers:
        return []
    plain = [Receiver(setup=f"{_NAME} = {maker}", name=_NAME) for maker in makers]
    if body is None:
        return plain
    others = [one for one in _methods(body) if one.name != surface.function.name and _is_open(one)]
    staged = [
        Receiver(setup=f"{_NAME} = {makers[turn % len(makers)]}\n{steps}", name=_NAME)
        for turn, steps in enumerate(_steps(others, values))
    ]
    return interleaved([staged, plain])[:RECEIVERS_MAX]


def class_of(program: str, name: str) -> ast.ClassDef | None:
    """The class in the program, or None if its text does not parse."""
    text = class_body(program, name)
    depth = len(text) - len(text.lstrip())
    tree = module_or_none("\n".join(line[depth:] if not line[:depth].strip() else line for line in text.split("\n")))
    found = tree.body[0] if tree is not None and tree.body else None
    return found if isinstance(found, ast.ClassDef) else None


def made_with(body: ast.ClassDef, values: _Values) -> list[str]:
    """Rows of arguments for the constructor of a class, as source. Empty if there are no values for a parameter."""
    init = next((one for one in _methods(body) if one.name == "__init__"), None)
    fields = _fields(body)
    if init is None and not fields:
        return [""] if not body.bases else []
    parameters = _parameters(init) if init is not None else fields
    return _rows([one for one in parameters if one.default is None], values, 4)


def _makers(surface: Surface, body: ast.ClassDef | None, own: str, values: _Values) -> list[str]:
    """Expressions that make an object: those of the docstrings, then without arguments, then with generated ones."""
    shown = [statement.split("=", 1)[1].strip() for statement in surface.receivers.values()]
    bare = [surface.construct] if surface.construct is not None else []
    made = [f"{own}({row})" for row in made_with(body, values)] if body is not None else []
    return [*shown, *bare, *made]


def _near(makers: Sequence[str], own: str) -> list[str]:
    """The first ways to make an object with one literal argument changed. An object of one item tells little."""
    return [call.expression for call in near_calls([Call(expression=one) for one in makers], own, NEAR_MAX)]


def _steps(others: Sequence[ast.FunctionDef], values: _Values) -> list[str]:
    """Sequences of calls of other methods. A call that fails is ignored."""
    calls = {one.name: _rows(_parameters(one), values, 3) for one in others}
    names = sorted((name for name, rows in calls.items() if rows), key=_changes_little)
    found = []
    for turn in range(4):
        chosen = [names[(turn + place) % len(names)] for place in range(min(STEPS_MAX, len(names)))] if names else []
        lines = [_guarded(f"{_NAME}.{name}({calls[name][turn % len(calls[name])]})") for name in dict.fromkeys(chosen)]
        if len(chosen) == 1:
            lines += [_guarded(f"{_NAME}.{name}({row})") for name in chosen for row in calls[name][:turn]]
        if lines:
            found.append("\n".join(lines))
    return list(dict.fromkeys(found))


def _guarded(call: str) -> str:
    return f"try: {call}\nexcept Exception: pass"


def _changes_little(name: str) -> int:
    """Sort key: methods whose names suggest a change of state come first."""
    verbs = ("add", "set", "insert", "push", "create", "register", "put", "append", "update", "load", "book", "deposit")
    return 0 if name.lower().startswith(verbs) else 1


def _methods(body: ast.ClassDef) -> list[ast.FunctionDef]:
    return [item for item in body.body if isinstance(item, ast.FunctionDef)]


def _fields(body: ast.ClassDef) -> list[_Parameter]:
    """The annotated attributes of a class with their defaults, in the order in which a dataclass takes them."""
    return [
        _Parameter(ast.arg(arg=item.target.id, annotation=item.annotation), item.value)
        for item in body.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]


def _is_open(method: ast.FunctionDef) -> bool:
    return not method.name.startswith("_") and not method.decorator_list


def _parameters(method: ast.FunctionDef) -> list[_Parameter]:
    """Parameters without `self`, each with its default. Keyword-only parameters come last."""
    arguments = method.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    placed = list(zip(positional, [*padding, *arguments.defaults], strict=True))[1:]
    return [
        *(_Parameter(argument, default) for argument, default in placed),
        *(
            _Parameter(*pair, f"{pair[0].arg}=")
            for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ),
    ]


def _rows(parameters: Sequence[_Parameter], values: _Values, count: int) -> list[str]:
    """Rows of arguments. Empty if there are no values for a parameter."""
    pools = [[one.label + value for value in values(one.argument, one.default)] for one in parameters]
    if any(not pool for pool in pools):
        return []
    return list(
        dict.fromkeys(
            ", ".join(pool[(turn + place) % len(pool)] for place, pool in enumerate(pools)) for turn in range(count)
        )
    )

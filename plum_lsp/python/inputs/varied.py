"""Varies calls that people wrote: reads their literal arguments, and makes the same calls with one argument changed.

It works on source and runs no code.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from plum_lsp.domain.suggestion import FunctionSymbol
from plum_lsp.domain.verification import Call
from plum_lsp.python.inputs.mutations import neighbours
from plum_lsp.python.inputs.pools import interleaved
from plum_lsp.python.reading.sources import expression_or_none, free_names, module_or_none

NEAR_MAX = 16
"""The most calls made from one example."""
SPOTS_MAX = 64
"""The most calls of a setup, and arguments of a call, that are considered for a change."""
_Swap: TypeAlias = "tuple[Any, int | str, str]"
"""The container of an argument, the argument's place in it, and the source of the new value."""


def shown_arguments(expressions: list[str], function: FunctionSymbol) -> list[Mapping[str, str]]:
    """The literal arguments of each example's call, by place ("0", "1", …) or keyword."""
    return [found for expression in expressions for found in _arguments_in(expression, function.name)]


@lru_cache(maxsize=1024)
def _arguments_in(expression: str, name: str) -> tuple[Mapping[str, str], ...]:
    """The literal arguments of each call of `name` in an expression."""
    tree = expression_or_none(expression)
    found: list[Mapping[str, str]] = []
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and _called(node) == name:
            named = {str(place): argument for place, argument in enumerate(node.args)}
            named |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            found.append({key: ast.unparse(value) for key, value in named.items() if not free_names(value)})
    return tuple(found)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def near_calls(shown: Sequence[Call], name: str, each: int = NEAR_MAX) -> list[Call]:
    """The calls of the examples with one argument changed, at most `each` per example. The examples take turns."""
    turns = [_changed(call, name, each) for call in shown]
    return [turn[place] for place in range(each) for turn in turns if place < len(turn)]


def _changed(call: Call, name: str, limit: int) -> list[Call]:
    """`call` with one literal argument changed: first in the call of `name`, then in the calls of its setup."""
    expression, setup = expression_or_none(call.expression), module_or_none(call.setup)
    if expression is None or setup is None:
        return []
    own = interleaved([_swaps(node) for node in _calls_in(expression) if _called(node) == name])[:limit]
    before = interleaved([_swaps(node) for node in _calls_in(setup)])[: limit - len(own)]
    return [
        *(Call(expression=_swapped(expression, swap), setup=call.setup) for swap in own),
        *(Call(expression=call.expression, setup=_swapped(setup, swap)) for swap in before),
    ]


def _calls_in(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)][:SPOTS_MAX]


def _swaps(node: ast.Call) -> list[_Swap]:
    """All replacements of a literal argument of `node` by one of its neighbours. The arguments take turns."""
    spots: list[tuple[Any, int | str]] = [(node.args, place) for place in range(len(node.args))]
    spots += [(vars(keyword), "value") for keyword in node.keywords]
    return interleaved(
        [
            [(holder, place, near) for near in neighbours(ast.unparse(holder[place]))]
            for holder, place in spots[:SPOTS_MAX]
        ]
    )


def _swapped(tree: ast.AST, swap: _Swap) -> str:
    """The source of `tree` with one argument replaced. The tree itself does not change."""
    holder, place, near = swap
    argument, holder[place] = holder[place], ast.parse(near, mode="eval").body
    source = ast.unparse(tree)
    holder[place] = argument
    return source

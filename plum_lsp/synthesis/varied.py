"""Calls that people wrote, read and varied: their literal arguments, and the same calls with one argument changed.

Works on source; runs nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from plum_lsp.domain.suggestion import FunctionSymbol
from plum_lsp.domain.verification import Call
from plum_lsp.synthesis.mutations import neighbours
from plum_lsp.synthesis.pools import interleaved
from plum_lsp.synthesis.sources import expression_or_none, free_names, module_or_none

NEAR_MAX = 16
"""The most calls made out of one example."""


def shown_arguments(expressions: list[str], function: FunctionSymbol) -> list[dict[str, str]]:
    """The literal arguments of each example's call, by place ("0", "1", …) or keyword."""
    found: list[dict[str, str]] = []
    for expression in expressions:
        tree = expression_or_none(expression)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Call) and _called(node) == function.name:
                named = {str(place): argument for place, argument in enumerate(node.args)}
                named |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
                found.append({key: ast.unparse(value) for key, value in named.items() if not free_names(value)})
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def near_calls(shown: Sequence[Call], name: str, each: int = NEAR_MAX) -> list[Call]:
    """The calls of the examples with one argument changed, `each` at most; the examples take turns."""
    turns = [_changed(call, name) for call in shown]
    return [turn[place] for place in range(each) for turn in turns if place < len(turn)]


def _changed(call: Call, name: str) -> list[Call]:
    """`call` with one literal argument changed, of the function `name` first, then of the calls in its setup."""
    expression, setup = expression_or_none(call.expression), module_or_none(call.setup)
    if expression is None or setup is None:
        return []
    own = [_swapped(node, expression) for node in _calls_in(expression) if _called(node) == name]
    before = [_swapped(node, setup) for node in _calls_in(setup)]
    return [
        *(Call(expression=text, setup=call.setup) for text in interleaved(own)),
        *(Call(expression=call.expression, setup=text) for text in interleaved(before)),
    ]


def _calls_in(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _swapped(node: ast.Call, tree: ast.AST) -> list[str]:
    """The source of `tree` with each literal argument of `node` exchanged for each of its neighbours, in turns."""
    spots: list[tuple[Any, int | str]] = [(node.args, place) for place in range(len(node.args))]
    spots += [(vars(keyword), "value") for keyword in node.keywords]
    return interleaved([_unparsed_with(tree, holder, place) for holder, place in spots])


def _unparsed_with(tree: ast.AST, holder: Any, place: int | str) -> list[str]:
    """The source of `tree` with each neighbour of `holder[place]`, a node of it; the tree is left as it was."""
    argument, found = holder[place], []
    for near in neighbours(ast.unparse(argument)):
        holder[place] = ast.parse(near, mode="eval").body
        found.append(ast.unparse(tree))
    holder[place] = argument
    return found

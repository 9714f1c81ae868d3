"""A property that words, names and annotations promise of a function, and the calls that it is about. It runs no code.

`finding` reads contracts, `probes` makes calls that show some of them, and `checks` judges results.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from plum_lsp.domain.verification import Call, Value
from plum_lsp.python.contracts import values
from plum_lsp.python.contracts.words import ContractKind
from plum_lsp.python.reading.sources import expression_or_none

CALL_CHARACTERS_MAX = 4_000
"""Longer calls are not read. Shorter calls show the same properties."""
_PROBED = frozenset({ContractKind.IDEMPOTENT, ContractKind.INVERSE, ContractKind.UNCHANGED})
_WRAPPERS = frozenset({"list", "tuple"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One promise about the function. `quote` is the text that it was read from.

    `detail` depends on the kind: an annotation, a literal, an exception, "max" or "min", or the name of the inverse
    function. `subject` is the condition of the promise, if any, with the parameter of that condition.
    """

    kind: ContractKind
    quote: str
    function: str
    parameters: tuple[str, ...]
    detail: str = ""
    subject: str = ""

    @property
    def is_probed(self) -> bool:
        """Whether only a separate call (`probes_of`) shows if the contract holds."""
        return self.kind in _PROBED


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The function's call inside a call: its arguments by parameter, in order, and whether `list(...)` is around it."""

    tree: ast.Call
    arguments: dict[str, Value]
    is_wrapped: bool


def given_in(call: Call, contract: Contract) -> Given | None:
    """The function's call, if the expression holds only it (and perhaps `list(...)`) and its arguments are literals."""
    if len(call.expression) > CALL_CHARACTERS_MAX:
        return None
    return _read_call(call.expression, contract.function, contract.parameters)


@lru_cache(maxsize=512)
def _read_call(expression: str, function: str, parameters: tuple[str, ...]) -> Given | None:
    """Read one call. Cached, because all candidates of a group are judged on the same calls."""
    tree = expression_or_none(expression)
    is_wrapped = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in _WRAPPERS
    if is_wrapped and isinstance(tree, ast.Call) and len(tree.args) == 1 and tree.func.id != function:  # type: ignore[attr-defined]
        tree = tree.args[0]
    else:
        is_wrapped = False
    if not isinstance(tree, ast.Call) or _name_of(tree) != function:
        return None
    named = [(keyword.arg or "", keyword.value) for keyword in tree.keywords]
    positional = [
        (parameters[place] if place < len(parameters) else str(place), argument)
        for place, argument in enumerate(tree.args)
    ]
    try:
        arguments = {name: values.of_literal(argument) for name, argument in (*positional, *named)}
    except ValueError:
        return None
    return Given(tree=tree, arguments=arguments, is_wrapped=is_wrapped)


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")

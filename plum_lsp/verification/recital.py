"""Detects candidates that recite the examples: they compare with the examples' arguments and return their results.
Pure.

`{3: 6, 0: 1}.get(n, 1)` passes every example of a factorial but does not compute it. The module reads literals only. It
does not see a result that is composed at run time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from plum_lsp.domain.verification import Equals, TestCase
from plum_lsp.python.reading.sources import expression_or_none, statements_or_none

SHARE_MIN = 0.5
"""At least this share of a reciter's telling literals come from the examples. Of a table of all weekdays, only few
do."""
CHARACTERS_MAX = 1_000
"""Longer literals are not compared."""
_PLAIN = frozenset({"0", "1", "-1", "2", "True", "False", "None", "''", "[]", "{}", "()", "0.0", "1.0", "..."})
"""Literals that are common in all programs."""
_LITERALS = (ast.Constant, ast.UnaryOp, ast.List, ast.Tuple, ast.Set, ast.Dict)


def recites(text: str, tests: Sequence[TestCase], parameters: Sequence[str] = ()) -> bool:
    """Whether the candidate names every telling result of the examples, and compares with their arguments.

    The arguments of one of several examples may be missing, because its result may be the candidate's default. A
    candidate that reads none of the `parameters` recites, even without a comparison.
    """
    tree = _statements(text)
    if tree is not None and parameters and _read_names(tree).isdisjoint(parameters):
        return True
    shown = [found for test in tests if (found := _shown(test)) is not None]
    telling = [one for one in shown if one.result not in _PLAIN]
    if tree is None or not telling:
        return False
    own, asked, particular = set(_literals(tree)), _asked_for(tree), _constants(tree)
    is_named = all(one.result in own for one in telling)
    known = sum(one.given <= asked for one in telling)
    told = particular & {constant for one in shown for constant in one.constants}
    return is_named and known >= max(1, len(telling) - 1) and len(told) >= SHARE_MIN * len(particular)


def is_constant(text: str) -> bool:
    """Whether the candidate reads no name at all, so that its result does not depend on its arguments."""
    tree = _statements(text)
    return tree is not None and not _read_names(tree)


def ignores(text: str, parameters: Sequence[str]) -> bool:
    """Whether the candidate leaves a parameter unread. `self`, `cls` and names with `_` in front may be unread."""
    tree = _statements(text)
    asked = {one for one in parameters if one not in {"self", "cls"} and not one.startswith("_")}
    return tree is not None and not asked <= _read_names(tree)


@lru_cache(maxsize=64)
def _statements(text: str) -> ast.Module | None:
    """The tree of a candidate, to be read only. Cached, because each candidate is asked about several times."""
    return statements_or_none(text)


def _read_names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The literal arguments and the result of an example, as source, and the constants in them."""

    given: frozenset[str]
    result: str
    constants: frozenset[str]


@lru_cache(maxsize=256)
def _shown(test: TestCase) -> _Shown | None:
    """The literals of an example. None if its result is not a literal, or none of its arguments is.

    Cached, because every candidate is compared with every example.
    """
    if not isinstance(test.expectation, Equals):
        return None
    result, call = expression_or_none(test.expectation.expected), expression_or_none(test.call.expression)
    if result is None or call is None or not _is_literal(result):
        return None
    calls = [node for node in ast.walk(call) if isinstance(node, ast.Call)]
    arguments = [argument for node in calls for argument in (*node.args, *(one.value for one in node.keywords))]
    given = [argument for argument in arguments if _is_literal(argument)]
    if not given:
        return None
    return _Shown(
        given=frozenset(map(ast.unparse, given)),
        result=ast.unparse(result),
        constants=frozenset(_constants(result) | _constants(call)),
    )


def _asked_for(tree: ast.AST) -> set[str]:
    """The literals that the candidate compares with a value, or looks up."""
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In):
            found += [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            found += [key for key in node.keys if key is not None]
        elif isinstance(node, ast.MatchValue):
            found.append(node.value)
    return {literal for node in found if _is_literal(node) for literal in _literals(node)}


def _literals(tree: ast.AST) -> Iterator[str]:
    """The literals of a tree as source, with the literals inside them."""
    for node in ast.walk(tree):
        if isinstance(node, _LITERALS) and _is_literal(node):
            source = ast.unparse(node)
            if len(source) <= CHARACTERS_MAX:
                yield source


def _is_literal(node: ast.AST) -> bool:
    return all(isinstance(part, _LITERALS) for part in ast.walk(node) if isinstance(part, ast.expr))


def _constants(tree: ast.AST) -> set[str]:
    """The constants of a tree, without those that are common in all programs."""
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Constant)} - _PLAIN

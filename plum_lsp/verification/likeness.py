"""Measures how similar two candidates are as texts: equal except for names, or a few tokens apart. Pure."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Set
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from plum_lsp.python.reading.sources import statements_or_none

Grams: TypeAlias = "Counter[tuple[str, str]]"
FORMS_KEPT = 256
"""The size of the cache. A group is weighed several times: with and without a doubted example, and without reciters."""
_ROUNDS_MAX = 4
"""The most rounds of removal. A value that only dead code reads is dead too. Longer chains of dead code stay."""
_ACTING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
"""Expressions that may have an effect besides their value."""
_TOKENS = re.compile(r"\w+|[^\w\s]")


@lru_cache(maxsize=FORMS_KEPT)
def form_of(text: str) -> str:
    """The candidate's code with its local names numbered in order and without layout and comments.

    Copies without other differences have the same form, and one voice. Text that does not parse as statements stays
    unchanged.
    """
    tree = statements_or_none(text)
    if tree is None:
        return text
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in bound:
            node.id = names.setdefault(node.id, f"v{len(names)}")
        elif isinstance(node, ast.arg):
            node.arg = names.setdefault(node.arg, f"v{len(names)}")
    return ast.unparse(tree)


def core_of(text: str) -> str:
    """The candidate's form without dead code: constants, `pass`, branches never taken, values never read."""
    tree = statements_or_none(text)
    if tree is None:
        return text
    for _ in range(_ROUNDS_MAX):
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        if not _pruned(tree, read):
            break
    return form_of(ast.unparse(tree).partition("\n")[2])


def _pruned(tree: ast.AST, read: Set[str]) -> bool:
    """Remove the statements without effect from the tree, and return whether there were any."""
    is_changed = False
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            body = getattr(node, name, None)
            if not isinstance(body, list):
                continue
            kept = [statement for statement in body if not _does_nothing(statement, read)]
            if len(kept) < len(body) and (kept or name == "orelse"):
                setattr(node, name, kept)
                is_changed = True
    return is_changed


def _does_nothing(node: ast.stmt, read: Set[str]) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Constant(value=value), orelse=[]) | ast.While(test=ast.Constant(value=value), orelse=[]):
            return not value
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name not in read and not any(isinstance(part, _ACTING) for part in ast.walk(value))
    return False


def grams_of(form: str) -> Grams:
    """The pairs of neighbouring tokens of a form, counted."""
    tokens = ["<", *_TOKENS.findall(form), ">"]
    return Counter(pairwise(tokens))


def similarity(left: Grams, right: Grams) -> float:
    """The Dice coefficient of two forms' token pairs, in [0, 1]. 1 means equal (Dice, 1945)."""
    total = left.total() + right.total()
    return 2 * _common(left, right) / total if total else 1.0


def _common(left: Mapping[tuple[str, str], int], right: Mapping[tuple[str, str], int]) -> int:
    return sum(min(count, right[gram]) for gram, count in left.items() if gram in right)

"""How alike two candidates are as texts: the same but for names, or a few tokens apart. Runs nothing."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeAlias

from plum_lsp.synthesis.sources import statements_or_none

Grams: TypeAlias = "Counter[tuple[str, str]]"
_TOKENS = re.compile(r"\w+|[^\w\s]")


def form_of(text: str) -> str:
    """The candidate's code with its local names numbered in order and without layout and comments.

    Copies that differ in nothing else have one form, and one voice. Text that is no statements stays as it is.
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


def grams_of(form: str) -> Grams:
    """The pairs of neighbouring tokens of a form, counted."""
    tokens = ["<", *_TOKENS.findall(form), ">"]
    return Counter(pairwise(tokens))


def similarity(left: Grams, right: Grams) -> float:
    """The Dice coefficient of two forms' token pairs, in [0, 1]; 1 where they are equal (Dice, 1945)."""
    total = left.total() + right.total()
    return 2 * _common(left, right) / total if total else 1.0


def _common(left: Mapping[tuple[str, str], int], right: Mapping[tuple[str, str], int]) -> int:
    return sum(min(count, right[gram]) for gram, count in left.items() if gram in right)

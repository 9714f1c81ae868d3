"""Detects whether a function expects sorted lists, as a binary search does, and sorts values for it.

On an unsorted list, right candidates differ from each other, so the input is no evidence. Pure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from plum_lsp.python.inputs.ranges import TEXT_CHARACTERS_MAX
from plum_lsp.python.reading.sources import expression_or_none

_NAMED = re.compile(r"(?:^|_)(?:(?:in|into|from)_sorted|merge_sorted|sorted_search|search_sorted|binary_search|bisect)")
_SAID = re.compile(
    r"""\b(?:given|following|takes?|from|in|into|input|two|search(?:es)?|merges?|both)\s+
    (?:(?:an?|the|two|already)\s+)?(?:\w+\s+)?sorted\s+(?:\w+\s+)?(?:list|array|sequence|tuple|vector)s?\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words about the arguments. "Return a sorted list" is about the result, and "in sorted order" is about neither."""


def is_given_in_order(name: str, docstring: str, shown: Iterable[str]) -> bool:
    """Whether the function called `name` expects sorted lists.

    It does if its name or docstring says so, and no `shown` argument (a literal, as source) is an unsorted list."""
    said = _NAMED.search(name) or _SAID.search(docstring[:TEXT_CHARACTERS_MAX])
    return said is not None and all(map(is_in_order, shown))


def is_in_order(source: str) -> bool:
    """Whether a literal is a list in ascending order. True for other literals and for items that cannot be compared."""
    items = _items(source)
    return items is None or _sorted(items) in (None, items)


def in_order(source: str) -> str:
    """The literal with its items in order. Unchanged if it is not a list or cannot be ordered."""
    items = _items(source)
    ordered = _sorted(items) if items is not None else None
    return source if ordered is None or ordered == items else repr(ordered)


def _items(source: str) -> list[object] | None:
    tree = expression_or_none(source)
    try:
        value = ast.literal_eval(tree) if isinstance(tree, ast.List) else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value


def _sorted(items: list[object]) -> list[object] | None:
    try:
        return sorted(items)  # type: ignore[type-var]
    except (TypeError, RecursionError):
        return None

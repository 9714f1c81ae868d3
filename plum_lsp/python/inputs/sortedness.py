"""Whether a function is given its lists in order, as a search in a sorted list is, and values that keep to that.

On a list out of order right candidates differ, each in its own way: it tells nothing. Runs nothing.
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
"""Said of what is given. "Return a sorted list" says it of the result, and "in sorted order" of neither."""


def is_given_in_order(name: str, docstring: str, shown: Iterable[str]) -> bool:
    """Whether the function called `name` is meant for ordered lists: its name or docstring says so, and none of the
    `shown` arguments (literals, as source) is a list out of order."""
    said = _NAMED.search(name) or _SAID.search(docstring[:TEXT_CHARACTERS_MAX])
    return said is not None and all(map(is_in_order, shown))


def is_in_order(source: str) -> bool:
    """Whether a literal is no list, or one whose items do not fall; a list of what cannot be compared is in order."""
    items = _items(source)
    return items is None or _sorted(items) in (None, items)


def in_order(source: str) -> str:
    """The literal with its items in order; what is no list, or cannot be ordered, as it is."""
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

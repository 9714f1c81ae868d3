"""Reads bounds that a docstring states for a parameter: `0 <= n <= 1000`, `n > 0`, "n between 1 and 9". Pure.

An input outside the bounds is no evidence, because a right candidate may do anything with it.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from plum_lsp.python.reading.sources import expression_or_none

_NUMBER = r"(-?(?<!\d)\d[\d_,]{0,30}(?:\.\d{1,30})?(?![\d.]{0,30}\s?(?:\^|\*\*|[⁰¹²³⁴-⁹]|e\d)))"
"""A number that is not the base of a power. Such a base, read as a bound, would exclude intended inputs. The length is
bounded, because otherwise the search would start again at each digit of a long run."""
_BOUNDS = (
    ("lo", "hi"),
    ("low", "high"),
    ("lower", "upper"),
    ("min", "max"),
    ("minimum", "maximum"),
    ("start", "end"),
    ("start", "stop"),
    ("begin", "end"),
    ("first", "last"),
    ("left", "right"),
)
"""Words that separate the two ends of a range in otherwise equal names."""
TEXT_CHARACTERS_MAX = 4_000
"""A longer docstring is read up to here, once for each parameter."""
READ_MAX = 1_024
"""Literals that are remembered. The inputs of a function are made of few, and each is asked about many times."""
_BELOW = r"(<=|=<|≤|<)"
_ABOVE = r"(>=|=>|≥|>)"


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds. An exclusive bound is moved by one, because such bounds usually apply to integers."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, source: str) -> bool:
        """Whether a literal (each item of a literal container) lies inside.

        Values that are not numbers count as inside.
        """
        return all(self.low <= number <= self.high for number in _numbers(source))


def range_of(name: str, docstring: str) -> Range:
    """The bounds of parameter `name` in the docstring. Without bounds if the docstring states none."""
    docstring = docstring[:TEXT_CHARACTERS_MAX]
    own = rf"\b{re.escape(name)}\b(?:\[\w+\])?"
    low, high = -math.inf, math.inf
    for bound, operator in re.findall(rf"{_NUMBER}\s*{_BELOW}\s*(?:\w+,\s*)*{own}", docstring):
        low = max(low, _number(bound) + (operator == "<"))
    for operator, bound in re.findall(rf"{own}\s*{_BELOW}\s*{_NUMBER}", docstring):
        high = min(high, _number(bound) - (operator == "<"))
    for operator, bound in re.findall(rf"{own}\s*{_ABOVE}\s*{_NUMBER}", docstring):
        low = max(low, _number(bound) + (operator == ">"))
    for first, second in re.findall(rf"{own}[^.\n]{{0,30}}\bbetween\s+{_NUMBER}\s+and\s+{_NUMBER}", docstring):
        low, high = max(low, _number(first)), min(high, _number(second))
    return Range(low, high) if low <= high else Range()


def bounds_among(names: Sequence[str]) -> list[tuple[int, int]]:
    """The places of the pairs of parameters that are the lower and upper end of a range, such as `lo` and `hi`."""
    places = {name: place for place, name in enumerate(names)}
    found = []
    for name, place in places.items():
        words = name.split("_")
        for low, high in _BOUNDS:
            other = places.get("_".join(high if word == low else word for word in words)) if low in words else None
            if other is not None:
                found.append((place, other))
    return found


@lru_cache(maxsize=READ_MAX)
def _numbers(source: str) -> tuple[float, ...]:
    """The number that a literal is, or those among its items."""
    tree = expression_or_none(source)
    try:
        value = ast.literal_eval(tree) if tree is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ()
    items = value if isinstance(value, list | tuple | set) else [value]
    return tuple(item for item in items if isinstance(item, int | float) and not isinstance(item, bool))


@lru_cache(maxsize=READ_MAX)
def is_reversed(low: str, high: str) -> bool:
    """Whether the lower end of a range, as a literal, lies above the upper one. False if one is not a number."""
    try:
        first, second = ast.literal_eval(low), ast.literal_eval(high)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return isinstance(first, int | float) and isinstance(second, int | float) and first > second


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("_", "").rstrip("."))

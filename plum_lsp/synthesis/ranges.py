"""Bounds that a docstring states for a parameter: `0 <= n <= 1000`, `n > 0`, "n between 1 and 9". Runs nothing.

An input outside them tells nothing: a right candidate may do with it what it likes.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass

from plum_lsp.synthesis.sources import expression_or_none

_NUMBER = r"(-?(?<!\d)\d[\d_,]{0,30}(?:\.\d{1,30})?(?![\d.]{0,30}\s?(?:\^|\*\*|[⁰¹²³⁴-⁹]|e\d)))"
"""A number, but for the base of a power: read as a bound, that would keep out what is meant. Of
bounded length, because a run of digits would be read anew from each of them."""
TEXT_CHARACTERS_MAX = 4_000
"""A longer docstring is read up to here, once for each parameter."""
_BELOW = r"(<=|=<|≤|<)"
_ABOVE = r"(>=|=>|≥|>)"


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds; an exclusive bound of a number is moved by one, for it is integers that people bound so."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, source: str) -> bool:
        """Whether a literal (each item of a literal container) lies inside; what is no number does."""
        tree = expression_or_none(source)
        try:
            value = ast.literal_eval(tree) if tree is not None else None
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return True
        items = value if isinstance(value, list | tuple | set) else [value]
        numbers = [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
        return all(self.low <= number <= self.high for number in numbers)


def range_of(name: str, docstring: str) -> Range:
    """What the docstring says of parameter `name`; without bounds where it says nothing."""
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


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("_", "").rstrip("."))

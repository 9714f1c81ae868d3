"""Finds which arguments a function is intended for: within stated bounds, with ranges and lists in order.

On other arguments, right candidates differ from each other, and a wrong candidate may agree with each of them in turn.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plum_lsp.domain.suggestion import FunctionSymbol
from plum_lsp.python.inputs.ranges import Range, bounds_among, is_reversed, range_of
from plum_lsp.python.inputs.sortedness import is_given_in_order, is_in_order

_SPEAKS_OF_REVERSED = re.compile(r"\b(?:rais|error|invalid|swap|revers|otherwise|greater|larger|exceed)", re.IGNORECASE)
"""Words of a docstring that considers a range with its ends (`lo`, `hi`) reversed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """The rules that the arguments of a function keep. `ends` holds the places of a range's lower and upper end."""

    names: tuple[str, ...]
    ranges: Mapping[str, Range]
    ends: tuple[tuple[int, int], ...]
    is_ordered: bool

    @classmethod
    def of(cls, function: FunctionSymbol, names: Sequence[str], shown: Iterable[Mapping[str, str]]) -> Intended:
        """The rules from the docstring, the names and the arguments `shown` (as source, by place or name)."""
        values = (value for arguments in shown for value in arguments.values())
        means_reversed = _SPEAKS_OF_REVERSED.search(function.docstring) is not None
        return cls(
            names=tuple(names),
            ranges={name: found for name in names if (found := range_of(name, function.docstring)) != Range()},
            ends=() if means_reversed else tuple(bounds_among(names)),
            is_ordered=is_given_in_order(function.name, function.docstring, values),
        )

    @property
    def is_anything(self) -> bool:
        """Whether there are no rules, so that all arguments keep them."""
        return not (self.ranges or self.ends or self.is_ordered)

    def holds(self, arguments: Mapping[str, str]) -> bool:
        """Whether arguments (as source, by place or name) keep the rules."""
        given = {self._name(key): value for key, value in arguments.items()}
        if any(not self.ranges[name].holds(value) for name, value in given.items() if name in self.ranges):
            return False
        pairs = ((given.get(self.names[low], ""), given.get(self.names[high], "")) for low, high in self.ends)
        if any(is_reversed(low, high) for low, high in pairs):
            return False
        return not self.is_ordered or all(map(is_in_order, given.values()))

    def turned(self, row: list[str]) -> list[str]:
        """A row of arguments, one for each name, with the ends of ranges in the right order."""
        for low, high in self.ends:
            if is_reversed(row[low], row[high]):
                row[low], row[high] = row[high], row[low]
        return row

    def _name(self, key: str) -> str:
        return self.names[int(key)] if key.isdecimal() and int(key) < len(self.names) else key

"""Tells random letters from words by the pairs of letters in them. It knows no words."""

from __future__ import annotations

import itertools
from functools import cache

from plum_lsp.feedback.sensitive.data import read

PAIRS_MIN = 9
"""Fewer pairs say nothing."""
RARITY_MIN = 0.6
"""Binary logarithm, per pair. Random letters have 2.0 on average, and 98 of 100 random words of 24 letters have more
than 0.6. Words have less than 0."""
_BASE = 4
READ_MAX = 512


def is_unlike_words(value: str) -> bool:
    """Whether the letters of a text follow each other as in no word, and it is no alphabet either."""
    total, pairs = rarity(value)
    return pairs >= PAIRS_MIN and total >= RARITY_MIN * pairs


def rarity(value: str) -> tuple[int, int]:
    """How much rarer the pairs of adjacent letters are than in random text (binary logarithm), and their number."""
    lower, table, total, pairs = value[:READ_MAX].lower(), _table(), 0, 0
    for first, second in itertools.pairwise(lower):
        rare = table.get(first + second)
        if rare is not None:
            total, pairs = total + rare, pairs + 1
    return total, pairs


@cache
def _table() -> dict[str, int]:
    """For each pair of letters how rare it is."""
    table: dict[str, int] = {}
    for row in str(read("letters.toml")["rows"]).split("\n"):
        first, _, digits = row.partition(" ")
        table.update({first + chr(ord("a") + at): int(digit) - _BASE for at, digit in enumerate(digits)})
    return table

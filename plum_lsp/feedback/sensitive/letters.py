"""Tells random letters from words by the pairs of letters in them. It knows no words."""

from __future__ import annotations

import itertools
from functools import cache

from plum_lsp.feedback.sensitive.data import read

PAIRS_MIN = 9
"""Fewer pairs are no evidence."""
RARITY_MIN = 0.6
"""Binary logarithm, per pair. Random letters have 2.0 on average, and 98 of 100 random words of 24 letters have more
than 0.6. Words have less than 0."""
LIKENESS_MAX = 0.3
"""The same for texts that count as words: names of code, also with abbreviations."""
_BASE = 4
READ_MAX = 512


def is_unlike_words(value: str, *, rarity_min: float = RARITY_MIN, pairs_min: int = PAIRS_MIN) -> bool:
    """Whether the letters of a text follow each other as in no word, and it is no alphabet either."""
    found = _rarities(value)
    return len(found) >= pairs_min and sum(found) >= rarity_min * len(found)


def is_like_words(value: str) -> bool:
    """Whether the letters of a text follow each other as in words."""
    found = _rarities(value)
    return bool(found) and sum(found) < LIKENESS_MAX * len(found)


def _rarities(value: str) -> list[int]:
    table = _table()
    return [table[pair] for pair in map("".join, itertools.pairwise(value[:READ_MAX].lower())) if pair in table]


@cache
def _table() -> dict[str, int]:
    """For each pair of letters how much rarer it is in words than in random text (binary logarithm)."""
    table: dict[str, int] = {}
    for row in str(read("letters.toml")["rows"]).split("\n"):
        first, _, digits = row.partition(" ")
        table.update({first + chr(ord("a") + at): int(digit) - _BASE for at, digit in enumerate(digits)})
    return table

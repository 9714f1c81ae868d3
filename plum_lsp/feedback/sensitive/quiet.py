"""Knows which places of a text are not code: strings and comments of Python, and all of any other text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class Quiet:
    """The spans of a Python text that are not code: strings and comments.

    If the text is not Python, all of it is quiet.
    """

    def __init__(self, spans: Sequence[tuple[int, int]] | None) -> None:
        self._spans = spans
        self._starts = [start for start, _ in spans] if spans is not None else []

    def holds(self, position: int) -> bool:
        """Whether a place is not code."""
        if self._spans is None:
            return True
        index = bisect_right(self._starts, position) - 1
        return index >= 0 and position <= self._spans[index][1]

    @property
    def is_all(self) -> bool:
        """Whether the text is not Python."""
        return self._spans is None

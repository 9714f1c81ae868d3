"""Counts the statements of a completion while it streams, so that it can end after a number of them. Pure."""

from __future__ import annotations

import re

from plum_lsp.python.reading.lines import indent_of, width

_CONTINUES = re.compile(r"(?:else|elif|except|finally|case)\b")


class Statements:
    """Takes the physical lines of a completion. A statement with a block is complete when a line leaves the block."""

    def __init__(self, most: int, *, least: int) -> None:
        """`most` 0 is no limit. `least` are the columns of the cursor, where a completion's first line begins."""
        self._most = most
        self._least = least
        self._count = 0
        self._columns = 0
        self._is_first = True
        self._opened: int | None = None

    def end_before(self, line: str) -> bool:
        """Whether the completion ends before a line of code. It does if the line leaves the last statement's block."""
        if self._opened is None or line.lstrip().startswith("#") or self._is_within(line):
            return False
        self._opened = None
        self._count += 1
        return self._is_full

    def _is_within(self, line: str) -> bool:
        columns, opened = width(indent_of(line)), self._opened or 0
        return columns > opened or (columns == opened and bool(_CONTINUES.match(line.lstrip())))

    def end_after(self, line: str, *, starts: bool, is_complete: bool, opens: bool) -> bool:
        """Whether the completion ends after a line that was kept.

        Args:
            starts: the line begins a logical line. `is_complete`: it ends one. `opens`: it ends in a block's colon.
        """
        code = line.strip()
        if starts and code:
            self._columns = max(width(indent_of(line)), self._least) if self._is_first else width(indent_of(line))
            self._is_first = False
        if not is_complete or not code or code.startswith(("#", "@")) or self._opened is not None:
            return False
        if opens:
            self._opened = self._columns
            return False
        self._count += 1
        return self._is_full

    @property
    def _is_full(self) -> bool:
        return bool(self._most) and self._count >= self._most

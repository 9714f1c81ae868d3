"""Counts the statements of a completion while it streams, so that it can end after a number of them. Pure."""

from __future__ import annotations

import re

from plum_lsp.python.reading.lines import indent_of, width

_CONTINUES = re.compile(r"(?:else|elif|except|finally|case)\b")
_ASSERTS = re.compile(r"(?:assert\b|self\.assert|self\.fail|(?:async\s+)?with\b.*\braises\b|pytest\.(?:raises|fail)\b)")
"""A line that begins so checks something."""


class Statements:
    """Takes the physical lines of a completion. A statement with a block is complete when a line leaves the block.

    In a test, only statements count that assert something, because the lines above them check no behaviour.
    """

    def __init__(self, most: int, *, least: int, is_test: bool = False) -> None:
        """`most` 0 is no limit. `least` are the columns of the cursor, where a completion's first line begins."""
        self._most = most
        self._is_test = is_test
        self._asserts = False
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
        return self._is_full_after_one()

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
            self._asserts |= bool(_ASSERTS.match(code))
        if not is_complete or not code or code.startswith(("#", "@")) or self._opened is not None:
            return False
        if opens:
            self._opened = self._columns
            return False
        return self._is_full_after_one()

    def _is_full_after_one(self) -> bool:
        """Count the statement that has just ended. Whether it is the last one."""
        self._count += self._asserts or not self._is_test
        self._asserts = False
        return bool(self._most) and self._count >= self._most

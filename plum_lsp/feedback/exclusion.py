"""Recognises prompts that must not be trained on, because a benchmark asks for the same function.

An entry is a function's header with its signature and docstring, in any layout. A prompt that holds one is excluded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_FUNCTION = re.compile(r"\bdef\s+(\w+)\s*\(")
_SPACE = re.compile(r"\s+")

HEADER_CHARACTERS_MIN = 24
"""A shorter header (`def add(a, b):`) is too common and would exclude much unrelated code."""


class Exclusions:
    """The headers of a benchmark's tasks, by function name."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._headers: dict[str, list[str]] = {}
        for name, header in headers:
            if len(header) >= HEADER_CHARACTERS_MIN:
                self._headers.setdefault(name, []).append(header)

    def __len__(self) -> int:
        return sum(map(len, self._headers.values()))

    def holds(self, prompt: str) -> bool:
        """Whether the prompt asks for one of these functions."""
        names = {match[1] for match in _FUNCTION.finditer(prompt)} & self._headers.keys()
        if not names:
            return False
        flat = _flat(prompt)
        return any(header in flat for name in names for header in self._headers[name])


def exclusions_of(lines: Iterable[str]) -> Exclusions:
    """The exclusions in a file of benchmark rows. A row is JSON with a `prompt`, or a function in `text` or `code`.

    Raises:
        ValueError: a line is no such row. The message has its number.
    """
    headers: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = next(row[key] for key in ("prompt", "code", "text") if isinstance(row.get(key), str))
        except (ValueError, AttributeError, StopIteration):
            raise ValueError(f"line {number} is no JSON object with a `prompt`") from None
        headers += _headers(text)
    return Exclusions(headers)


def _headers(prompt: str) -> list[tuple[str, str]]:
    """The last function of a prompt, from its `def` on. It is the requested function."""
    starts = [(match.start(), match[1]) for match in _FUNCTION.finditer(prompt)]
    return [(name, _flat(prompt[start:])) for start, name in starts[-1:]]


def _flat(text: str) -> str:
    """The text without white space and docstring quotes, which are layout."""
    return _SPACE.sub("", text).replace('"""', "").replace("'''", "")

"""Reads the key formats of known services from `formats.toml`, and finds such keys in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from plum_lsp.feedback.sensitive.data import read
from plum_lsp.feedback.starts import Starts

STARTS = r"(?<![A-Za-z0-9])"
"""Matches the start of a key. No key begins inside a word."""
_BLANK = re.compile(r"\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The keys of one service. A text that holds none of `marks` holds no such key."""

    service: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    starts: Starts | None
    """The same pattern, if each key begins with a mark."""
    may_be_words: bool
    """Whether a key may consist of letters of one case only."""


def known_keys(text: str) -> Iterator[tuple[int, int]]:
    """The spans of keys of known services, in no order. They may overlap."""
    distinct = "\n".join(set(text.split()))  # a third of the text, in which each mark is looked for
    held = {place for mark, place in _marks() if mark in (text if _BLANK.search(mark) else distinct)}
    for known in (formats()[place] for place in held):
        for found in known.starts.matches(text) if known.starts else known.pattern.finditer(text):
            if known.may_be_words or _is_mixed(found.group()):
                yield found.span()


@cache
def formats() -> tuple[Format, ...]:
    """All formats of the file."""
    return tuple(
        Format(
            service=str(row["service"]),
            marks=tuple(row["marks"]),
            pattern=_pattern(row),
            starts=_starts(row),
            may_be_words=bool(row.get("words")),
        )
        for row in read("formats.toml")["formats"]
    )


@cache
def _marks() -> tuple[tuple[str, int], ...]:
    """Every mark, with the place of its format."""
    return tuple((mark, place) for place, known in enumerate(formats()) for mark in known.marks)


@cache
def services() -> tuple[str, ...]:
    """Names of services, in lower case."""
    return tuple(read("formats.toml")["services"])


def _pattern(row: dict[str, Any]) -> re.Pattern[str]:
    marks = row["marks"]
    either = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
    start = "" if marks[0].startswith(("&", "?", "X-", "hook", "discord", "webhook")) else STARTS
    return re.compile(f"{start}{row.get('before', '')}(?:{either}){row['body']}")


def _starts(row: dict[str, Any]) -> Starts | None:
    has_blank = any(map(_BLANK.search, row["marks"]))
    return None if row.get("before") or has_blank else Starts(_pattern(row), " ".join(row["marks"]))


def _is_mixed(key: str) -> bool:
    """Whether a key has digits or both cases. A name in code that begins with a mark has neither."""
    if any(character.isdigit() for character in key):
        return True
    capitals = sum(character.isupper() for character in key)
    return 3 <= capitals <= len(key) - 3

"""What the reader of code remembers while it reads: literals, and the brackets that are open round them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from plum_lsp.feedback.sensitive.values import Binding


@dataclass(frozen=True, slots=True)
class Literal:
    """One string literal: the text between its quotes, and its place."""

    start: int
    end: int
    value: str
    is_formatted: bool


@dataclass(slots=True)
class Frame:
    """One open bracket, or the statement. `names` label the current element. `targets` label it by its position."""

    opener: str = ""
    callee: tuple[str, ...] = ()
    labels: tuple[tuple[str, Binding], ...] = ()
    targets: tuple[str, ...] = ()
    names: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    group: list[Literal] = field(default_factory=list)
    said: str = ""
    annotated: str = ""
    compared: str = ""
    left: list[Literal] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    place: int = 0
    last: str = ""
    is_match: bool = False


@dataclass(slots=True, kw_only=True)
class Reading:
    """The result for a text: the literals that are secrets, and the spans that are not code."""

    secrets: list[tuple[int, int]] = field(default_factory=list)
    quiet: list[tuple[int, int]] = field(default_factory=list)


def inside(group: list[Literal], spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where spans of the joined value stand in its literals."""
    for start, end in spans:
        at = 0
        for one in group:
            first, last = max(start - at, 0), min(end - at, len(one.value))
            if first < last:
                yield one.start + first, one.start + last
            at += len(one.value)


def blank(placeholder: re.Match[str]) -> str:
    """A placeholder of the same length without quotes."""
    return "{" + "_" * (len(placeholder.group()) - 2) + "}"

"""What can be said of code beside whether it is right. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Lines of a program to look at, counted from 1, both included: those of a candidate and the header around it."""

    source: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What reading a passage showed: security findings as `S307 …`, and the greatest cyclomatic complexity in it."""

    security: tuple[str, ...]
    complexity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Signals beside correctness, each kept apart.

    `complexity` is McCabe's number of the function (1 for a straight line); `lines` counts those with code on them;
    `slowness` is how many times longer it took than the median of its siblings on the same inputs, at least 1.
    """

    security: tuple[str, ...]
    complexity: int
    lines: int
    slowness: float

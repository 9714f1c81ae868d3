"""Signals about code beside its correctness. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Lines of a program to inspect: those of a candidate and its header. They count from 1, both ends included."""

    source: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The findings in a passage: security findings as `S307 …`, and the greatest cyclomatic complexity."""

    security: tuple[str, ...]
    complexity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Signals beside correctness, each kept apart.

    `complexity` is McCabe's number of the function (1 for a straight line). `lines` counts the lines with code.
    `slowness` is its time divided by the median time of its siblings on the same inputs, at least 1.
    """

    security: tuple[str, ...]
    complexity: int
    lines: int
    slowness: float

"""A titled table of text, and how a share and a time stand in it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plum_lsp.report.shares import Quantile, Share

INTERVAL = "95 % interval"
_NUMBER = re.compile(r"([≥≤] )?\d[\d.,–-]*( of \d+)?( %| s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTable:
    """A table of text. Each row has as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def cells(share: Share | None) -> tuple[str, str, str]:
    """A share as three cells. Dashes if the count is zero."""
    return share.cells() if share is not None else ("–", "–", "–")


def seconds(time_ms: Quantile) -> tuple[str, str]:
    """A time as two cells: the seconds, and their interval. An end that is not known is left open."""
    low, high = (None if end is None else f"{end / 1000:.2f}" for end in (time_ms.low, time_ms.high))
    interval = f"{low}–{high} s"
    if low is None or high is None:
        interval = f"≥ {low} s" if low is not None else f"≤ {high} s" if high is not None else "–"
    return f"{time_ms.value / 1000:.2f} s", interval


def is_number(cell: str) -> bool:
    """Whether a cell holds a number or a date, which stands at the right end of its column."""
    return _NUMBER.fullmatch(cell) is not None

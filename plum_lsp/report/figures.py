"""A titled table of text, and how a share stands in it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plum_lsp.report.shares import Share

INTERVAL = "95 % interval"
_NUMBER = re.compile(r"\d[\d.,–-]*( of \d+)?( %| s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTable:
    """A table of text. Each row has as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def cells(share: Share | None) -> tuple[str, str, str]:
    """A share as three cells. Dashes if the count is zero."""
    return share.cells() if share is not None else ("–", "–", "–")


def is_number(cell: str) -> bool:
    """Whether a cell holds a number or a date, which stands at the right end of its column."""
    return _NUMBER.fullmatch(cell) is not None

"""Draws tables of figures in a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plum_lsp.domain.display import visible
from plum_lsp.report.figures import FigureTable, is_number


def draw(tables: Iterable[FigureTable], screen: Console) -> None:
    """Print each table under its title, after an empty line."""
    for table in tables:
        screen.print()
        screen.print(table.title, style="bold")
        screen.print(drawn(table))


def drawn(table: FigureTable) -> Table:
    """A table of figures. A first cell that repeats the one above it is left empty. Cells are text, never markup."""
    drawing = Table(box=None, padding=(0, 2, 0, 0))
    for number, name in enumerate(table.columns):
        drawing.add_column(
            name, overflow="fold", header_style="dim", justify="left" if _is_text(table, number) else "right"
        )
    above = ""
    for first, *others in table.rows:
        drawing.add_row(*(Text(visible(cell)) for cell in (first if first != above else "", *others)))
        above = first
    return drawing


def _is_text(table: FigureTable, number: int) -> bool:
    """Whether a column holds names and not numbers."""
    return number == 0 or not any(is_number(row[number]) for row in table.rows)

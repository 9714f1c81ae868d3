"""The report as one HTML page that needs no network, no script and no other file.

Every figure of the chart stands in a table, too, so that the chart is hidden from screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from plum_lsp.domain.display import visible
from plum_lsp.report.chart import chart_of
from plum_lsp.report.figures import INTERVAL, FigureTable, cells, is_number
from plum_lsp.report.installation import as_typed_here
from plum_lsp.report.pilot import PilotFigures
from plum_lsp.report.pilot_tables import pilot_tables
from plum_lsp.report.tables import NOTES, heading, tables
from plum_lsp.report.usage import PassRate, Report
from plum_lsp.store.usage import WrongExample

TITLE = "Suggestions of plum-lsp"
TEAM = (
    "A pilot of several people. Each interval allows for suggestions of one person on one day that resemble each other."
)
CAPTION = "Execution pass rate by day and model version, with 95 % intervals"
NO_CHART = "The chart needs the package vl-convert-python: pip install 'plum-lsp[report]'"

_STYLE = """
:root { color-scheme: light dark; --line: #8888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 2rem 0; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { font-weight: 400; } thead th { opacity: .75; }
pre { overflow-x: auto; border-left: 3px solid var(--line); padding-left: 1rem; } summary { cursor: pointer; }
figure { margin: 2rem 0; } figure svg { width: 100%; height: auto; }
"""


def page_of(found: Report, examples: Sequence[WrongExample] = ()) -> str:
    """The whole page. Examples are source text, so the page is then only for the person whose code it is."""
    return _document(
        heading(found),
        _figure(found.days),
        *(_table(table) for table in (*tables(found), _days(found.days))),
        *(_example(one) for one in examples),
        *(f"<p>{_text(note)}</p>" for note in NOTES),
    )


def team_page(found: PilotFigures) -> str:
    """The page of a pilot of several people."""
    return _document(TEAM, *(_table(table) for table in pilot_tables(found)))


def _document(lead: str, *parts: str) -> str:
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{TITLE}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{TITLE}</h1>",
            f"<p>{_text(lead)}</p>",
            *parts,
            "</main></body></html>",
            "",
        )
    )


def _example(one: WrongExample) -> str:
    """A candidate that was kept from the screen, collapsed."""
    told = f"Kept from the screen: {one.function or 'code outside a function'}"
    failed = f"{one.test} gave {one.shown}" if one.shown else one.test
    return (
        f"<details><summary>{_text(told)}</summary><pre><code>{_lines(one.text)}</code></pre>"
        f"<p>It failed: <code>{_text(failed)}</code></p></details>"
    )


def _lines(text: str) -> str:
    """Source text that keeps its lines."""
    return "\n".join(_text(line) for line in text.rstrip().splitlines())


def _table(table: FigureTable) -> str:
    """A table whose first cell of each row is its heading. Empty if it has no rows."""
    if not table.rows:
        return ""
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.columns)
    rows = "".join(f"<tr>{_row(row)}</tr>" for row in table.rows)
    return f"<table><caption>{_text(table.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(row: Sequence[str]) -> str:
    return f'<th scope="row">{_text(row[0])}</th>' + "".join(_cell(cell) for cell in row[1:])


def _cell(text: str) -> str:
    """A cell. Numbers stand at its right end."""
    return f'<td class="number">{_text(text)}</td>' if is_number(text) else f"<td>{_text(text)}</td>"


def _days(days: Iterable[PassRate]) -> FigureTable:
    """The figures of the chart."""
    rows = tuple((one.day, str(one.version), *cells(one.passed)) for one in days if one.passed is not None)
    columns = ("day", "version", "passed, of those run", "share", INTERVAL)
    return FigureTable(title="Execution pass rate by day", columns=columns, rows=rows)


def _figure(days: Sequence[PassRate]) -> str:
    """The chart of the pass rate. Empty if no candidate was run, a sentence if it cannot be drawn."""
    if not any(one.passed for one in days):
        return ""
    drawn = chart_of(days)
    if drawn is None:
        return f"<p>{_text(as_typed_here(NO_CHART))}</p>"
    return f'<figure><div aria-hidden="true">{drawn}</div><figcaption>{_text(CAPTION)}</figcaption></figure>'


def _text(text: str) -> str:
    return escape(visible(text))

"""`plum-lsp report --watch`: the report in the terminal, kept up to date. Its own module: only it needs Textual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Header, Static

from plum_lsp.domain.display import visible
from plum_lsp.domain.errors import PlumError, told
from plum_lsp.report.drawing import drawn
from plum_lsp.report.installation import as_typed_here
from plum_lsp.report.tables import NOTES, heading, tables
from plum_lsp.report.usage import Report

LOOK_SECONDS = 2.0
"""How often the store's files are looked at. The figures are only computed again if these have changed."""


class Watch(App[None]):
    """The tables of the report. `read` computes them from the store, in a thread."""

    TITLE = "What your suggestions were worth"
    CSS = "#figures { padding: 0 2; }"
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit"), ("r", "look", "Read again")]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, path: Path, read: Callable[[], Report]) -> None:
        super().__init__()
        self._path = path
        self._read = read
        self._seen: object = None
        self._is_reading = False

    def compose(self) -> ComposeResult:
        """A title, the figures, the keys."""
        yield Header(icon="")
        with VerticalScroll():
            yield Static("Reading the store.", id="figures", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Show the figures, and look for news from then on."""
        self.set_interval(LOOK_SECONDS, self._look_for_news)
        self.call_later(self.action_look)

    async def action_look(self) -> None:
        """Read the store and show it. A reading that is under way is not started twice."""
        if self._is_reading:
            return
        self._is_reading, self._seen = True, _stamps(self._path)
        try:
            shown = _drawing(await asyncio.to_thread(self._read))
        except PlumError as error:
            shown = Text(visible(as_typed_here(told(error))))
        finally:
            self._is_reading = False
        self.query_one("#figures", Static).update(shown)

    async def _look_for_news(self) -> None:
        if _stamps(self._path) != self._seen:
            await self.action_look()


def _stamps(path: Path) -> tuple[tuple[int, int], ...]:
    """What tells that the store was written: size and time of its file and of its write-ahead log."""
    found = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            known = file.stat()
        except OSError:
            continue
        found.append((known.st_size, known.st_mtime_ns))
    return tuple(found)


def _drawing(found: Report) -> RenderableType:
    """The report as `plum-lsp report` prints it."""
    parts: list[RenderableType] = [Text(visible(heading(found)))]
    for table in tables(found):
        parts += [Text(), Text(visible(table.title), style="bold"), drawn(table)]
    return Group(*parts, Text(), *(Text(note, style="dim") for note in NOTES))

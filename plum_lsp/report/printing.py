"""The one way to a terminal: all that a command prints, asks, draws or logs goes through here, and is made visible.

A project's settings, tests, file names and candidates, and the errors of other programs are printed by commands. None
of them may move the cursor, set a title, write to the clipboard, make a link or turn the direction of text around.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO, cast

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from plum_lsp.domain.display import visible
from plum_lsp.report.discretion import discreet

_LOG_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_ERASE_LINE = "\r\033[K"


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text, to standard error if `err`; what a terminal would obey is written as Python escapes."""
    click.echo(visible(str(text)), err=err, nl=nl)


def say_over(text: str) -> None:
    """Print a line on standard error that the next one takes the place of; nothing where that is no terminal."""
    if sys.stderr.isatty():
        click.echo(_ERASE_LINE + visible(text), nl=False, err=True)


def ask_to_go_on(question: str) -> None:
    """Ask a question that is answered with yes or no; no ends the command."""
    click.confirm(visible(question), abort=True)


def console(*, stderr: bool = False) -> Console:
    """A place to draw on. A plain string is text to it: no markup, no emoji codes."""
    return _VisibleConsole(stderr=stderr, markup=False, emoji=False, highlight=False)


def standard_output() -> TextIO:
    """Standard output as a file for rows and pages."""
    return cast(TextIO, _VisibleOutput())


def set_up_log(level: str, file: Path | None = None, *, line: str = _LOG_LINE) -> None:
    """Log to a file of the user's own, else to standard error."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(_VisibleLines(line))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if file is not None:
        file.chmod(0o600)


class Program(click.Group):
    """A command with commands, whose complaints about its arguments are printed like everything else."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run to the end of the process, as `click.Group` does, unless it is told not to."""
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # no terminal's encoding has every character
        try:
            status: object = run()
        except click.ClickException as error:
            told = io.StringIO()
            error.show(told)
            say(told.getvalue(), err=True, nl=False)
            sys.exit(error.exit_code)
        except click.Abort:
            say("Aborted!", err=True)
            sys.exit(1)
        sys.exit(status if isinstance(status, int) else 0)


class _VisibleConsole(Console):
    """Makes visible what is drawn, after the layout: styles are kept, and text cannot add to them."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _VisibleOutput(io.TextIOBase):
    """Standard output, whichever it is at the time."""

    def write(self, text: str) -> int:
        return sys.stdout.write(visible(text))

    def flush(self) -> None:
        sys.stdout.flush()


class _VisibleLines(logging.Formatter):
    """Formats records without secrets of the settings, and of which no part is obeyed by a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(discreet(super().format(record)))

"""Prints, asks, draws and logs for every command, with all control characters made visible.

Commands print a project's settings, tests, file names and candidates, and the errors of other programs. None of these
may move the cursor, set a title, write to the clipboard, make a link or change the direction of text. A sentence that
names a command of ours names it as it works in this installation.
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
from plum_lsp.report.installation import as_typed_here

_LOG_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
_ERASE_LINE = "\r\033[K"


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text, to standard error if `err`. Commands of ours get the form that works in this installation."""
    click.echo(visible(as_typed_here(str(text))), err=err, nl=nl)


def say_over(text: str) -> None:
    """Print a line on standard error that the next one overwrites. Only if standard error is a terminal."""
    if sys.stderr.isatty():
        click.echo(_ERASE_LINE + visible(text), nl=False, err=True)


def ask(question: str) -> bool:
    """Ask a yes-or-no question."""
    return click.confirm(visible(question))


def ask_to_go_on(question: str) -> None:
    """Ask a yes-or-no question. The answer no ends the command."""
    click.confirm(visible(question), abort=True)


def ask_number(question: str, low: int, high: int) -> int | None:
    """Ask for a whole number from `low` to `high`. None if the user only presses Enter."""
    while True:
        said = click.prompt(visible(question), default="", show_default=False, prompt_suffix=" ").strip()
        if not said:
            return None
        if said.isascii() and said.isdecimal() and low <= int(said[:9]) <= high:
            return int(said)
        say(f"Type a number from {low} to {high}, or only Enter for no answer.")


def console(*, stderr: bool = False) -> Console:
    """A console for drawing. It takes a plain string as text, without markup or emoji codes."""
    return _VisibleConsole(stderr=stderr, markup=False, emoji=False, highlight=False)


def standard_output() -> TextIO:
    """Standard output as a file for rows and pages."""
    return cast(TextIO, _VisibleOutput())


def set_up_log(level: str, file: Path | None = None, *, line: str = _LOG_LINE) -> None:
    """Log to a file that only the user can read, or else to standard error."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(_VisibleLines(line))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if file is not None:
        file.chmod(0o600)


class Program(click.Group):
    """A command group that prints errors about its arguments like all other output."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and end the process, as `click.Group` does, unless the arguments say otherwise."""
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
    """Makes control characters in drawn text visible after the layout. Styles stay, and text cannot add to them."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class _VisibleOutput(io.TextIOBase):
    """The current standard output, looked up at each write."""

    def write(self, text: str) -> int:
        return sys.stdout.write(visible(text))

    def flush(self) -> None:
        sys.stdout.flush()


class _VisibleLines(logging.Formatter):
    """Formats log records without secrets of the settings and without characters that control a terminal.

    Commands of ours get the form that works in this installation. Only the first line of a record starts at the
    margin, so that text from elsewhere cannot look like another record.
    """

    def format(self, record: logging.LogRecord) -> str:
        return visible(discreet(as_typed_here(super().format(record)))).replace("\n", "\n    ")

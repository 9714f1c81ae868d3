"""Text from elsewhere, which a terminal shows and never obeys."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from plum_lsp.cli.terminal import source
from plum_lsp.domain.display import hidden_characters, visible
from plum_lsp.report.printing import Program, console, say, set_up_log, standard_output


def shown(renderable: RenderableType) -> str:
    """What a terminal is sent that draws it."""
    page = console()
    page.file, page.width = io.StringIO(), 120
    page.print(renderable)
    assert isinstance(page.file, io.StringIO)
    return page.file.getvalue()


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/nope]", "[link=http://x.example]x[/link]", ":smile:", "\\[red]"])
def test_markup_is_text(text: str) -> None:
    """Neither its markup nor its emoji codes mean anything."""
    assert shown(text) == f"{text}\n"


HOSTILE = "\x1b]0;owned\x07\x1b]8;;http://e.example\x1b\\link\x9b2J\u202eover\u200bzero\x85"


@pytest.mark.parametrize(
    "drawn", [HOSTILE, Text(HOSTILE), Panel(HOSTILE, title=HOSTILE), Group(Text.assemble((HOSTILE, "bold")))], ids=type
)
def test_what_is_drawn_is_visible(drawn: RenderableType) -> None:
    """In whatever it is wrapped, no part of it is obeyed."""
    assert hidden_characters(shown(drawn)) == frozenset()
    assert "link" in shown(drawn)


def test_a_table_of_hostile_text_is_visible() -> None:
    """Headings, cells and the title."""
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    assert hidden_characters(shown(table)) == frozenset()


def test_what_is_said_and_written_is_visible(capsys: pytest.CaptureFixture[str]) -> None:
    """On both streams, and in the log."""
    say(HOSTILE)
    say(HOSTILE, err=True)
    standard_output().write(HOSTILE)
    standard_output().flush()
    told = capsys.readouterr()
    assert not hidden_characters(told.out + told.err)
    assert told.out.count("link") == 2 and told.err.count("link") == 1


def test_the_log_is_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record's message, its arguments and a traceback."""
    monkeypatch.setattr(logging, "root", logging.RootLogger(logging.WARNING))
    set_up_log("info", tmp_path / "log")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.root.exception("%s", HOSTILE)
    for handler in logging.root.handlers:
        handler.close()
    assert hidden_characters((tmp_path / "log").read_text(encoding="utf-8")) == frozenset()


def test_complaints_about_arguments_are_visible() -> None:
    """Names of options, files and commands that a shell completed from a hostile folder."""

    @click.command()
    @click.argument("file", type=click.Path(exists=True))
    def look(file: str) -> None:
        raise click.ClickException(file)

    program = Program("test", commands=[look])
    for arguments in ([HOSTILE], ["look", HOSTILE], ["look", f"--{HOSTILE}", "x"]):
        answer = CliRunner().invoke(program, arguments)
        assert answer.exit_code == 2
        assert "link" in answer.output and not hidden_characters(answer.output)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x07", r"\x07"),
        ("a\rb", r"a\rb"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp", r"\u202egnp"),
        ("\u2066x", r"\u2066x"),
        ("\x7f", r"\x7f"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("é 漢字 🐍 \u00a0", "é 漢字 🐍 \u00a0"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, expected: str) -> None:
    """Control characters and those that turn text around; everything else stays."""
    assert visible(text) == expected


def test_code_cannot_clear_the_screen() -> None:
    """An escape sequence inside a string literal of a candidate is spelled out."""
    assert shown(source("return '\x1b[2J'\n")).strip() == r"return '\x1b[2J'"


def test_code_with_windows_line_ends_is_shown_without_them() -> None:
    """They are no mistake that a reader should see."""
    assert [line.strip() for line in shown(source("a = 1\r\nb = 2\r\n")).splitlines()] == ["a = 1", "b = 2"]

"""Text from elsewhere, which a terminal shows and never obeys."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from plum_lsp.cli.terminal import harmless, literal, source


def shown(renderable: object) -> str:
    """What a terminal with colours would be sent."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=120, highlight=False)
    console.print(renderable)
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/nope]", "[link=http://x.example]x[/link]", ":smile:", "\\[red]"])
def test_markup_is_text(text: str) -> None:
    """Neither its markup nor its emoji codes mean anything."""
    assert shown(literal(text)) == f"{text}\n"


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
    assert harmless(text) == expected


def test_code_cannot_clear_the_screen() -> None:
    """An escape sequence inside a string literal of a candidate is spelled out."""
    assert shown(source("return '\x1b[2J'\n")).strip() == r"return '\x1b[2J'"


def test_code_with_windows_line_ends_is_shown_without_them() -> None:
    """They are no mistake that a reader should see."""
    assert [line.strip() for line in shown(source("a = 1\r\nb = 2\r\n")).splitlines()] == ["a = 1", "b = 2"]

"""Reads the place of a cursor in a comment or a docstring. Such text is continued like text: to the end of its line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import Block, HoleKind
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.lines import Buffer, indent_of, literal_at

SESSION = re.compile(r"\s*(?:>>>|\.\.\.)(?:\s|\Z)")
TEXT_HEAD = "#"
"""The head of every line of text for those who cut a completion: text that ends with its line, without brackets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A place in text. `quote` closes the docstring. It is empty in a comment."""

    place: Place
    span: Span
    quote: str
    block: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Docstring:
    """A string in triple quotes that is a statement. Its text begins at `body`."""

    body: int
    end: int
    quote: str
    is_raw: bool


def docstring_at(text: str, cursor: int) -> Docstring | None:
    """The docstring, closed or not, that the cursor is inside. None if it is in none."""
    literal = literal_at(text, cursor)
    if literal is None or (quote := text[literal.start : literal.start + 3]) not in {"'''", '"""'}:
        return None
    opened = text[text.rfind("\n", 0, literal.start) + 1 : literal.start].strip()
    if opened not in {"", "r", "R", "u", "U"}:
        return None
    return Docstring(body=literal.start + 3, end=literal.end, quote=quote, is_raw=opened in {"r", "R"})


def prose_at(buffer: Buffer) -> Prose | None:
    """The place of a cursor at the end of a line of a comment or a docstring. None at every other place.

    A line of an interpreter session, or the line below one, is not text. An empty comment is no beginning of a text.
    """
    text, cursor = buffer.text, buffer.cursor
    literal = literal_at(text, cursor)
    if literal is None:
        return None
    start = text.rfind("\n", 0, cursor) + 1
    end = text.find("\n", cursor)
    tail = text[cursor : len(text) if end < 0 else end]
    head = text[start:cursor]
    block = Block(kind=HoleKind.LINE, indent=indent_of(head), line_head=TEXT_HEAD)
    if text[literal.start] == "#":
        is_text = not tail.strip() and text[literal.start : cursor].strip("#! \t") != ""
        span = Span(start=cursor, end=cursor + len(tail))
        return Prose(place=Place.COMMENT, span=span, quote="", block=block) if is_text else None
    docstring = docstring_at(text, cursor)
    if docstring is None:
        return None
    body, quote = docstring.body, docstring.quote
    is_end = not tail.strip() or (docstring.end <= cursor + len(tail) and tail.strip() == quote)
    said = text[max(start, body) : cursor]
    if not is_end or not said.strip() or SESSION.match(said) or _is_below_session(text, body, start):
        return None
    span = Span(start=cursor, end=cursor if tail.strip() else cursor + len(tail))
    return Prose(place=Place.DOCSTRING, span=span, quote=quote, block=block)


def _is_below_session(text: str, opening: int, line_start: int) -> bool:
    """Whether the line above is a line of an interpreter session, so that this one shows its result."""
    above = text[opening : max(opening, line_start - 1)].rpartition("\n")[2]
    return bool(SESSION.match(above))

"""Text made of what markup is made of, and what Markdown parsers make of a page."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

PIECES = (
    *("`", "```", "~~~", "````", "\n", "\r", "\r\n", "\n\n", "\t", "    ", " ", "<", ">", "[", "]", "(", ")", "!", "|"),
    *("[x](command:run)", "![x](https://e.example/a.png)", "https://e.example", "www.e.example", "me@e.example"),
    *("<script>", "<https://e.example>", "<!--", "&lt;", "&#96;", "\\", "\\`", "# ", "- ", "* ", "1. ", "1)", "> "),
    *("===", "---", "***", "**verified**: passes 9 of 9 tests", "[x]: command:run", "[^1]", "$(check)", "$x$", ":a:"),
    *("| a |\n|---|", "http", "://", "command:", "\x1b]8;;http://e\x07", "\u202e", "\u200b", "\x00", "\u2028", "\x85"),
)
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=14).map("".join)
PARSERS = (
    MarkdownIt("commonmark"),
    MarkdownIt("gfm-like", {"linkify": False}),
    MarkdownIt("js-default", {"html": True, "typographer": True, "linkify": False}),
)
AUTOMATIC_LINK = re.compile(r"(?i)[a-z][a-z0-9+.-]*://|www\.|\w@\w|\b(?:command|mailto|xmpp|file|data|javascript):\S")
"""What some dialects make a link of without any brackets (GFM 6.9)."""


def shapes(source: str) -> list[str]:
    """The nodes that a parser makes of a page, in order; those of every parser are the same."""
    seen = [[flat.type for flat in flattened(parser.parse(source))] for parser in PARSERS]
    assert all(one == seen[0] for one in seen)
    return seen[0]


def flattened(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *flattened(token.children or []))]


def prose(source: str) -> str:
    """What stands outside of code in a line of Markdown."""
    return " | ".join(one.content for one in flattened(PARSERS[0].parse(source)) if one.type == "text")
